"""Bundles that somebody tampered with are refused with what is wrong where, and change nothing."""

from __future__ import annotations

import asyncio
import copy
import json
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.bodies import Unreadable
from api.bundle_reading import MOST_MISTAKES, MOST_VALUES, read_bundle
from api.zipped import unzipped
from domain.bundles import MAX_BYTES
from domain.errors import Code, ProblemError
from services.models.base import ModelRequest
from tests.api.bundles import STEPS, Document, Json, changed, exported, ids, sent
from tests.api.conftest import problem
from tests.api.living import Living, living
from tests.support.scripted_model import Answer, Script, unreachable

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

ERROR = {"code": "timeout", "message": "m", "action": "a", "fault": "model"}
USAGE = {"model_calls": 1, "tokens_in": 1, "tokens_out": 1, "cost_usd": "1"}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Living]:
    async with living(tmp_path, yes) as made:
        yield made


def yes(_: ModelRequest) -> Answer:
    return "yes"


def fails_at_last(request: ModelRequest) -> Answer:
    return unreachable() if "Write of" in str(request.messages[-1]) else "yes"


async def _export(state_dir: Path, script: Script) -> Document:
    async with living(state_dir, script) as there:
        return await exported(there.api, await there.run(STEPS))


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """A bundle that was exported from another deployment."""
    return asyncio.run(_export(tmp_path_factory.mktemp("elsewhere"), yes))


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Document:
    """One of an execution whose last step failed."""
    return asyncio.run(_export(tmp_path_factory.mktemp("elsewhere"), fails_at_last))


def place_of(bundle: Document, type: str) -> str:
    """Pointer to the first event of a type."""
    return f"/events/{next(index for index, event in enumerate(bundle['events']) if event['type'] == type)}"


def mistakes(bundle: Json) -> dict[str, str]:
    """Check that it is refused; what is wrong, by pointer."""
    with pytest.raises(ProblemError) as raised:
        read_bundle(json.dumps(bundle).encode())
    problem = raised.value.problem
    assert (problem.code, problem.message) == (Code.INVALID_REQUEST, "The bundle is not one that can be imported.")
    assert problem.action.endswith("nothing was imported.")
    assert 0 < len(problem.details) <= MOST_MISTAKES
    return {detail.pointer: detail.message for detail in problem.details}


async def refused(app: Living, content: bytes, media_type: str = "application/json") -> str:
    """Check that it is, and that nothing came of it; the sentence that says why."""
    answer = await app.api.post("/api/executions/import", content=content, headers={"Content-Type": media_type})
    problem(answer, 400, "invalid_request")
    assert await ids(app.api) == []
    return str(answer.json()["detail"])


RECORD: list[tuple[str, Json, str]] = [
    ("/execution/id", "../../x", "/execution/id"),
    ("/execution/id", "A" * 32, "/execution/id"),
    ("/execution/id", ..., "/execution/id"),
    ("/execution/tenant", "t1", "/execution/tenant"),
    ("/execution/plan", "0" * 64, "/execution/plan"),
    ("/execution/hold", "for ever", "/execution/hold"),
    ("/execution/status", "done", "/execution/status"),
    ("/execution/status", "failed", "/execution/error"),
    ("/execution/status", "running", "/execution/ended"),
    ("/execution/ended", None, "/execution/ended"),
    ("/execution/ended", "2026-01-01T00:00:00", "/execution/ended"),
    ("/execution/created", "0001-01-01T00:00:00Z", "/execution/created"),
    ("/execution/created", "9999-12-31T23:59:59-12:00", "/execution/created"),
    ("/execution/created", [], "/execution/created"),
    ("/execution/workflow", "other", "/execution/workflow"),
    ("/execution/workflow", "../x", "/execution/workflow"),
    ("/execution/workflow_version", 7, "/execution/workflow_version"),
    ("/execution/retry_of", "../../t1/executions", "/execution/retry_of"),
    ("/execution/imported_from", 5, "/execution/imported_from"),
    ("/execution/turns", -1, "/execution/turns"),
    ("/execution/turns", "3", "/execution/turns"),
    ("/execution/turns", True, "/execution/turns"),
    ("/execution/error", {**ERROR, "retry_after": "NaN"}, "/execution/error/retry_after"),
    ("/execution/turns", 10**18, "/execution/turns"),
    ("/execution/usage", {**USAGE, "model_calls": -1}, "/execution/usage"),
    ("/execution/usage", {**USAGE, "cost_usd": "1e999999999"}, "/execution/usage"),
    ("/execution/usage", {**USAGE, "cost_usd": "1e-999999999"}, "/execution/usage"),
    ("/execution/usage", {**USAGE, "cost_usd": "NaN"}, "/execution/usage/cost_usd"),
    ("/execution/error", {"code": "made_up"}, "/execution/error/code"),
    ("/execution/started_by", "x" * 501, "/execution/started_by"),
    ("/execution/input", "no object", "/execution/input"),
    ("/execution", [], "/execution"),
]
PLAN: list[tuple[str, Json, str]] = [
    ("/plan", ..., "/plan"),
    ("/plan/workflow/name", "../x", "/plan/workflow/name"),
    ("/plan/workflow/steps", [], "/plan/workflow/steps"),
    ("/plan/workflow/steps/0/agent", "nobody", "/plan/workflow/steps/0/agent"),
    ("/plan/workflow/steps/0/input", "${1 +}", "/plan/workflow/steps/0/input"),
    ("/plan/workflow/steps/0/id", "write", "/plan/workflow/steps/3/id"),
    ("/plan/workflow/input", {"type": "nonsense"}, "/plan/workflow/input/type"),
    ("/plan/workflow/input", {"$ref": "http://elsewhere.test/"}, "/plan/workflow/input/$ref"),
    ("/plan/agents/planner", ..., "/plan/workflow/steps/0/agent"),
    ("/plan/agents/planner/name", "somebody", "/plan/agents/planner/name"),
    ("/plan/agents/planner/output_schema", {"type": 5}, "/plan/agents/planner/output_schema/type"),
    ("/plan/agents/planner/instructions", "", "/plan/agents/planner/instructions"),
    ("/plan/agent_versions/nobody", 1, "/plan/agent_versions"),
    ("/plan/tools/x", {"name": "y", "function": "f"}, "/plan/tools/x/name"),
    ("/plan/tools/x", {"name": "x", "function": "f", "input": {"type": 5}}, "/plan/tools/x/input/type"),
    ("/plan/tools/x", {"name": "x"}, "/plan/tools/x"),
    ("/plan/workflow/steps/0", {"id": "plan", "tool": "x"}, "/plan/tools"),
    ("/plan/workflow/steps/0", {"id": "plan", "workflow": "x"}, "/plan/workflows"),
    ("/plan/workflows/x", {"name": "x", "steps": [{"id": "a", "agent": "nobody"}]}, "/plan/workflows/x/steps/0/agent"),
    ("/plan/workflows/x", {"name": "x", "steps": [{"id": "a", "workflow": "x"}]}, "/plan/workflows"),
    ("/plan/agent_versions/planner", "first", "/plan/agent_versions/planner"),
    ("/plan/hash", "0" * 64, "/plan/hash"),
]
FRAME: list[tuple[str, Json, str]] = [
    ("/schema_version", ..., "/schema_version"),
    ("/schema_version", "1", "/schema_version"),
    ("/exported", ..., "/exported"),
    ("/exported", "yesterday", "/exported"),
    ("/events", ..., "/events"),
    ("/events", [], "/events"),
    ("/events", {}, "/events"),
    ("/events", None, "/events"),
    ("/tenant", "t1", "/tenant"),
]
EVENTS: list[tuple[str, Json, str]] = [
    ("/events/1", "text", "/events/1"),
    ("/events/1/offset", 1, "/events/1/offset"),
    ("/events/1/offset", "2", "/events/1/offset"),
    ("/events/1/offset", 2**63, "/events/1/offset"),
    ("/events/1/id", "execution.started", "/events/1/id"),
    ("/events/1/id", "execution.watched", "/events/1/id"),
    ("/events/1/id", "plan#0:call", "/events/1/id"),
    ("/events/1/id", "execution.canceled", "/events/1/id"),
    ("/events/1/id", "", "/events/1/id"),
    ("/events/1/id", "plan:step.started\n", "/events/1/id"),
    ("/events/1/id", "x" * 4_001, "/events/1/id"),
    ("/events/1/type", "made.up", "/events/1/type"),
    ("/events/0/type", "step.started", "/events/0/id"),
    ("/events/1/time", "now", "/events/1/time"),
    ("/events/1/time", "2026-01-01T00:00:00", "/events/1/time"),
    ("/events/1/step", "../../../etc/passwd", "/events/1/step"),
    ("/events/1/step", "a//b", "/events/1/step"),
    ("/events/1/step", "a[x]", "/events/1/step"),
    ("/events/1/step", "a/" * 1_001 + "a", "/events/1/step"),
    ("/events/1/step", "a[١]", "/events/1/step"),
    ("/events/1/agent", "<script>", "/events/1/agent"),
    ("/events/1/artifact", "../../x", "/events/1/artifact"),
    ("/events/1/artifact", "0" * 64, "/events/1/artifact"),
    ("/events/1/data", [], "/events/1/data"),
    ("/events/1/data", {"kind": {"a": "b"}}, "/events/1/data/kind"),
    ("/events/1/data", {"note": "x" * 70_000}, "/events/1/data"),
]
ANSWER: list[tuple[str, Json]] = [
    ("usage", {**USAGE, "tokens_in": "many"}),
    ("usage", {**USAGE, "cost_usd": "1e999999999"}),
    ("request", ...),
    ("request", "../x"),
    ("call", 5),
    ("seconds", 1e300),
    ("seconds", -1),
    ("attempt", 10**18),
    ("role", ["chair"]),
    ("tool", 5),
    ("spent", {**USAGE, "cost_usd": "-1"}),
    ("reused_from", {}),
    ("escalates", ["a#0"]),
    ("alias", 5),
    ("passed_over", 5),
    ("passed_over", ["large"]),
    ("passed_over", [{"alias": {}, "code": "x", "message": "m"}]),
    ("cached", "often"),
    ("discard", -1),
]


@pytest.mark.parametrize(("pointer", "value", "where"), [*FRAME, *RECORD, *PLAN, *EVENTS])
def test_every_field_is_checked(genuine: Document, pointer: str, value: Json, where: str) -> None:
    errors = mistakes(changed(genuine, pointer, value))
    assert any(place.startswith(where) for place in errors), errors


@pytest.mark.parametrize(("name", "value"), ANSWER)
def test_what_is_read_of_an_answer_is_checked(genuine: Document, name: str, value: Json) -> None:
    place = place_of(genuine, "call.completed")
    errors = mistakes(changed(genuine, f"{place}/data/{name}", value))
    assert all(where.startswith(f"{place}/data/{name}") for where in errors)


def test_a_log_ends_once_and_as_the_record_says(genuine: Document) -> None:
    *before, last = genuine["events"]
    place = f"/events/{len(before)}"
    twice = [*before, last, {**last, "offset": last["offset"] + 1}]
    assert list(mistakes({**genuine, "events": twice})) == [f"/events/{len(before) + 1}/id"]
    canceled = {**last, "id": "execution.canceled", "type": "execution.canceled"}
    assert list(mistakes({**genuine, "events": [*before, canceled]})) == [f"{place}/type"]
    assert list(mistakes(changed(genuine, f"{place}/id", "x:execution.completed"))) == [f"{place}/id"]


@pytest.mark.parametrize("body", [None, 1, "bundle", [], {}, [[]], {"events": [1]}])
def test_what_is_no_bundle(body: Json) -> None:
    mistakes(body)


async def test_what_is_wrong_is_answered_and_changes_nothing(app: Living, genuine: Document) -> None:
    said = await refused(app, json.dumps(changed(genuine, "/events/1/artifact", "../../x")).encode())
    assert said == "The bundle is not one that can be imported."


@pytest.mark.parametrize("version", [0, 2, -1, 10**15])
async def test_of_another_schema_version_it_is_said_what_to_do(app: Living, genuine: Document, version: int) -> None:
    said = await refused(app, json.dumps(changed(genuine, "/schema_version", version)).encode())
    assert said == f"The bundle has schema version {version}, and this service reads version 1."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema_version": NaN}',
        b'{"schema_version": 1, "schema_version": 1}',
        b'{"schema_version": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a":' * 201 + b"1" + b"}" * 201,
    ],
    ids=["empty", "cut off", "no text", "deep", "NaN", "twice", "infinite", "half a pair", "digits", "too deep"],
)
async def test_what_is_no_json(app: Living, content: bytes) -> None:
    await refused(app, content)


async def test_other_media_types(app: Living) -> None:
    for media_type in ("text/plain", "application/yaml", "application/x-tar"):
        assert "application/zip" in await refused(app, b"{}", media_type)


class TestSize:
    async def test_too_many_bytes(self, app: Living) -> None:
        headers = {"Content-Type": "application/json"}
        content = b" " * (MAX_BYTES + 1)
        answer = await app.api.post("/api/executions/import", content=content, headers=headers)
        problem(answer, 413, "too_large")
        assert str(MAX_BYTES) in answer.json()["detail"]

    @pytest.mark.parametrize("item", [b"{}", b"[]", b"1", b'{"":0}'])
    def test_too_many_values_are_not_even_built(self, item: bytes) -> None:
        content = b'{"schema_version": 1, "events": [' + b",".join([item] * (MOST_VALUES + 1)) + b"]}"
        tracemalloc.start()
        try:
            with pytest.raises(Unreadable, match=str(MOST_VALUES)):
                read_bundle(content)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1_000_000

    def test_many_mistakes_are_told_as_few_and_soon(self, genuine: Document) -> None:
        before = time.process_time()
        mistakes({**genuine, "events": [{"offset": "x"}] * 100_000})
        mistakes({**genuine, **{f"key{number}": 0 for number in range(100_000)}})
        mistakes(changed(genuine, "/plan/agents", {f"a{number}": {} for number in range(50_000)}))
        many = [{"id": f"s{number}", "agent": "planner"} for number in range(50_000)]
        mistakes(changed(genuine, "/plan/workflow/steps", many))
        nested: Json = {"id": "s", "agent": "planner"}
        for depth in range(60):
            nested = {"id": f"s{depth}", "sequential": [nested]}
        mistakes(changed(genuine, "/plan/workflow/steps", [nested]))
        assert time.process_time() - before < 20


def _zip(*files: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return content.getvalue()


class TestZip:
    @pytest.mark.parametrize("name", ["../bundle.json", "/bundle.json", "bundle.json/", "other.json", "x/bundle.json"])
    def test_another_name(self, name: str) -> None:
        with pytest.raises(Unreadable, match="one file"):
            unzipped(_zip((name, b"{}")))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize("names", [["bundle.json", "x"], ["bundle.json", "bundle.json"], []])
    def test_another_number_of_files(self, names: list[str]) -> None:
        with pytest.raises(Unreadable, match="one file"):
            unzipped(_zip(*((name, b"{}") for name in names)))

    def test_a_long_list_of_files_is_not_even_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        content = _zip(*((f"{number}", b"") for number in range(2_000)))
        monkeypatch.setattr("api.zipped.ZipFile", None)
        with pytest.raises(Unreadable, match="one file"):
            unzipped(content)

    def test_a_bomb_is_unpacked_no_further_than_the_limit(self) -> None:
        content = _zip(("bundle.json", bytes(4 * MAX_BYTES)))
        assert len(content) < MAX_BYTES // 100
        tracemalloc.start()
        try:
            with pytest.raises(ProblemError, match=str(MAX_BYTES)) as raised:
                unzipped(content)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert raised.value.problem.code is Code.TOO_LARGE
        assert peak < 2.5 * MAX_BYTES

    def test_one_that_lies_about_its_size(self) -> None:
        content = bytearray(_zip(("bundle.json", bytes(2 * MAX_BYTES))))
        for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            struct.pack_into("<I", content, content.index(signature) + place, 100)
        with pytest.raises(Unreadable, match="Not a zip that can be read"):
            unzipped(bytes(content))

    @pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_ways_to_pack(self, compression: int) -> None:
        with pytest.raises(Unreadable, match="deflated"):
            unzipped(_zip(("bundle.json", b"{}"), compression=compression))

    def test_an_encrypted_one(self) -> None:
        content = bytearray(_zip(("bundle.json", b"{}")))
        for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(signature) + place] |= 1
        with pytest.raises(Unreadable, match="Not a zip that can be read"):
            unzipped(bytes(content))

    @settings(max_examples=300, deadline=None)
    @given(places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3), end=st.integers(0, 150))
    def test_damaged_ones(self, places: list[tuple[int, int]], end: int) -> None:
        content = bytearray(_zip(("bundle.json", b'{"schema_version": 9}' * 3)))
        for place, byte in places:
            content[place % len(content)] = byte
        with suppress(Unreadable):  # and no other
            assert unzipped(bytes(content[: len(content) - end])) == b'{"schema_version": 9}' * 3

    async def test_what_is_no_zip_is_answered(self, app: Living) -> None:
        for content in (b"", b"PK", b"{}", zlib.compress(b"{}")):
            assert "Not a zip" in await refused(app, content, "application/zip")
        assert "one file" in await refused(app, _zip(("../bundle.json", b"{}")), "application/zip")


JUNK: st.SearchStrategy[Json] = st.sampled_from(
    [
        *(None, True, 0, -1, 2**63, 1.5, ..., [], {}, [[]], {"": None}, {"r": "execution.started", "p": []}),
        *("", "x", "../..", "\x00", "\N{SKULL}", "x" * 3_000, "NaN", "1e999999999", "2026-01-01T00:00:00Z"),
        *("execution.completed", "step.started", "failed", "running", "0" * 32, "0" * 64),
    ]
)


def places(value: Json, here: str = "") -> list[str]:
    """Pointers to everything in it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [where for key, child in items for where in (f"{here}/{key}", *places(child, f"{here}/{key}"))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_whatever_is_changed_it_is_refused_or_good_for_everything(
    app: Living, failed: Document, data: st.DataObject
) -> None:
    """What is taken in in spite of a change can be looked at, compared, exported and retried like any other."""
    bundle = copy.deepcopy(failed)
    for _ in range(data.draw(st.sampled_from([1, 1, 1, 2]))):
        # Anywhere, but seldom among the many values of the log's many events.
        part = data.draw(st.sampled_from(["", "/execution", "/plan", "/events"]))
        inside = [where for where in places(bundle) if where.startswith(part)]
        if inside:
            bundle = changed(bundle, data.draw(st.sampled_from(inside)), data.draw(JUNK))
    before = await ids(app.api)
    answer = await sent(app.api, bundle)
    if answer.status_code != 201:
        problem(answer, 400, "invalid_request")
        assert await ids(app.api) == before
        return
    id = answer.json()["id"]
    assert (await app.api.get(f"/api/executions/{id}")).json() == answer.json()
    events = (await app.api.get(f"/api/executions/{id}/events")).json()
    assert events["ended"] is True
    assert (await app.api.get(f"/api/executions/{id}/diff/{id}")).status_code == 200
    again = await sent(app.api, await exported(app.api, id))
    assert again.status_code == 201, again.text
    retried = await app.api.post(f"/api/executions/{id}/retry")
    assert retried.status_code in (202, 409)
    if retried.status_code == 202:
        status = await app.bench.instance_ended(retried.json()["id"])
        assert status.runtime_status == "Completed", status.output
    assert await ids(app.other) == []
