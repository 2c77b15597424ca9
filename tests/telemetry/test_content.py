"""What models and tools are sent and answer: in spans only where a setting asks for it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.telemetry.watched import only, watched

SETTING = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}


def test_where_it_is_asked_for_spans_hold_it(tmp_path: Path) -> None:
    with watched(tmp_path, SETTING) as app:
        url = f"http://127.0.0.1:{app.service.port}/notes"
        app.system.client.tools.put({"name": "notes", "http": {"url": url, "method": "POST"}})
        app.system.agents("clerk", tools=["notes"])
        text = '[[stub:tool notes {"what": "tea"}]] Note it.'
        spans = app.spans(app.run([{"id": "ask", "agent": "clerk", "input": text}]))
    first, second = sorted((span for span in spans if span.name == "chat stub-model"), key=lambda span: span.began)
    [system, user] = json.loads(first.attributes["gen_ai.input.messages"])
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["parts"] == [{"type": "text", "content": text}]
    [asked] = json.loads(first.attributes["gen_ai.output.messages"])
    assert [(part["type"], part["name"]) for part in asked["parts"]] == [("tool_call", "notes")]
    [said] = json.loads(second.attributes["gen_ai.output.messages"])
    assert said["parts"][0]["content"].startswith("answer")
    tool = only(spans, "execute_tool notes")
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"what": "tea"}
    assert "gen_ai.tool.call.result" in tool.attributes
    turn = only(spans, "invoke_agent clerk")
    assert not {name for name in turn.attributes if "messages" in name}
