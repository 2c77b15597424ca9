"""Evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meta_agents import operations
from meta_agents.evaluations import Comparison, Evaluation, EvaluationRecord
from meta_agents.results import Json
from meta_agents.synchronous.calling import Call, pages


class Evaluations:
    """Agents and workflows on data sets, and how two of them compare. Each is an execution too, under the same id."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def start(  # noqa: PLR0913 - each is one thing that a request may say
        self,
        *,
        agent: str | None = None,
        workflow: str | None = None,
        data: str | None = None,
        cases: Sequence[Mapping[str, Json]] | None = None,
        graders: Sequence[Mapping[str, Json]] = (),
        prompt: str | None = None,
        prompts: Mapping[str, str] | None = None,
        draft: Mapping[str, Json] | None = None,
        variables: Mapping[str, Json] | None = None,
        concurrency: int | None = None,
        limits: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
    ) -> EvaluationRecord:
        """Evaluate an agent or a workflow on a data set (`name` or `name@version`), or on `cases`.

        `prompt`, or a `draft` (`template`, `variables`) that is not stored: what the agent has in place of its own.
        `prompts`: the same for the agents of a workflow, by name.
        """
        request = {
            "agent": agent,
            "workflow": workflow,
            "data": data,
            "cases": cases,
            "graders": list(graders),
            "prompt": prompt,
            "prompts": prompts,
            "draft": draft,
            "variables": variables,
            "concurrency": concurrency,
            "limits": limits,
        }
        return self._call(operations.start_evaluation(request, idempotency_key))

    def list(self, *, kind: str | None = None, page_size: int = 50) -> Iterator[EvaluationRecord]:
        """Newest first; `kind="trial"`: of prompts tried on past calls."""
        return pages(lambda continuation: self._call(operations.list_evaluations(kind, page_size, continuation)))

    def get(
        self, evaluation: str, *, cases: str | None = None, page_size: int = 200, continuation: str | None = None
    ) -> Evaluation:
        """What came of it, as far as it has come: the sums and a page of its cases.

        `cases`: `failed` for those that a grader did not pass, `changed` for those whose answer is another.
        """
        return self._call(operations.get_evaluation(evaluation, cases, page_size, continuation))

    def compare(self, left: str, right: str) -> Comparison:
        """Two over the same cases."""
        return self._call(operations.compare_evaluations(left, right))
