"""Executions, and the questions that they ask humans."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from decimal import Decimal

import httpx

from meta_agents import operations
from meta_agents.asynchronous.calling import AsyncCall, pages
from meta_agents.diffs import Diff
from meta_agents.errors import MetaAgentsError, require_stream, unreachable
from meta_agents.following import Follower, Item, OnLost, Reconnect
from meta_agents.results import Approval, Chat, Event, EventPage, Execution, Json, UsageReport, WebhookDelivery
from meta_agents.wire import request


class AsyncExecutions:
    """Starting, watching and ending executions."""

    def __init__(self, http: httpx.AsyncClient, call: AsyncCall) -> None:
        self._http = http
        self._call = call

    async def start(
        self,
        workflow: str | Mapping[str, Json],
        input: Json = None,
        *,
        wait: int | None = None,
        idempotency_key: str | None = None,
        webhook: str | Mapping[str, Json] | None = None,
    ) -> Execution:
        """Start a workflow (`name`, `name@version`, or a whole definition); `input` defaults to `{}`.

        `wait`: seconds (at most 60) to wait for its end; the record may still be running after them.
        `idempotency_key`: starting again with the same key and request gives the same execution.
        `webhook`: a URL to call when it has ended, or `{"url", "events"}`.
        """
        return await self._call(operations.start(workflow, input, wait, idempotency_key, webhook))

    async def get(self, execution: str) -> Execution:
        return await self._call(operations.get_execution(execution))

    def list(
        self,
        *,
        status: str | None = None,
        workflow: str | None = None,
        variant: str | None = None,
        page_size: int = 50,
    ) -> AsyncIterator[Execution]:
        """Newest first, without `input` and `output`, fetched page by page as the iterator is read.

        `variant`: only those that had this prompt (`name@version`) chosen for them by weight.
        """
        return pages(
            lambda continuation: self._call(
                operations.list_executions(status, workflow, variant, page_size, continuation)
            )
        )

    async def pause(self, execution: str) -> Execution:
        """Begin nothing more until it is resumed; what is under way ends and is kept."""
        return await self._call(operations.pause(execution))

    async def resume(self, execution: str) -> Execution:
        return await self._call(operations.resume(execution))

    async def usage(self, execution: str, *, by: Iterable[str] = ("step", "agent", "model")) -> UsageReport:
        """What one execution has used so far, by any of `step`, `agent`, `model` and `tool`."""
        return await self._call(operations.usage_of(execution, by))

    async def raise_budget(
        self,
        execution: str,
        path: str = "",
        *,
        cost_usd: Decimal | str | None = None,
        tokens: int | None = None,
        model_calls: int | None = None,
        resume: bool = True,
    ) -> Execution:
        """Raise the budget of the step at `path` (empty: of the whole execution) to these caps.

        An execution that a budget has paused goes on then, unless `resume` is False.
        """
        dollars = None if cost_usd is None else str(cost_usd)
        caps = {"cost_usd": dollars, "tokens": tokens, "model_calls": model_calls}
        return await self._call(operations.raise_budget(execution, path, caps, resume))

    async def cancel(self, execution: str, *, wait: int | None = None) -> Execution:
        """End it: calls under way are broken off, finished work is kept.

        `wait`: seconds (at most 60) to wait for its end; the record may still be canceling after them.
        """
        return await self._call(operations.cancel(execution, wait))

    async def retry(self, execution: str, *, idempotency_key: str | None = None) -> Execution:
        """A new execution of a failed or canceled one, which goes on from the calls that were finished."""
        return await self._call(operations.retry(execution, idempotency_key))

    async def fork(
        self,
        execution: str,
        *,
        before: str | None = None,
        after: int | None = None,
        input: Json = None,
        outputs: Mapping[str, Json] | None = None,
        workflow: Mapping[str, Json] | None = None,
        agents: Mapping[str, Mapping[str, Json]] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """A new execution that takes over what this one did, but for what is changed.

        `before`, a step's path, or `after`, an offset of the log: what came later is done anew. `outputs`, by path of
        a step: it is not run. `agents`, by name, and `workflow`: other definitions than were pinned.
        """
        changes = {
            "before": before,
            "after": after,
            "input": input,
            "outputs": outputs,
            "workflow": workflow,
            "agents": agents,
        }
        return await self._call(operations.fork(execution, changes, idempotency_key))

    async def replay(
        self,
        execution: str,
        *,
        live: bool = False,
        input: Json = None,
        outputs: Mapping[str, Json] | None = None,
        workflow: Mapping[str, Json] | None = None,
        agents: Mapping[str, Mapping[str, Json]] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """A new execution that runs this ended one once more from its log: nothing is called, asked or waited for.

        What is not recorded, because something is changed, fails with `not_recorded`; or, `live`, is called. Compare
        the two with `diff`. The changes are those of `fork`.
        """
        changes = {"input": input, "outputs": outputs, "workflow": workflow, "agents": agents}
        return await self._call(operations.replay(execution, live, changes, idempotency_key))

    async def send(
        self, execution: str, event: str, value: Json = None, *, idempotency_key: str | None = None
    ) -> Event:
        """Send an event, with any JSON, to the step that waits for it or will; the event as it was logged.

        `idempotency_key`: with the same key it is sent once.
        """
        return await self._call(operations.send(execution, event, value, idempotency_key))

    async def hold(self, execution: str, reason: str) -> Execution:
        """Keep the execution from being purged, until it is released."""
        return await self._call(operations.hold(execution, reason))

    async def release(self, execution: str) -> Execution:
        return await self._call(operations.release(execution))

    async def delete(self, execution: str) -> None:
        """Remove an ended execution and all it left, for good. `ApiError` (409) if it is on hold or still needed."""
        await self._call(operations.delete_execution(execution))

    async def webhook(self, execution: str) -> WebhookDelivery:
        """What came of telling its webhook of its end; `ApiError` (404) when it has none."""
        return await self._call(operations.webhook(execution))

    async def diff(self, left: str, right: str, *, changed: bool = False, limit: int = 1_000) -> Diff:
        """Two executions side by side, aligned by step; they may still go on.

        `changed`: without the steps that are the same. `limit`: most steps in the answer, at most 10,000.
        """
        return await self._call(operations.diff(left, right, changed, limit))

    async def export(self, execution: str, *, zipped: bool = False) -> bytes:
        """The execution as a bundle for `import_bundle`: JSON, or a zip that holds it."""
        return await self._call(operations.export(execution, zipped))

    async def import_bundle(self, bundle: bytes, *, idempotency_key: str | None = None) -> Execution:
        """Take in what `export` gave, here or elsewhere; the record of the execution that it has become.

        `idempotency_key`: importing again with the same key and bundle gives the same execution.
        """
        return await self._call(operations.import_bundle(bundle, idempotency_key))

    async def events(self, execution: str, after: int = 0, *, limit: int = 500) -> EventPage:
        """One page of the log: the events after an offset."""
        return await self._call(operations.list_events(execution, after, limit))

    async def follow(
        self, execution: str, after: int = 0, *, reconnect: Reconnect | None = None, on_lost: OnLost | None = None
    ) -> AsyncGenerator[Item, None]:
        """Every event after an offset, once and in order, with deltas between; ends after the terminal event.

        A lost connection is made again (`on_lost` is told), until `reconnect.patience` is out: then `Unreachable`.
        """
        follower = Follower(execution, after, reconnect or Reconnect())
        while not follower.ended:
            cause: MetaAgentsError | None = None
            try:
                async with aclosing(self._stream(follower)) as items:
                    async for item in items:
                        yield item
            except MetaAgentsError as error:
                cause = error
            if not follower.ended:
                delay = follower.lost(cause)
                if on_lost is not None:
                    on_lost(cause)
                await asyncio.sleep(delay)

    async def _stream(self, follower: Follower) -> AsyncGenerator[Item, None]:
        prepared = request(self._http, follower.connect())
        try:
            response = await self._http.send(prepared, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                require_stream(response)
                async for chunk in response.aiter_bytes():
                    for item in follower.receive(chunk):
                        yield item
                    if follower.ended:
                        return
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            raise unreachable(prepared, error) from error

    async def value(self, execution: str, event: Event) -> Json:
        """The event's payload, loaded when it is too large to be in the log."""
        return event.value if event.artifact is None else await self.artifact(execution, event.artifact)

    async def artifact(self, execution: str, reference: str) -> Json:
        return await self._call(operations.artifact(execution, reference))

    async def chat(self, execution: str, step: str) -> Chat:
        """The group chat of a step as it stands."""
        return await self._call(operations.chat(execution, step))


class AsyncApprovals:
    """Questions to humans: listed across executions, decided once."""

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    def list(
        self, *, state: str | None = None, execution: str | None = None, page_size: int = 50
    ) -> AsyncIterator[Approval]:
        """Those of the latest executions first, fetched page by page as the iterator is read.

        `state`: only `pending`, `decided`, `expired` or `withdrawn` ones.
        """
        return pages(
            lambda continuation: self._call(operations.list_approvals(state, execution, page_size, continuation))
        )

    async def get(self, approval: str) -> Approval:
        return await self._call(operations.get_approval(approval))

    async def decide(self, approval: str, decision: str, *, comment: str = "") -> Approval:
        """Decide for one of its `options`, or speak: `say`, with the words as the comment.

        The first decision stands: `ApiError` (409) if there is one, 403 for whoever has none of its roles.
        """
        return await self._call(operations.decide(approval, decision, comment))
