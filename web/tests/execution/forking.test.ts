import { describe, expect, it } from "vitest";

import { agentsIn, outputOf, requestOf } from "../../src/execution/forking";
import { viewOf } from "../../src/log/reducer";
import { BEGIN, completed, log } from "../log/events";

const view = viewOf(
  log([
    BEGIN,
    completed("a", "hello"),
    completed("b/turn[1]", "hi"),
    ["call.completed", { step: "t", data: { call: "t", attempt: 1, tool: "x" }, value: [1] }],
    ["step.completed", { step: "t", value: [2] }],
  ]),
);

describe("a fork", () => {
  it("may change the agents that took part, the step's own first", () => {
    expect(agentsIn(view, "b")).toEqual(["b/turn[1]-agent", "a-agent"]);
  });

  it("begins with the output that the step had", () => {
    expect(outputOf(view, "a")).toEqual({ value: "hello", artifact: null });
    expect(outputOf(view, "t")).toEqual({ value: [2], artifact: null });
    expect(outputOf(view, "none")).toBeUndefined();
  });

  it("asks for what was changed alone", () => {
    expect(requestOf("a", {}, false).request).toEqual({ before: "a" });
    const definition = { name: "w", instructions: "Old.", temperature: 0.1 };
    const edits = { input: '{"x": 1}', output: "text", agent: { reference: "w@2", definition, instructions: "New." } };
    expect(requestOf("a", edits, true).request).toEqual({
      before: "a",
      input: { x: 1 },
      outputs: { a: "text" },
      agents: { w: { ...definition, instructions: "New." } },
    });
  });

  it("is not asked for with what is not JSON", () => {
    const { request, errors } = requestOf("a", { input: "{", output: "text" }, false);
    expect(request).toBeNull();
    expect(errors?.input).toMatch(/^This is not JSON/);
    expect(errors?.output).toMatch(/^This is not JSON/);
  });
});
