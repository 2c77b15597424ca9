"""Calling models: which endpoints an alias means, in which order. The calls themselves are next door, in `calls`."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from time import monotonic

from domain.errors import Code, Fault, Problem, ProblemError
from domain.expressions import evaluate, truth
from domain.models import DEFAULT, Cascade, ModelAlias
from services.entra import GetToken, token_provider
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest, OnText, PassedOver
from services.models.endpoints import Clock, Endpoints, Sleep
from services.models.prices import Price, PriceList
from services.models.problems import Unserved, not_accepted, refused
from services.models.registry import ModelRegistry
from services.settings import Provider, Settings

__all__ = ["AnswerRejected", "ModelAnswer", "ModelClient", "ModelRequest"]

AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"


class ModelClient:
    """Calls the endpoints that the registry names, at most `model_concurrency` at the same time."""

    def __init__(
        self,
        settings: Settings,
        azure_token: GetToken | None = None,
        registry: ModelRegistry | None = None,
        *,
        clock: Clock = monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._registry = registry or ModelRegistry(settings)
        self._prices = PriceList(settings)
        token = azure_token or token_provider(AZURE_SCOPE)
        self._endpoints = Endpoints(settings, token, self._prices, clock, sleep)

    @property
    def name(self) -> str:
        """The model that `default` means, of a cascade both aliases; or `none`."""
        default = self._registry.lately.get(DEFAULT)
        if default is None:
            return "none"
        cascade = default.entry.cascade
        return f"{cascade.first}, then {cascade.then}" if cascade else default.entry.model or "none"

    @property
    def provider(self) -> Provider:
        known = self._registry.lately
        default = known.get(DEFAULT)
        if default is not None and default.entry.cascade is not None:
            default = known.get(default.entry.cascade.first)
        return (default and default.entry.provider) or "none"

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelAnswer:
        """The answer to one request; its pieces go to `on_text` as they come.

        One attempt: retries are durable, and so made by the orchestrator. Only while nothing was billed or shown, the
        alias's fallbacks are asked within it. Raises `ProblemError`: model_unreachable, model_rate_limited,
        model_refused, model_bad_answer, model_cut_off; invalid_definition for an output schema that is none. An answer
        cut off at `max_output_tokens` is accepted, with finish_reason `length`, unless a schema was asked for. Raises
        `AnswerRejected` model_not_accepted for the first answer of a cascade: ask again, `escalated`.
        """
        entry = await self._entry(request.alias)
        if entry.cascade is None:
            return await self._served(request, request.alias, on_text)
        if request.escalated:
            return await self._served(request, entry.cascade.then, on_text)
        return await self._first(request, entry.cascade, on_text)

    def cost(self, alias: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars that so many tokens of the model behind the alias cost; None when that is not known.

        Of a cascade: the dearer one.
        """
        found = self._registry.lately.get(alias)
        if found is None:
            return None
        cascade = found.entry.cascade
        if cascade is None:
            return self._prices.cost(found.entry, None, tokens_in, tokens_out)
        both = [self.cost(name, tokens_in, tokens_out) for name in (cascade.first, cascade.then)]
        known = [cost for cost in both if cost is not None]
        return max(known) if len(known) == len(both) else None

    def price(self, alias: str) -> Price | None:
        """What the tokens of an alias cost, and who says so; of a cascade, those of the stronger model."""
        known = self._registry.lately
        found = known.get(alias)
        if found is not None and found.entry.cascade is not None:
            found = known.get(found.entry.cascade.then)
        return self._prices.of(found.entry) if found else None

    async def close(self) -> None:
        await self._endpoints.close()

    async def _first(self, request: ModelRequest, cascade: Cascade, on_text: OnText | None) -> ModelAnswer:
        """The cheap answer. It is paid for: when it will not do, it is recorded before another is asked."""
        try:
            answer = await self._served(request, cascade.first, on_text)
        except AnswerRejected as error:
            raise AnswerRejected(not_accepted(cascade.first, error.problem.message), error.answer) from error
        except Unserved as error:
            answer = await self._served(request, cascade.then, on_text)
            passed = (_passed(cascade.first, error.problem), *answer.passed_over)
            return answer.model_copy(update={"passed_over": passed})
        if not answer.tool_calls and (why := _complaint(cascade, answer)):
            raise AnswerRejected(not_accepted(cascade.first, why), answer)
        return answer

    async def _served(self, request: ModelRequest, alias: str, on_text: OnText | None) -> ModelAnswer:
        """The answer of the alias, or of the first of its fallbacks that takes the request."""
        entry = await self._entry(alias)
        known = await self._registry.known()
        names = [alias, *(name for name in entry.fallback if name in known and known[name].entry.cascade is None)]
        problems: list[Problem] = []
        for name in names:
            passed = tuple(map(_passed, names, problems))
            try:
                answer = await self._endpoints.of(name, known[name].entry).ask(request, on_text)
            except Unserved as error:
                problems.append(error.problem)
            except AnswerRejected as error:
                rejected = error.answer.model_copy(update={"alias": name, "passed_over": passed})
                raise AnswerRejected(error.problem, rejected) from error
            else:
                return answer.model_copy(update={"passed_over": passed})
        raise Unserved(_none_answered(names, problems))

    async def _entry(self, alias: str) -> ModelAlias:
        known = await self._registry.known()
        if not known:
            action = "Set OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT, and MODEL_NAME; see docs/configuration.md."
            raise refused("No model endpoint is set up.", action, Fault.PLATFORM)
        if alias not in known:
            action = f"Use `default`, or have {alias!r} added to the models of this deployment; see docs/models.md."
            raise refused(f"This deployment knows no model {alias!r}.", action, Fault.AUTHOR)
        return known[alias].entry


def _complaint(cascade: Cascade, answer: ModelAnswer) -> str | None:
    """Why the first answer is not good enough; None: it is."""
    if cascade.accept_schema is not None and (mismatch := _mismatch(answer, cascade)):
        return mismatch
    if cascade.accept is None:
        return None
    scope = {"answer": answer.value, "text": answer.text, "finish_reason": answer.finish_reason}
    try:
        accepted = truth(cascade.accept, evaluate(cascade.accept, scope))
    except ProblemError as error:
        return error.problem.message
    return None if accepted else f"`{cascade.accept[:200]}` is false."


def _mismatch(answer: ModelAnswer, cascade: Cascade) -> str | None:
    from services.models.schemas import parse  # noqa: PLC0415 - slow to import

    try:
        parse(answer.text, cascade.accept_schema or {})
    except ProblemError as error:
        return error.problem.message
    return None


def _passed(alias: str, problem: Problem) -> PassedOver:
    return PassedOver(alias=alias, code=problem.code, message=problem.message)


def _none_answered(names: list[str], problems: list[Problem]) -> Problem:
    """The first one's problem, with what became of the others. As soon as one may be asked again, all are."""
    first, *others = problems
    if not others:
        return first
    told = [f"`{name}`: {problem.message}" for name, problem in zip(names[1:], others, strict=True)]
    waits = [problem.retry_after for problem in problems]
    soonest = min((wait for wait in waits if wait is not None), default=None) if None not in waits else None
    retryable = any(problem.retryable for problem in problems)
    code = next((problem.code for problem in problems if problem.retryable), Code.MODEL_REFUSED)
    message = " ".join([first.message, "Nor did its fallbacks answer:", *told])
    return first.model_copy(update={"message": message, "retry_after": soonest, "retryable": retryable, "code": code})
