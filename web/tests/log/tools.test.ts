/** Agents that call tools: what belongs to whose turn, and how each call stands. */
import { describe, expect, it } from "vitest";

import { openQuestions } from "../../src/approvals/fromLog";
import { applyDelta, applyEvents, viewOf } from "../../src/log/reducer";
import { insideOf, toolUse } from "../../src/log/tools";
import { stepTree } from "../../src/log/tree";
import type { ExecutionView } from "../../src/log/view";
import { BEGIN, completed, END, log, started } from "./events";

type Line = Parameters<typeof log>[0][number];

const USAGE = { model_calls: 1, tokens_in: 10, tokens_out: 5, cost_usd: "0.001" };
const STEP: Line = ["step.started", { step: "s", data: { kind: "agent" } }];

function asked(key: string, names: string[], how: object[] = [], step = "s"): Line {
  const calls = names.map((name, place) => ({ id: `c${place}`, name, arguments: { n: place } }));
  const asks = names.map((tool, place) => ({ tool: `${tool}@2`, ...how[place] }));
  return ["call.asked", { step, agent: "x", data: { call: key, attempt: 1, usage: USAGE, asks }, value: { text: "Let me see.", tool_calls: calls } }];
}

function gave(path: string, value: string): Line[] {
  const about = { call: `${path}#0`, attempt: 1, tool: "add@2" };
  return [
    ["call.started", { step: path, agent: "x", data: { ...about, arguments: "{}" } }],
    ["call.completed", { step: path, agent: "x", data: { ...about, seconds: 1 }, value }],
  ];
}

const call = (key: string, step = "s"): Line => ["call.started", { step, agent: "x", data: { call: key, attempt: 1 } }];
const answer = (key: string, value: string, step = "s"): Line => [
  "call.completed",
  { step, agent: "x", data: { call: key, attempt: 1, usage: USAGE }, value },
];
const question = (id: string, step: string, kind = "tool"): Line => [
  "approval.requested",
  { step, data: { approval: id, kind, roles: ["operator"], options: ["approve", "reject"] }, value: { ask: "May it?", show: { n: 0 } } },
];
const decided = (id: string, step: string, decision: string, comment = ""): Line => [
  "approval.decided",
  { step, data: { approval: id, decision, by: "ada", how: "decided", comment } },
];

function states(view: ExecutionView): string[] {
  const inside = insideOf(view.entries);
  const rounds = Object.values(view.calls).filter(({ step }) => step === "s");
  return rounds.flatMap(({ asks }, place) => asks.map((ask) => toolUse(ask, inside, view, place < rounds.length - 1).state));
}

describe("a turn with tools", () => {
  it("is one entry, whatever happens in it, and one turn", () => {
    const lines = [BEGIN, STEP, call("s#0"), asked("s#0", ["add"]), ...gave("s/tool[0]", "3"), call("s#1"), answer("s#1", "It is 3.")];
    const view = viewOf(log(lines));
    expect(view.entries.filter(({ within }) => within === undefined)).toEqual([{ kind: "call", key: "s#0" }]);
    expect(insideOf(view.entries).get("s")?.map((entry) => entry.kind === "call" && entry.key)).toEqual(["s/tool[0]#0", "s#1"]);
    expect(view.calls["s#0"]).toMatchObject({ state: "asked", value: "Let me see." });
    expect(view.calls["s#0"]?.asks).toMatchObject([{ path: "s/tool[0]", name: "add", via: "call", arguments: { n: 0 } }]);
    expect([view.turns, view.usage.model_calls, view.usage.tokens_in]).toEqual([1, 2, 20]);
  });

  it("counts its tools through all its rounds", () => {
    const view = viewOf(log([BEGIN, asked("s#0", ["a", "b"]), asked("s#1", ["c"])]));
    expect(view.calls["s#1"]?.asks[0]?.path).toBe("s/tool[2]");
  });

  it("changes with everything that happens in it, and with nothing else", () => {
    const view = viewOf(log([BEGIN, asked("s#0", ["add"])]));
    const changes = (after: ExecutionView) => (after.toolTurns.s?.changes ?? 0) - (view.toolTurns.s?.changes ?? 0);
    expect(changes(applyEvents(view, log(gave("s/tool[0]", "3"), 3)))).toBe(2);
    expect(changes(applyEvents(view, log([started("other")], 3)))).toBe(0);
    expect(changes(applyDelta(view, { step: "s", agent: "x", call: "s#1", attempt: 1, position: 0, text: "It" }))).toBe(1);
  });

  it("leaves what its step comes to outside", () => {
    const error = { code: "timeout", message: "m", action: "a", fault: "model" };
    const view = viewOf(log([BEGIN, STEP, asked("s#0", ["add"]), ["step.failed", { step: "s", data: { error } }], question("q", "s", "failure")]));
    expect(view.entries.map(({ kind, within }) => [kind, within])).toEqual([
      ["call", undefined],
      ["step-failed", undefined],
      ["approval", undefined],
    ]);
  });

  it("whose answer is too large for the log knows the names all the same", () => {
    const [type, facts = {}] = asked("s#0", ["add"]);
    const [event] = log([[type, { ...facts, value: null }]], 2);
    const view = applyEvents(viewOf(log([BEGIN])), event ? [{ ...event, artifact: "big" }] : []);
    expect(view.calls["s#0"]).toMatchObject({ artifact: "big", value: null, asks: [{ name: "add@2", arguments: null }] });
  });
});

it("is told in its place in the tree, whichever of them was asked about first", () => {
  const lines: Line[] = [BEGIN, STEP, asked("s#0", ["a", "b", "c"]), question("q", "s/tool[2]"), ...gave("s/tool[1]", "2"), ...gave("s/tool[0]", "1")];
  expect(stepTree(viewOf(log(lines)))[0]?.children.map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

it("a budget that is met within a tool is told outside", () => {
  const reached: Line = ["budget.reached", { step: "s/tool[0]/t", data: { what: "4 of 4 model calls" } }];
  const view = viewOf(log([BEGIN, STEP, asked("s#0", ["run"], [{ via: "workflow", target: "run" }]), reached]));
  expect(view.entries.at(-1)).toMatchObject({ kind: "note" });
  expect(view.entries.at(-1)?.within).toBeUndefined();
});

describe("a tool call", () => {
  it("stands as its call does", () => {
    const error = { code: "tool_failed", message: "m", action: "a", fault: "tool" };
    const about = { call: "s/tool[1]#0", attempt: 1, tool: "b" };
    const lines: Line[] = [
      BEGIN,
      asked("s#0", ["a", "b", "c", "d"], [{}, {}, {}, { via: "refused", refused: "There is no tool d." }]),
      ...gave("s/tool[0]", "3"),
      ["call.failed", { step: "s/tool[1]", data: { ...about, error } }],
    ];
    expect(states(viewOf(log(lines)))).toEqual(["completed", "failed", "running", "refused"]);
    expect(states(viewOf(log([...lines, ["execution.canceled"]])))).toEqual(["completed", "failed", "stopped", "refused"]);
  });

  it("that a human is asked about waits, and is not made where they say no", () => {
    const lines: Line[] = [BEGIN, STEP, asked("s#0", ["pay"]), question("q", "s/tool[0]")];
    const view = viewOf(log(lines));
    expect(states(view)).toEqual(["waiting"]);
    expect(openQuestions(view)).toHaveLength(1);
    expect(stepTree(view)[0]?.children).toMatchObject([{ name: "pay", state: "waiting" }]);
    const no = viewOf(log([...lines, decided("q", "s/tool[0]", "reject", "too dear")]));
    expect(states(no)).toEqual(["refused"]);
    expect(stepTree(no)[0]?.children).toMatchObject([{ name: "pay", state: "skipped", ended: "2026-01-01T00:00:05.000Z" }]);
    const yes = viewOf(log([...lines, decided("q", "s/tool[0]", "approve"), ...gave("s/tool[0]", "paid")]));
    expect(states(yes)).toEqual(["completed"]);
    expect(stepTree(yes)[0]?.children).toMatchObject([{ name: "pay", state: "completed", started: "2026-01-01T00:00:04.000Z" }]);
  });

  it("may be a workflow, whose steps tell how it stands", () => {
    const inner = "s/tool[0]/t";
    const lines: Line[] = [BEGIN, STEP, asked("s#0", ["sum-up"], [{ via: "workflow", target: "sum-up" }]), ["step.started", { step: inner, data: { kind: "tool" } }]];
    const running = viewOf(log([...lines, ...gave(inner, "3").slice(0, 1)]));
    expect(states(running)).toEqual(["running"]);
    const [s] = stepTree(running);
    expect(s?.children).toMatchObject([{ path: "s/tool[0]", name: "sum-up", tool: "workflow", state: "running", children: [{ name: "t" }] }]);
    const done = viewOf(log([...lines, ...gave(inner, "3"), ["step.completed", { step: inner }], answer("s#1", "3")]));
    expect(states(done)).toEqual(["completed"]);
    expect(stepTree(done)[0]?.children).toMatchObject([{ state: "completed", ended: "2026-01-01T00:00:07.000Z" }]);
  });

  it("may be an agent, with tools of its own", () => {
    const path = "s/tool[0]";
    const role = { role: "tool" };
    const lines: Line[] = [
      BEGIN,
      STEP,
      asked("s#0", ["ask-y"], [{ via: "agent", target: "y" }]),
      ["call.started", { step: path, agent: "y", data: { call: `${path}#0`, attempt: 1, ...role } }],
      asked(`${path}#0`, ["add"], [], path),
      ...gave(`${path}/tool[0]`, "3"),
    ];
    const running = viewOf(log(lines));
    expect(states(running)).toEqual(["running"]);
    expect(running.turns).toBe(0);
    const done = viewOf(log([...lines, ["call.completed", { step: path, agent: "y", data: { call: `${path}#1`, attempt: 1, usage: USAGE, ...role }, value: "three" }]]));
    const ask = done.calls["s#0"]?.asks[0];
    const use = ask && toolUse(ask, insideOf(done.entries), done, false);
    expect(use).toMatchObject({ state: "completed", calls: [{ state: "asked" }, { value: "three" }] });
    expect(use?.deep).toHaveLength(2);
    expect(stepTree(done)[0]?.children).toMatchObject([{ name: "ask-y", state: "completed", children: [{ name: "add", state: "completed" }] }]);
    expect([done.turns, done.usage.model_calls]).toEqual([0, 3]);
  });

  it("in a chat stands below the chat, and its turn stays one", () => {
    const step = "c/turn[1]";
    const lines: Line[] = [
      BEGIN,
      ["step.started", { step: "c", data: { kind: "group_chat" } }],
      asked(`${step}#0`, ["add"], [], step),
      ...gave(`${step}/tool[0]`, "3"),
      answer(`${step}#1`, "three", step),
      completed("c/turn[2]", "agreed", { turn: 2 }),
      END,
    ];
    const [chat] = stepTree(viewOf(log(lines)));
    expect(chat?.turns.map(({ number, state, key }) => [number, state, key])).toEqual([
      [1, "completed", `${step}#0`],
      [2, "completed", "c/turn[2]"],
    ]);
    expect(chat?.children).toMatchObject([{ name: "add", state: "completed" }]);
  });
});
