import { describe, expect, it } from "vitest";

import { agentsIn, definitionOf, outputOf, requestOf } from "../../src/execution/forking";
import { viewOf } from "../../src/log/reducer";
import { BEGIN, completed, log } from "../log/events";
import { apiOf } from "../session";

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

  it("begins with the agent that the execution has pinned, or else with the one that is stored", async () => {
    const [pinned, stored] = [
      { name: "w", instructions: "Pinned." },
      { name: "w", instructions: "Stored." },
    ];
    const bundle = { plan: { agents: { "w@2": pinned }, agent_versions: { "w@2": 2 } } };
    const told = { "GET /executions/e/bundle": bundle };
    expect(await definitionOf(apiOf(told).api, "e", "w@2")).toEqual({
      definition: pinned,
      whence: "As this execution has it, version 2.",
    });
    const large = Response.json({ code: "too_large" }, { status: 413 });
    const answers = { "GET /executions/e/bundle": large, "GET /agents/w?version=2": { version: 2, definition: stored } };
    expect((await definitionOf(apiOf(answers).api, "e", "w@2")).definition).toEqual(stored);
    await expect(definitionOf(apiOf({}).api, "e", "w@2")).rejects.toThrow();
  });
});
