"""Tools offered to a model, and the calls it asks for: as the protocol has them, and by schema where it has none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import Code
from domain.toolcalls import AskedTool
from services.models.base import AnswerRejected, ModelAnswer, ModelRequest
from services.models.client import ModelClient
from tests.services.models.conftest import MakeClient, ask
from tests.services.models.endpoint import RawEndpoint, answer, chunk, stream, usage

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "The weather of a city.", "parameters": CITY}
TIME = {"name": "time", "description": "", "parameters": {"type": "object"}}
TOOLS = [WEATHER, TIME]
CALLED: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Ulm"}'}},
            {"id": "b", "type": "function", "function": {"name": "time", "arguments": "not JSON"}},
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": "rain\ud800"},
    {"role": "tool", "tool_call_id": "b", "content": "noon"},
]


def piece(index: int | None, arguments: str = "", name: str | None = None, id: str | None = None) -> dict[str, Any]:
    return chunk(tool_calls=[{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}])


def asked(id: str, name: str, **arguments: Any) -> AskedTool:
    return AskedTool(id=id, name=name, arguments=arguments)


class TestNative:
    async def test_what_is_sent(self, endpoint: RawEndpoint, client: ModelClient) -> None:
        endpoint.reply = answer('{"city": "Ulm"}')
        await client.complete(ask(tools=TOOLS, messages=CALLED, response_schema=CITY))
        sent = endpoint.received[0].body
        assert sent["tools"] == [{"type": "function", "function": WEATHER}, {"type": "function", "function": TIME}]
        assert sent["tool_choice"] == "auto"
        assert sent["response_format"]["json_schema"]["schema"] == CITY
        assert sent["messages"] == [*CALLED[:3], {**CALLED[3], "content": "rain\ufffd"}, CALLED[4]]

    async def test_one_that_must_answer_is_told_so(self, endpoint: RawEndpoint, client: ModelClient) -> None:
        endpoint.reply = answer()
        await client.complete(ask(tools=TOOLS, must_answer=True))
        assert endpoint.received[0].body["tool_choice"] == "none"
        assert len(endpoint.received[0].body["tools"]) == 2

    async def test_several_calls_side_by_side_in_pieces(self, endpoint: RawEndpoint, client: ModelClient) -> None:
        endpoint.reply = stream(
            chunk("Let me "),
            piece(1, name="time", id="b"),
            piece(0, '{"ci', name="weather", id="a"),
            piece(1, "{}"),
            piece(0, 'ty": "Ulm"}'),
            chunk("look."),
            chunk(finish="tool_calls"),
            usage(10, 5),
        )
        shown: list[str] = []
        got = await client.complete(ask(tools=TOOLS, response_schema=CITY), shown.append)
        assert got.tool_calls == (asked("a", "weather", city="Ulm"), asked("b", "time"))
        assert (got.text, got.value, got.finish_reason) == ("Let me look.", None, "tool_calls")
        assert (got.tokens_in, got.tokens_out, shown) == (10, 5, ["Let me ", "look."])

    @pytest.mark.parametrize(
        ("pieces", "ids"),
        [
            ([piece(None, "{}", "time", "a"), piece(None, "{}", "time", "b")], ["a", "b"]),
            ([piece(0, "{}", "time", "a"), piece(0, "{}", "time", "b")], ["a", "b"]),
            ([piece(None, "{", "time"), piece(None, "}"), piece(None, "{}", "time")], ["call_3", "call_4"]),
            ([piece(0, "{", "time", "a"), piece(0, "}", "time", "a")], ["a"]),
            ([piece(0, "{", "time", "a"), piece(0, "}", "time")], ["a"]),
            ([piece(0, "", "time", "a")], ["a"]),
            ([piece(0, "{}", "time")], ["call_3"]),
        ],
    )
    async def test_endpoints_that_number_them_badly(
        self, endpoint: RawEndpoint, client: ModelClient, pieces: list[Any], ids: list[str]
    ) -> None:
        endpoint.reply = stream(*pieces, chunk(finish="stop"))
        got = await client.complete(ask(tools=TOOLS, messages=CALLED))
        assert got.tool_calls == tuple(asked(id, "time") for id in ids)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ('{"city": ', "not JSON"),
            ('{"city": NaN}', "not JSON"),
            ('{"city": 1e999}', "not JSON"),
            ('{"city": "\\ud800"}', "not JSON"),
            ("[" * 100_000, "not JSON"),
            ('["Ulm"]', "an array"),
            ('"Ulm"', "a text"),
            ("null", "null"),
            ("true", "a boolean"),
            ("7", "a number"),
        ],
    )
    async def test_malformed_arguments_are_a_complaint(
        self, endpoint: RawEndpoint, client: ModelClient, arguments: str, says: str
    ) -> None:
        endpoint.reply = stream(piece(0, arguments, "weather", "a"), chunk(finish="tool_calls"))
        (call,) = (await client.complete(ask(tools=TOOLS))).tool_calls
        assert (call.id, call.name, call.arguments) == ("a", "weather", None)
        assert says in (call.complaint or "")

    async def test_a_call_cut_off_at_the_limit_says_so(self, endpoint: RawEndpoint, client: ModelClient) -> None:
        endpoint.reply = stream(
            piece(0, "{}", "time", "a"), piece(1, '{"city": "U', "weather", "b"), chunk(finish="length")
        )
        first, second = (await client.complete(ask(tools=TOOLS))).tool_calls
        assert (first.complaint, second.arguments) == (None, None)
        assert "cut off" in (second.complaint or "")

    async def test_a_tool_that_was_not_offered_comes_back_all_the_same(
        self, endpoint: RawEndpoint, client: ModelClient
    ) -> None:
        endpoint.reply = stream(piece(0, "{}", "format_disk" * 100, "a"), chunk(finish="tool_calls"))
        (call,) = (await client.complete(ask(tools=TOOLS))).tool_calls
        assert call.name.startswith("format_disk")
        assert len(call.name) == 200


@pytest.fixture
def by_schema(endpoint: RawEndpoint, make_client: MakeClient) -> ModelClient:
    return make_client(endpoint, MODEL_TOOL_CALLS="schema")


async def heard(
    endpoint: RawEndpoint, client: ModelClient, said: Any, finish: str = "stop", **more: Any
) -> ModelAnswer:
    endpoint.reply = answer(said if isinstance(said, str) else json.dumps(said), finish)
    return await client.complete(ask(tools=TOOLS, messages=CALLED, **more))


class TestBySchema:
    async def test_what_is_sent(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        await heard(endpoint, by_schema, {"answer": "Wet."})
        sent = endpoint.received[0].body
        assert "tools" not in sent
        assert "tool_choice" not in sent
        system, *others = sent["messages"]
        assert system["content"].startswith("Be kind.\n\nAnswer in JSON.")
        assert "weather: The weather of a city. Arguments: {" in system["content"]
        assert others == [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": '{"tool":"weather","arguments":{"city":"Ulm"}}\n{"tool":"time","arguments":"not JSON"}',
            },
            {"role": "user", "content": "Result of weather: rain\ufffd"},
            {"role": "user", "content": "Result of time: noon"},
        ]
        weather, time, said = sent["response_format"]["json_schema"]["schema"]["oneOf"]
        assert weather["properties"] == {"tool": {"const": "weather"}, "arguments": CITY}
        assert time["properties"]["tool"] == {"const": "time"}
        assert said["properties"] == {"answer": {"type": "string"}}
        assert all(part["additionalProperties"] is False for part in (weather, time, said))

    async def test_references_lead_where_they_led(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        tree = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"a": {"type": "string"}},
            "properties": {"x": {"$ref": "#/$defs/a"}},
        }
        endpoint.reply = answer('{"answer": {"x": "y"}}')
        tools = [{"name": "t", "parameters": {**tree, "items": [{"$ref": "#"}]}}]
        await by_schema.complete(ask(tools=tools, response_schema=tree))
        call, said = endpoint.received[0].body["response_format"]["json_schema"]["schema"]["oneOf"]
        arguments = call["properties"]["arguments"]
        assert "$schema" not in arguments
        assert arguments["properties"]["x"] == {"$ref": "#/oneOf/0/properties/arguments/$defs/a"}
        assert arguments["items"] == [{"$ref": "#/oneOf/0/properties/arguments"}]
        assert said["properties"]["answer"]["properties"]["x"] == {"$ref": "#/oneOf/1/properties/answer/$defs/a"}

    async def test_a_call(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        got = await heard(endpoint, by_schema, {"tool": "weather", "arguments": {"city": "Ulm"}})
        # Two were asked for before; none may have the same id.
        assert got.tool_calls == (asked("call_3", "weather", city="Ulm"),)
        assert (got.text, got.value, got.finish_reason) == ("", None, "tool_calls")

    async def test_a_call_without_an_object(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        (call,) = (await heard(endpoint, by_schema, {"tool": "weather", "arguments": "Ulm"})).tool_calls
        assert "a text" in (call.complaint or "")

    async def test_an_answer_is_shown_without_its_wrapping(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        shown: list[str] = []
        endpoint.reply = stream(chunk('{"ans'), chunk('wer": "We'), chunk('t."}'), chunk(finish="stop"))
        got = await by_schema.complete(ask(tools=TOOLS), shown.append)
        assert (got.text, got.value, got.tool_calls, shown) == ("Wet.", "Wet.", (), ["Wet."])

    async def test_nothing_is_shown_of_a_call(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        shown: list[str] = []
        endpoint.reply = answer('{"tool": "time", "arguments": {}}')
        await by_schema.complete(ask(tools=TOOLS), shown.append)
        assert shown == []

    async def test_an_answer_of_a_schema(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        got = await heard(endpoint, by_schema, {"answer": {"city": "Ulm"}}, response_schema=CITY)
        assert (got.text, got.value) == ('{"city": "Ulm"}', {"city": "Ulm"})

    async def test_one_that_must_answer_is_offered_nothing(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        shown: list[str] = []
        endpoint.reply = stream(chunk("We"), chunk("t."), chunk(finish="stop"))
        got = await by_schema.complete(ask(tools=TOOLS, messages=CALLED, must_answer=True), shown.append)
        sent = endpoint.received[0].body
        assert "response_format" not in sent
        assert [message["role"] for message in sent["messages"]] == ["system", "user", "user", "user"]
        assert sent["messages"][0]["content"] == "Be kind."
        assert (got.text, shown) == ("Wet.", ["We", "t."])
        schemed = await heard(endpoint, by_schema, {"city": "Ulm"}, must_answer=True, response_schema=CITY)
        assert schemed.value == {"city": "Ulm"}
        assert endpoint.received[1].body["response_format"]["json_schema"]["schema"] == CITY

    async def test_without_tools_nothing_is_different(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        endpoint.reply = answer()
        assert (await by_schema.complete(ask())).text == "Hello"
        assert endpoint.received[0].body["messages"] == [{"role": "user", "content": "Hi"}]

    @pytest.mark.parametrize(
        "said", ["Wet.", "[]", "{}", '{"answer": "', {"answer": ""}, {"answers": 1}, '{"answer": NaN}']
    )
    async def test_answers_that_are_neither(self, endpoint: RawEndpoint, by_schema: ModelClient, said: Any) -> None:
        with pytest.raises(AnswerRejected) as caught:
            await heard(endpoint, by_schema, said)
        assert caught.value.problem.code is Code.MODEL_BAD_ANSWER
        assert caught.value.answer.tokens_out == 5

    async def test_an_answer_at_its_limit(self, endpoint: RawEndpoint, by_schema: ModelClient) -> None:
        got = await heard(endpoint, by_schema, '{"answer": "It is w', "length")
        assert (got.text, got.value, got.finish_reason) == ("It is w", "It is w", "length")
        with pytest.raises(AnswerRejected) as caught:
            await heard(endpoint, by_schema, '{"tool": "weather", "argu', "length")
        assert caught.value.problem.code is Code.MODEL_CUT_OFF
        with pytest.raises(AnswerRejected) as caught:
            await heard(endpoint, by_schema, '{"answer": {"city": "U', "length", response_schema=CITY)
        assert caught.value.problem.code is Code.MODEL_CUT_OFF


def test_a_request_of_the_protocol_is_kept_as_it_is() -> None:
    request = ask(messages=CALLED, tools=TOOLS)
    assert ModelRequest.model_validate(request.model_dump()) == request
