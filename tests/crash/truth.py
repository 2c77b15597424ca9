"""What must hold of an execution whose host was killed: rules over its log, the logs at each kill, and the stub's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from domain.events import TERMINAL, Event, EventType
from meta_agents.testing import LogEntry
from tests.crash.killing import Kill, unanswered


@dataclass
class Call:
    """What a log says of one model call: its attempts, in order; those that failed; its answers."""

    started: list[int] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)
    answers: list[Event] = field(default_factory=list)

    @property
    def open_attempt(self) -> int | None:
        """The attempt that was under way at the end of this log."""
        under_way = self.started and not self.answers and self.started[-1] not in self.failed
        return self.started[-1] if under_way else None


def calls_in(log: Sequence[Event]) -> dict[str, Call]:
    """Each model call by its key."""
    return _calls_in(event for event in log if "tool" not in event.data)


def tool_calls_in(log: Sequence[Event]) -> dict[str, Call]:
    """Each tool call by its key."""
    return _calls_in(event for event in log if "tool" in event.data)


def _calls_in(log: Iterable[Event]) -> dict[str, Call]:
    calls: defaultdict[str, Call] = defaultdict(Call)
    for event in log:
        match event.type:
            case EventType.CALL_STARTED:
                calls[event.data["call"]].started.append(event.data["attempt"])
            case EventType.CALL_FAILED:
                calls[event.data["call"]].failed.add(event.data["attempt"])
            case EventType.CALL_COMPLETED | EventType.CALL_ASKED:
                calls[event.data["call"]].answers.append(event)
            case _:
                pass
    return dict(calls)


@dataclass(frozen=True)
class Ordeal:
    """One execution that went through kills: its final log, and everything seen on the way."""

    execution: str
    log: list[Event]
    kills: list[Kill]
    stub: list[LogEntry]

    def calls(self) -> dict[str, Call]:
        return calls_in(self.log)

    def at_kills(self) -> list[dict[str, Call]]:
        return [calls_in(kill.logs[self.execution]) for kill in self.kills]

    def requests(self, since: int = 0) -> list[LogEntry]:
        return self._entries("start", since)

    def sent(self) -> Counter[str]:
        """How often the stub answered each call in full."""
        return Counter(self._key(entry) for entry in self._entries("sent"))

    def _entries(self, event: str, since: int = 0) -> list[LogEntry]:
        return [entry for entry in self.stub[since:] if entry.event == event and self._key(entry)]

    def _key(self, entry: LogEntry) -> str:
        """The call's key within the execution; empty for a request of another."""
        execution, _, key = (entry.idempotency_key or "").partition(":")
        return key if execution == self.execution else ""

    def require_all(self) -> None:
        """Every rule below."""
        self.require_whole_log()
        self.require_nothing_lost()
        self.require_no_finished_call_made_again()
        self.require_each_attempt_accounted_for()
        self.require_one_request_an_attempt()
        self.require_one_answer_each()

    def require_whole_log(self) -> None:
        """Offsets without gaps, each event once, one end."""
        assert [event.offset for event in self.log] == list(range(1, len(self.log) + 1))
        assert [id for id, count in Counter(event.id for event in self.log).items() if count > 1] == []
        assert [event.offset for event in self.log if event.type in TERMINAL] == [len(self.log)]

    def require_nothing_lost(self) -> None:
        """What was on disk when the host was killed is in the final log, unchanged."""
        for kill in self.kills:
            before = kill.logs[self.execution]
            assert self.log[: len(before)] == before

    def require_no_finished_call_made_again(self) -> None:
        """A call whose answer was on disk when the host was killed is not asked of the model after that."""
        for kill, calls in zip(self.kills, self.at_kills(), strict=True):
            finished = {key for key, call in calls.items() if call.answers}
            assert finished.isdisjoint(self._key(entry) for entry in self.requests(since=kill.lines))

    def require_each_attempt_accounted_for(self) -> None:
        """A call was begun again only after a failure that is logged, or a kill that found it under way."""
        at_kills = self.at_kills()
        for key, call in self.calls().items():
            interrupted = {calls[key].open_attempt for calls in at_kills if key in calls}
            assert call.started == list(range(1, len(call.started) + 1)), key
            assert [n for n in call.started[:-1] if n not in interrupted | call.failed] == [], key

    def require_one_request_an_attempt(self) -> None:
        """All requests of a call carry its key and ask the same thing, at most one for each attempt.

        The model is asked while the attempt is being written, so each kill may hide the attempt that it interrupted.
        """
        asked: defaultdict[str, list[str]] = defaultdict(list)
        for entry in self.requests():
            asked[self._key(entry)].append(entry.messages)
        calls, hidden = (
            self.calls(),
            Counter(key for asked_before in self._asked_before_kills() for key in asked_before),
        )
        assert asked.keys() == calls.keys()
        for key, messages in asked.items():
            assert len(messages) <= len(calls[key].started) + hidden[key], key
            assert len(set(messages)) == 1, key

    def _asked_before_kills(self) -> list[set[str]]:
        """The calls asked of the model between each kill and the one before."""
        lines = [0, *(kill.lines for kill in self.kills)]
        spans = [self.stub[start:end] for start, end in pairwise(lines)]
        return [{self._key(entry) for entry in span if entry.event == "start" and self._key(entry)} for span in spans]

    def require_one_answer_each(self) -> None:
        """The log holds exactly one answer to each call, whatever the model was made to say twice."""
        assert {key: len(call.answers) for key, call in self.calls().items()} == dict.fromkeys(self.calls(), 1)

    def open_at_kills(self) -> list[set[str]]:
        """The calls that each kill interrupted."""
        return [{key for key, call in calls.items() if call.open_attempt} for calls in self.at_kills()]

    def cut_off(self) -> list[set[str]]:
        """The calls that the model had been asked and had not answered when the host was killed, at each kill."""
        lines = [0, *(kill.lines for kill in self.kills)]
        spans = [self.stub[start:end] for start, end in pairwise(lines)]
        return [{key for entry in unanswered(span) if (key := self._key(entry))} for span in spans]

    def answered_again(self) -> dict[str, int]:
        """Calls the model answered in full more than once: a kill fell between its last byte and our commit."""
        return {key: count for key, count in self.sent().items() if count > 1}

    def summary(self) -> str:
        open_calls = self.open_at_kills()
        requests, calls = len(self.requests()), len(self.calls())
        return (
            f"{len(self.kills)} kills, {sum(map(bool, open_calls))} of them within {sum(map(len, open_calls))} calls; "
            f"{sum(map(len, self.cut_off()))} calls were being answered; {calls} calls made with {requests} requests; "
            f"answered again because the answer was sent but not yet kept: {self.answered_again() or 'none'}"
        )
