import { expect, it } from "vitest";

import { viewOf } from "../../src/log/reducer";
import { type StepNode, stepTree } from "../../src/log/tree";
import { BEGIN, completed, log, started } from "./events";

function step(path: string, kind: string): Parameters<typeof log>[0][number] {
  return ["step.started", { step: path, data: { kind } }];
}

/** The tree as nested names. */
function names(nodes: readonly StepNode[]): unknown {
  return nodes.map(({ name, children }) => (children.length > 0 ? [name, names(children)] : name));
}

it("puts steps under those that contain them, items of a map too", () => {
  const lines = [BEGIN, step("r", "concurrent"), step("r/a", "agent"), step("each", "map"), step("each[0]", "sequential")];
  const tree = stepTree(viewOf(log([...lines, step("each[0]/x", "agent"), step("each[1]", "sequential")])));
  expect(names(tree)).toEqual([
    ["r", ["a"]],
    ["each", [["each[0]", ["x"]], "each[1]"]],
  ]);
});

it("shows a chat's turns as marks on it, and the chair's calls not at all", () => {
  const lines = [BEGIN, step("c", "group_chat"), completed("c/turn[1]/chair", {}, { turn: 1, role: "chair" })];
  const [chat] = stepTree(viewOf(log([...lines, completed("c/turn[1]", "hi", { turn: 1 }), started("c/turn[2]", { turn: 2 })])));
  expect(chat?.children).toEqual([]);
  expect(chat?.turns.map(({ number, state }) => [number, state])).toEqual([
    [1, "completed"],
    [2, "running"],
  ]);
});

it("names the agent of a step, and makes a step of a call whose step it was not told of", () => {
  const tree = stepTree(viewOf(log([BEGIN, step("a", "agent"), started("a"), started("b")])));
  expect(tree.map(({ path, agent, state }) => [path, agent, state])).toEqual([
    ["a", "a-agent", "running"],
    ["b", "b-agent", "running"],
  ]);
});

it("shows what still ran when the execution ended as stopped then", () => {
  const [node] = stepTree(viewOf(log([BEGIN, step("a", "agent"), ["execution.canceled"]])));
  expect(node).toMatchObject({ state: "stopped", ended: "2026-01-01T00:00:03.000Z" });
});

it("puts the steps of a loop under their rounds, each as its steps are", () => {
  const done = (path: string): Parameters<typeof log>[0][number] => ["step.completed", { step: path }];
  const lines = [BEGIN, step("l", "loop"), step("l/round[1]/a", "agent"), done("l/round[1]/a")];
  const [loop] = stepTree(viewOf(log([...lines, step("l/round[2]/a", "agent"), step("l/round[2]/m/round[1]/b", "agent")])));
  expect(names(loop?.children ?? [])).toEqual([
    ["round 1", ["a"]],
    ["round 2", ["a", ["round 1", ["b"]]]],
  ]);
  expect(loop?.children.map(({ state, ended }) => [state, ended])).toEqual([
    ["completed", "2026-01-01T00:00:04.000Z"],
    ["running", undefined],
  ]);
});

it("names the tool of a step, and does not take an agent's tool for its step's agent", () => {
  const call = (path: string, key: string): Parameters<typeof log>[0][number] => [
    "call.started",
    { step: path, agent: "a-agent", data: { call: key, attempt: 1, tool: "search" } },
  ];
  const tree = stepTree(viewOf(log([BEGIN, step("a", "agent"), started("a"), call("a", "a#1"), step("t", "tool"), call("t", "t")])));
  expect(tree.map(({ path, agent, tool }) => [path, agent, tool])).toEqual([
    ["a", "a-agent", undefined],
    ["t", undefined, "search"],
  ]);
});

it("lets a chat wait for the human whose turn it is", () => {
  const asked = { approval: "q", kind: "turn", speaker: "owner", roles: [], options: ["say", "pass"] };
  const lines: Parameters<typeof log>[0] = [
    BEGIN,
    step("c", "group_chat"),
    ["approval.requested", { step: "c/turn[2]", data: asked }],
    completed("c/turn[1]", "hi", { turn: 1 }),
  ];
  const [chat] = stepTree(viewOf(log(lines)));
  expect(chat).toMatchObject({ state: "waiting", wait: { for: "approval" }, children: [] });
  expect(chat?.turns.map(({ number, who, state }) => [number, who, state])).toEqual([
    [1, "c/turn[1]-agent", "completed"],
    [2, "owner", "waiting"],
  ]);
  const decided: Parameters<typeof log>[0][number] = ["execution.canceled", {}];
  expect(stepTree(viewOf(log([...lines, decided])))[0]).toMatchObject({ state: "stopped", wait: undefined });
});

it("shows a turn that was mended once", () => {
  const rejected = { call: "c/turn[1]#0", attempt: 1, turn: 1, error: { code: "model_bad_answer" } };
  const mended = { turn: 1, repairs: "c/turn[1]#0", call: "c/turn[1]#1" };
  const lines: Parameters<typeof log>[0] = [
    BEGIN,
    step("c", "handoff"),
    ["call.rejected", { step: "c/turn[1]", agent: "x", data: rejected }],
  ];
  const marks = (more: Parameters<typeof log>[0]) => stepTree(viewOf(log([...lines, ...more])))[0]?.turns.map(({ state }) => state);
  expect(marks([])).toEqual(["rejected"]);
  expect(marks([completed("c/turn[1]", {}, mended)])).toEqual(["completed"]);
});
