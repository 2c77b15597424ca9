/** What people ask of an execution, what it waits for, and what they are asked. */
import { describe, expect, it } from "vitest";

import type { Event } from "../../src/api/types";
import { isOpen, openQuestions } from "../../src/approvals/fromLog";
import { applyEvents, viewOf } from "../../src/log/reducer";
import { BEGIN, completed, END, log, started } from "./events";

type Line = Parameters<typeof log>[0][number];

const START: Line = ["step.started", { step: "a", data: { kind: "approval" } }];
const ASK: Line = [
  "approval.requested",
  {
    step: "a",
    data: {
      approval: "q",
      kind: "approval",
      roles: ["operator"],
      deadline: "2026-01-02T00:00:00Z",
      options: ["approve", "reject"],
      otherwise: "reject",
    },
    value: { ask: "Publish?", show: "notes" },
  },
];

function decided(facts: object): Line {
  return ["approval.decided", { step: "a", data: { approval: "q", by: "ada", how: "decided", ...facts } }];
}

describe("control", () => {
  it("is paused, resumed and canceled, and remembers who asked", () => {
    const paused = viewOf(log([BEGIN, ["execution.paused", { data: { by: "ada" } }]]));
    expect(paused).toMatchObject({ status: "paused", ended: undefined, request: { type: "paused", by: "ada" } });
    const resumed = applyEvents(paused, log([["execution.resumed", { data: { by: "bo" } }]], 3));
    expect(resumed).toMatchObject({ status: "running", request: { by: "bo" } });
    const canceling = applyEvents(resumed, log([["execution.cancel_requested", {}]], 4));
    expect(canceling.status).toBe("canceling");
    expect(applyEvents(canceling, log([["execution.canceled"]], 5)).status).toBe("canceled");
    expect(canceling.entries.map((entry) => entry.kind === "note" && entry.event.type)).toEqual([
      "execution.paused",
      "execution.resumed",
      "execution.cancel_requested",
    ]);
  });

  it("that comes after the end changes nothing", () => {
    expect(viewOf(log([BEGIN, END, ["execution.paused", { data: { by: "ada" } }]])).status).toBe("completed");
  });
});

describe("steps", () => {
  it("wait to be resumed until they are, or until their call begins", () => {
    const lines: Line[] = [BEGIN, ["execution.paused", {}], START, ["step.waiting", { step: "a", data: { for: "resume" } }]];
    const waiting = viewOf(log(lines));
    expect(waiting.steps.a).toMatchObject({ state: "waiting", wait: { for: "resume", since: "2026-01-01T00:00:04.000Z" } });
    expect(applyEvents(waiting, log([["execution.resumed", {}]], 5)).steps.a?.state).toBe("running");
    expect(applyEvents(waiting, log([started("a")], 5)).steps.a?.state).toBe("running");
    expect(waiting.entries.some(({ kind }) => kind === "wait")).toBe(false);
  });

  it("tell once what they wait for, also when they look again", () => {
    const wait: Line = ["step.waiting", { step: "w", data: { for: "event", event: "paid", until: null } }];
    const view = viewOf(log([BEGIN, wait, wait, ["signal.received", { data: { name: "paid", by: "shop" } }]]));
    expect(view.steps.w).toMatchObject({ state: "waiting", wait: { event: "paid", until: undefined } });
    expect(view.entries.map(({ kind }) => kind)).toEqual(["wait", "note"]);
  });

  it("are canceled with their reason, which is left out when all of it is canceled", () => {
    const canceled: Line = ["step.canceled", { step: "a", data: { reason: "enough" } }];
    const view = viewOf(log([BEGIN, START, canceled]));
    expect(view.steps.a).toMatchObject({ state: "canceled", reason: "enough", ended: "2026-01-01T00:00:03.000Z" });
    expect(view.entries).toEqual([{ kind: "step-canceled", step: "a" }]);
    const all = viewOf(log([BEGIN, START, ["execution.cancel_requested", {}], canceled]));
    expect(all.entries.map(({ kind }) => kind)).toEqual(["note"]);
  });

  it("say why they stopped, unless all was done or a chat has said it", () => {
    const end = (stop_reason: string, step = "l"): Line => ["step.completed", { step, data: { stop_reason, evidence: "e" } }];
    const round: Line = ["loop.round", { step: "l/round[2]", data: { round: 2 } }];
    const looped = viewOf(log([BEGIN, round, end("condition")]));
    expect(looped.steps.l).toMatchObject({ round: 2, end: { stopReason: "condition", evidence: "e" } });
    expect(looped.entries.map(({ kind }) => kind)).toEqual(["note", "step-ended"]);
    expect(viewOf(log([BEGIN, end("finished")])).entries).toEqual([]);
    const chat: Line = ["chat.ended", { step: "c", data: { stop_reason: "said", turns: 1, evidence: null } }];
    expect(viewOf(log([BEGIN, chat, end("said", "c")])).entries).toEqual([{ kind: "chat-ended", step: "c" }]);
  });
});

describe("calls", () => {
  it("of tools are no turns, and keep what they were called with", () => {
    const view = viewOf(
      log([
        BEGIN,
        ["call.started", { step: "t", data: { call: "t", attempt: 1, tool: "search", arguments: "{'q': 'x'}" } }],
        ["call.completed", { step: "t", data: { call: "t", attempt: 1, tool: "search", seconds: 1 }, value: [1] }],
      ]),
    );
    expect(view.calls.t).toMatchObject({ tool: "search", asked: "{'q': 'x'}", value: [1], state: "completed" });
    expect([view.turns, view.usage.model_calls]).toEqual([0, 0]);
  });

  it("tell who answered instead, that an answer was kept, and which cheap one was not accepted", () => {
    const passed = [{ alias: "large", code: "model_unreachable", message: "503" }];
    const lines = [completed("a", 1, { passed_over: passed }), completed("b", 2, { cached: true }), completed("c", 3, { escalates: "b" })];
    const { calls } = viewOf(log([BEGIN, ...lines]));
    expect([calls.a?.passedOver, calls.a?.cached]).toEqual([passed, false]);
    expect([calls.b?.passedOver, calls.b?.cached, calls.b?.escalates]).toEqual([[], true, undefined]);
    expect(calls.c?.escalates).toBe("b");
  });

  it("whose answer did not fit are paid for, and no turn: the one that mends it is", () => {
    const usage = { model_calls: 1, tokens_in: 1, tokens_out: 1, cost_usd: "0.5" };
    const error = { code: "model_bad_answer", message: "m", action: "a", fault: "model" };
    const rejected: Line = ["call.rejected", { step: "a", data: { call: "a", attempt: 1, usage, error }, value: "{" }];
    const view = viewOf(log([BEGIN, started("a"), rejected, completed("b", { ok: true }, { repairs: "a" })]));
    expect(view.calls.a).toMatchObject({ state: "rejected", error, value: "{", ended: "2026-01-01T00:00:03.000Z" });
    expect(view.calls.b).toMatchObject({ state: "completed", repairs: "a" });
    expect([view.usage.model_calls, view.turns]).toEqual([2, 1]);
  });

  it("that were stopped keep what had been written", () => {
    const error = { code: "canceled", message: "m", action: "a", fault: "caller" };
    const failed: Line = ["call.failed", { step: "a", data: { call: "a", attempt: 1, error }, value: "Half an ans" }];
    expect(viewOf(log([BEGIN, started("a"), failed])).calls.a).toMatchObject({ state: "failed", value: "Half an ans" });
  });
});

describe("questions", () => {
  it("are open until they are decided", () => {
    const view = viewOf(log([BEGIN, START, ASK]));
    expect(view.steps.a).toMatchObject({ state: "waiting", wait: { for: "approval", until: "2026-01-02T00:00:00Z" } });
    expect(view.approvals.q).toMatchObject({ options: ["approve", "reject"], deadline: "2026-01-02T00:00:00Z" });
    expect(view.entries).toEqual([{ kind: "approval", key: "q", step: "a" }]);
    expect(openQuestions(view).map(({ id }) => id)).toEqual(["q"]);
    const done = applyEvents(view, log([decided({ decision: "approve", comment: "fine" })], 4));
    expect(done.approvals.q?.decision).toMatchObject({ decision: "approve", comment: "fine", by: "ada", late: false });
    expect(done.steps.a?.state).toBe("running");
    expect(openQuestions(done)).toEqual([]);
  });

  it("are decided by their deadline when nobody does", () => {
    const late = decided({ decision: "reject", by: null, how: "deadline" });
    const view = viewOf(log([BEGIN, START, ASK, late]));
    expect(view.approvals.q?.decision).toMatchObject({ decision: "reject", by: undefined, late: true });
  });

  it("reach more people when they are escalated", () => {
    const up: Line = ["approval.escalated", { step: "a", data: { approval: "q", roles: ["admin"] } }];
    expect(viewOf(log([BEGIN, START, ASK, up])).approvals.q).toMatchObject({ escalated: true, roles: ["operator", "admin"] });
  });

  it("are withdrawn with their step, or with all of it", () => {
    const canceled = viewOf(log([BEGIN, START, ASK, ["step.canceled", { step: "a", data: { reason: "enough" } }]]));
    const ended = viewOf(log([BEGIN, START, ASK, ["execution.canceled"]]));
    const [type, facts] = ASK;
    const inside: Line = [type, { ...facts, step: "a/b[1]/turn[2]" }];
    expect(openQuestions(viewOf(log([BEGIN, START, inside])))).toHaveLength(1);
    const around = viewOf(log([BEGIN, START, inside, ["step.canceled", { step: "a", data: { reason: "enough" } }]]));
    for (const view of [canceled, ended, around]) expect(openQuestions(view)).toEqual([]);
  });

  it("about a failure are open although the step has failed, and may leave it failed", () => {
    const error = { code: "timeout", message: "m", action: "a", fault: "model" };
    const ask: Line = ["approval.requested", { step: "a", data: { approval: "q", roles: [], options: ["retry", "skip", "fail"] } }];
    const view = viewOf(log([BEGIN, START, ["step.failed", { step: "a", data: { error } }], ask]));
    expect(view.approvals.q && isOpen(view.approvals.q, view)).toBe(true);
    expect(view.steps.a).toMatchObject({ state: "waiting", ended: undefined });
    const left = applyEvents(view, log([decided({ decision: "fail" })], 5));
    expect(left.steps.a).toMatchObject({ state: "failed", error, ended: "2026-01-01T00:00:05.000Z" });
    const again = applyEvents(view, log([decided({ decision: "retry" }), started("a")], 5));
    expect(again.steps.a?.state).toBe("running");
    expect(again.entries).toContainEqual({ kind: "step-failed", step: "a", error });
  });

  it("that nobody told of cannot be decided", () => {
    expect(viewOf(log([BEGIN, decided({ decision: "approve" })])).approvals).toEqual({});
  });

  it("in a chat are answered with words, whole however long", () => {
    const words = "word ".repeat(100);
    const answer: Line = ["approval.decided", { step: "a", data: { approval: "q", decision: "say", how: "decided", comment: words.slice(0, 300) }, value: { comment: words } }];
    expect(viewOf(log([BEGIN, START, ASK, answer])).approvals.q?.decision?.comment).toBe(words);
  });
});

describe("a fork", () => {
  it("shows the outputs that it gives instead of running their steps", () => {
    const given = { ...log([["step.evaluated", { step: "a", value: "mine" }]])[0], offset: 2, id: "fork:a" } as Event;
    const view = applyEvents(viewOf([...log([BEGIN]), given]), log([START, ["step.completed", { step: "a", data: { edited: true } }]], 3));
    expect(view.steps.a).toMatchObject({ state: "completed", given: true, output: "mine" });
    expect(view.entries).toEqual([{ kind: "step-given", step: "a" }]);
  });
});
