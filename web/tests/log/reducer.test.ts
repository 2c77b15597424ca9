import { describe, expect, it } from "vitest";

import { applyDelta, applyEvents, viewOf } from "../../src/log/reducer";
import type { ExecutionView } from "../../src/log/view";
import { BEGIN, completed, delta, END, log, started } from "./events";

function write(view: ExecutionView, ...pieces: Parameters<typeof delta>[]): ExecutionView {
  return pieces.reduce((old, piece) => applyDelta(old, delta(...piece)), view);
}

describe("events", () => {
  it("make the view of a finished execution", () => {
    const view = viewOf(log([BEGIN, started("a"), completed("a", "hello"), END]));
    expect(view).toMatchObject({ status: "completed", workflow: "w", version: 2, output: "the end", turns: 1 });
    expect(view.entries).toEqual([{ kind: "call", key: "a" }]);
    expect(view.calls.a).toMatchObject({ state: "completed", value: "hello", agent: "a-agent" });
  });

  it("give the same view one by one as all at once", () => {
    const events = log([BEGIN, started("a"), started("b"), completed("b", 1), completed("a", 2), END]);
    expect(events.reduce((view, event) => applyEvents(view, [event]), viewOf([]))).toEqual(viewOf(events));
  });

  it("change nothing the second time", () => {
    const events = log([BEGIN, started("a"), completed("a", "hello")]);
    const view = viewOf(events);
    expect(applyEvents(view, events)).toBe(view);
    expect(applyEvents(view, [...events, ...log([END], 4)])).toEqual(viewOf([...events, ...log([END], 4)]));
  });

  it("do not change the view they are applied to", () => {
    const view = write(viewOf(log([BEGIN, started("a")])), ["a", 0, "x"]);
    const before = structuredClone(view);
    applyEvents(view, log([completed("a", "xy"), END], 3));
    expect(view).toEqual(before);
  });

  it("refuse a gap", () => {
    expect(() => applyEvents(viewOf(log([BEGIN])), log([END], 3))).toThrow(RangeError);
  });

  it("ignore types that this page does not know", () => {
    const unknown = { ...log([BEGIN])[0], offset: 2, type: "tool.started" } as never;
    expect(applyEvents(viewOf(log([BEGIN])), [unknown]).offset).toBe(2);
  });

  it("sum up what the calls cost until the execution says it itself", () => {
    const running = viewOf(log([BEGIN, completed("a", 1), completed("b", 2, { role: "chair" })]));
    expect(running.usage).toEqual({ model_calls: 2, tokens_in: 20, tokens_out: 10, cost_usd: "0.002" });
    expect(running.turns).toBe(1);
    expect(applyEvents(running, log([END], 4)).usage.model_calls).toBe(1);
  });

  it("do not know the cost once one price is not known", () => {
    const free = { model_calls: 1, tokens_in: 1, tokens_out: 1, cost_usd: null };
    expect(viewOf(log([BEGIN, completed("a", 1), completed("b", 2, { usage: free })])).usage.cost_usd).toBeNull();
  });

  it("keep parallel calls apart, in the order they began", () => {
    const view = viewOf(log([BEGIN, started("a"), started("b"), completed("b", "B"), completed("a", "A")]));
    expect(view.entries).toEqual([
      { kind: "call", key: "a" },
      { kind: "call", key: "b" },
    ]);
    expect(view.calls.a?.value).toBe("A");
  });

  it("show a call that waits for its next attempt, and give that attempt the same place", () => {
    const error = { code: "model_unreachable", message: "gone", action: "wait", fault: "model" };
    const data = { call: "a", attempt: 1, error, retry_in: 2 };
    const waiting = viewOf(log([BEGIN, started("a"), started("b"), ["call.failed", { step: "a", agent: "x", data }]]));
    expect(waiting.calls.a).toMatchObject({ state: "waiting", error, retryAt: "2026-01-01T00:00:06.000Z" });
    const again = applyEvents(waiting, log([started("a", { attempt: 2 })], 5));
    expect(again.calls.a).toMatchObject({ state: "running", attempt: 2, error: undefined });
    expect(again.entries).toHaveLength(2);
  });

  it("end a call that fails for good, its step and the execution", () => {
    const error = { code: "model_refused", message: "no", action: "ask otherwise", fault: "author" };
    const view = viewOf(
      log([
        BEGIN,
        ["step.started", { step: "a", data: { kind: "agent" } }],
        started("a"),
        ["call.failed", { step: "a", agent: "x", data: { call: "a", attempt: 1, error } }],
        ["step.failed", { step: "a", data: { error } }],
        ["execution.failed", { data: { error } }],
      ]),
    );
    expect(view).toMatchObject({ status: "failed", error, ended: "2026-01-01T00:00:06.000Z" });
    expect(view.calls.a?.state).toBe("failed");
    expect(view.steps.a).toMatchObject({ state: "failed", kind: "agent", started: "2026-01-01T00:00:02.000Z" });
  });

  it("remember why a speaker was chosen and why a chat ended", () => {
    const view = viewOf(
      log([
        BEGIN,
        ["chat.speaker_chosen", { step: "c/turn[1]", agent: "x", data: { turn: 1, by: "chair", reason: "new" } }],
        ["chat.ended", { step: "c", data: { stop_reason: "said", turns: 1, evidence: "AGREED" } }],
      ]),
    );
    expect(view.choices["c/turn[1]"]).toEqual({ by: "chair", reason: "new" });
    expect(view.chats.c).toEqual({ stopReason: "said", turns: 1, evidence: "AGREED" });
  });
});

describe("deltas", () => {
  const begun = viewOf(log([BEGIN, started("a"), started("b")]));

  it("are joined, call by call", () => {
    const view = write(begun, ["a", 0, "Hel"], ["b", 0, "Bon"], ["a", 3, "lo"], ["b", 3, "jour"]);
    expect(view.writing.a?.text).toBe("Hello");
    expect(view.writing.b?.text).toBe("Bonjour");
  });

  it("are taken once, also where they overlap", () => {
    expect(write(begun, ["a", 0, "Hello"], ["a", 0, "Hello"], ["a", 3, "lo!"], ["a", 1, "e"]).writing.a?.text).toBe("Hello!");
  });

  it("count in code points, as the server does", () => {
    expect(write(begun, ["a", 0, "👍🏽 "], ["a", 3, "fine"], ["a", 3, "fine"]).writing.a?.text).toBe("👍🏽 fine");
  });

  it("show where some are missing", () => {
    expect(write(begun, ["a", 0, "One"], ["a", 9, "three"], ["a", 3, " two"]).writing.a?.text).toBe("One…three");
    expect(write(begun, ["a", 5, "late"]).writing.a?.text).toBe("…late");
  });

  it("may come before the log tells of their call", () => {
    const early = write(viewOf(log([BEGIN])), ["a", 0, "Hello"]);
    expect(early.writing.a).toMatchObject({ text: "Hello", agent: "a-agent", step: "a" });
    expect(applyEvents(early, log([started("a")], 2)).writing.a?.text).toBe("Hello");
  });

  it("are discarded when a later attempt begins, whoever tells of it first", () => {
    const partial = write(begun, ["a", 0, "Half an ans"]);
    expect(applyEvents(partial, log([started("a", { attempt: 2 })], 4)).writing.a).toBeUndefined();
    const second = write(partial, ["a", 0, "Whole", 2], ["a", 11, "wer", 1]);
    expect(second.writing.a?.text).toBe("Whole");
    expect(applyEvents(second, log([started("a", { attempt: 2 })], 4)).writing.a?.text).toBe("Whole");
  });

  it("are discarded when their attempt fails, and come too late after it", () => {
    const error = { code: "model_bad_answer", message: "m", action: "a", fault: "model" };
    const failed: Parameters<typeof log>[0][number] = ["call.failed", { step: "a", data: { call: "a", attempt: 1, error, retry_in: 2, discard: 11 } }];
    const waiting = applyEvents(write(begun, ["a", 0, "Half an ans"]), log([failed], 4));
    expect(waiting.writing.a).toBeUndefined();
    expect(write(waiting, ["a", 11, "wer"])).toBe(waiting);
    expect(write(waiting, ["a", 0, "Whole", 2]).writing.a?.text).toBe("Whole");
  });

  it("of an attempt that was superseded change nothing", () => {
    const second = applyEvents(begun, log([started("a", { attempt: 2 })], 4));
    expect(write(second, ["a", 0, "ghost", 1])).toBe(second);
  });

  it("give way to the answer, and come too late after it", () => {
    const done = applyEvents(write(begun, ["a", 0, "Hel"]), log([completed("a", "Hello")], 4));
    expect(done.writing).toEqual({});
    expect(write(done, ["a", 3, "lo"])).toBe(done);
  });

  it("come too late after the end", () => {
    const canceled = applyEvents(write(begun, ["a", 0, "Hel"]), log([["execution.canceled"]], 4));
    expect(canceled.writing).toEqual({});
    expect(write(canceled, ["a", 3, "lo"])).toBe(canceled);
  });
});
