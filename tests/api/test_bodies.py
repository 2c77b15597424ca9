"""Bodies: what is refused before anyone looks at what it means, and that the refusal is quick and says where."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from api.bodies import MAX_BYTES, MAX_DEPTH, Unreadable, parse_json, parse_yaml
from tests.api.conftest import problem


class TestJson:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "empty"),
            (b" \n", "empty"),
            (b"{", "line 1, column 2"),
            (b'{\n  "a": 1\n[', "line 3, column 1"),
            (b"{'a': 1}", "column 2"),
            (b"nope", "column 1"),
            (b'{"a": NaN}', "NaN"),
            (b'{"a": -Infinity}', "-Infinity"),
            (b'{"a": 1e999}', "`/a` is not finite"),
            (b'{"a": 1, "a": 2}', "'a' stands twice"),
            (b'{"a": "\\ud800"}', "`/a` has half of a surrogate pair"),
            (b'{"\\ud800": 1}', "half of a surrogate pair"),
            (b'"\xff"', "not UTF-8"),
            (b"[" * 100_000, "nested more than"),
            (b"[" * 150 + b"]" * 150, "nested more than"),
            (b"9" * 5_000, "digits"),
            (b'{"a": [18446744073709551616]}', "`/a/0` has more than 64 bits"),
            (b'{"a": -9223372036854775809}', "`/a` has more than 64 bits"),
            (b"[" + b"1," * 200_000 + b"1]", "more than 200000 values"),
        ],
    )
    def test_refused(self, content: bytes, why: str) -> None:
        with pytest.raises(Unreadable) as refused:
            parse_json(content)
        assert why in str(refused.value)

    def test_taken(self) -> None:
        nested = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
        assert parse_json(
            b'\xef\xbb\xbf{"a": [1, 2.5, 18446744073709551615, null, true, "\\u00e9 \\ud83d\\ude00"]}'
        ) == {"a": [1, 2.5, 2**64 - 1, None, True, "é 😀"]}
        assert isinstance(parse_json(nested), list)


class TestYaml:
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("a: [", "line 2, column 1"),
            ("a: b: c", "line 1, column 5"),
            ("a:\n\t- b", "line 2, column 1"),
            ("a: 1\na: 2", "this key stands here twice in line 2, column 1"),
            ("1: a", "a key must be text; quote it in line 1, column 1"),
            ("[a]: b", "a key must be text"),
            ("a: .nan", "not finite"),
            (f"a: 0x{'f' * 5_000}", "`/a` has more than 64 bits"),
            ("a: !!bool maybe", "maybe"),
            ("a: !!binary aGk=", "cannot be said in JSON"),
            ("a: !!set {b}", "cannot be said in JSON"),
            ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
            ("a: 1\n---\nb: 2", "another document"),
            ("a: *b", "undefined alias"),
            ("a: &a [*a]", "nested more than"),
            ("[" * 300_000, "nested more than"),
            ("- " * 300_000 + "x", "nested more than"),
            ("{a: " * 200_000, "nested more than"),
            ("? " * 200_000, "nested more than"),
            ("a: \x01", "control characters are not allowed"),
        ],
    )
    def test_refused(self, content: str, why: str) -> None:
        with pytest.raises(Unreadable) as refused:
            parse_yaml(content.encode())
        assert why in str(refused.value)

    def test_aliases_may_not_make_it_larger_than_it_looks(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
        with pytest.raises(Unreadable, match="more than 200000 values"):
            parse_yaml("\n".join(lines).encode())

    def test_taken(self) -> None:
        text = "base: &base {a: 1}\nuse:\n  <<: *base\n  b: [yes, 2.5, ~, 2024-01-01, é]\n"
        assert parse_yaml(text.encode()) == {
            "base": {"a": 1},
            "use": {"a": 1, "b": [True, 2.5, None, "2024-01-01", "é"]},
        }


class TestOverHttp:
    async def test_what_cannot_be_read_is_a_problem_with_the_place(self, api: httpx.AsyncClient) -> None:
        answer = await api.post("/api/agents", content='{"name": }', headers={"Content-Type": "application/json"})
        problem(answer, 400, "invalid_request")
        assert "line 1, column 10" in answer.json()["detail"]

    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
    async def test_other_types_are_refused(self, api: httpx.AsyncClient, media_type: str) -> None:
        answer = await api.post("/api/agents", content=b"x", headers={"Content-Type": media_type})
        problem(answer, 400, "invalid_request")
        assert "application/yaml" in answer.json()["detail"]

    async def test_executions_take_no_yaml(self, api: httpx.AsyncClient) -> None:
        answer = await api.post(
            "/api/executions", content="workflow: brief", headers={"Content-Type": "application/yaml"}
        )
        problem(answer, 400, "invalid_request")

    async def test_the_type_may_be_left_out_and_have_parameters(self, api: httpx.AsyncClient) -> None:
        content = b'{"name": "writer", "instructions": "x"}'
        assert (await api.post("/api/agents", content=content)).status_code == 201
        headers = {"Content-Type": "Application/JSON; charset=utf-8"}
        assert (await api.put("/api/agents/writer", content=content, headers=headers)).status_code == 200

    async def test_an_announced_large_body_is_not_read(self, api: httpx.AsyncClient) -> None:
        read = 0

        async def pieces() -> AsyncIterator[bytes]:
            nonlocal read
            read += 1
            yield b"x"

        answer = await api.post("/api/agents", content=pieces(), headers={"Content-Length": str(MAX_BYTES + 1)})
        problem(answer, 413, "too_large")
        assert read == 0

    async def test_an_unannounced_large_body_is_read_no_further_than_the_limit(self, api: httpx.AsyncClient) -> None:
        read = 0

        async def pieces() -> AsyncIterator[bytes]:
            nonlocal read
            for _ in range(100):
                read += 1
                yield b" " * 65_536

        problem(await api.post("/api/agents", content=pieces()), 413, "too_large")
        assert read <= 20

    async def test_the_largest_body_is_taken(self, api: httpx.AsyncClient) -> None:
        content = b'{"name": "writer", "instructions": "x"}'
        padded = content + b" " * (MAX_BYTES - len(content))
        assert (await api.post("/api/agents", content=padded)).status_code == 201
        problem(await api.post("/api/agents", content=padded + b" "), 413, "too_large")

    async def test_what_names_nothing_is_stored_nowhere(self, api: httpx.AsyncClient) -> None:
        problem(await api.put("/api/agents/writer", content=b'{"instructions": "\\ud800"}'), 400, "invalid_request")
        assert (await api.get("/api/agents")).json()["items"] == []
