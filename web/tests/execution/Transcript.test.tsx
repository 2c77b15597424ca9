// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { Transcript } from "../../src/execution/Transcript";
import { viewOf } from "../../src/log/reducer";
import { BEGIN, log, started } from "../log/events";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

type Line = Parameters<typeof log>[0][number];

function told(...lines: Line[]): string {
  render(
    <SignedIn api={apiOf({}).api}>
      <Transcript execution="e" view={viewOf(log([BEGIN, ...lines]))} />
    </SignedIn>,
  );
  return screen.getByRole("region", { name: "Transcript" }).textContent;
}

it.each<[string, Line[]]>([
  [
    "greeter passed the conversation to LA lawyerIt is a legal matter.",
    [["handoff.passed", { step: "h", agent: "greeter", data: { to: "lawyer", reason: "It is a legal matter." } }]],
  ],
  ["l, round 3", [["loop.round", { step: "l/round[3]", data: { round: 3 } }]]],
  ["clerk summed up turns 1 to 12", [["chat.summarised", { step: "c/turn[12]/summary", agent: "clerk", data: { covers: [1, 12] } }]]],
  ["judge does not find it settledNot yet.", [["chat.judged", { step: "c", agent: "judge", data: { settled: false, reason: "Not yet." } }]]],
  ["The event “paid” came by shop at", [["signal.received", { data: { name: "paid", by: "shop" } }]]],
  ["Paused by ada at", [["execution.paused", { data: { by: "ada" } }]]],
  ["Cancel was asked for by ada", [["execution.cancel_requested", { data: { by: "ada" } }]]],
  ["a was canceled: what `join` asks for is there", [["step.canceled", { step: "a", data: { reason: "what `join` asks for is there" } }]]],
  [
    "l ended after 2 rounds: it had gone on as often as it may2 of 2 rounds.",
    [
      ["loop.round", { step: "l/round[2]", data: { round: 2 } }],
      ["step.completed", { step: "l", data: { stop_reason: "most", evidence: "2 of 2 rounds." } }],
    ],
  ],
  ["w waits for the event “paid”", [["step.waiting", { step: "w", data: { for: "event", event: "paid" } }]]],
  [
    "w waited for the event “paid” for 1.0 s",
    [
      ["step.waiting", { step: "w", data: { for: "event", event: "paid" } }],
      ["step.completed", { step: "w" }],
    ],
  ],
  ["judge judges whether it is enough …", [["call.started", { step: "c", agent: "judge", data: { call: "j", attempt: 1, role: "judge" } }]]],
])("tells: %s", (words, lines) => {
  expect(told(...lines)).toContain(words);
});

it("tells of what was canceled the outermost alone", () => {
  const canceled = (step: string): Line => ["step.canceled", { step, data: { reason: "enough" } }];
  const text = told(canceled("a/b/c"), canceled("a/b"), canceled("d"));
  expect(text.match(/was canceled/g)).toHaveLength(2);
  expect(text).not.toContain("a/b/c");
});

it("shows a tool with what it was called with and what it gave", () => {
  const call = { call: "t", attempt: 1, tool: "search" };
  told(
    ["call.started", { step: "t", data: { ...call, arguments: "{'q': 'lanterns'}" } }],
    ["call.completed", { step: "t", data: { ...call, seconds: 1.5 }, value: "Three." }],
  );
  const tool = screen.getByRole("article", { name: "Tool search, t" });
  expect(tool.textContent).toContain("lanterns");
  expect(tool.textContent).toContain("Three.");
  expect(tool.textContent).toContain("1.5 s");
});

it("says of what was stopped how far it came", () => {
  const error = { code: "canceled", message: "It was canceled.", action: "", fault: "caller" };
  const text = told(started("a"), ["call.failed", { step: "a", data: { call: "a", attempt: 1, error }, value: "Half an" }]);
  expect(text).toContain("As far as it came:Half an");
});

it("leaves out what this page does not know", () => {
  expect(told(["tool.exploded" as never, { step: "x" }], ["loop.round", { step: "l/round[1]", data: { round: 1 } }])).toContain("round 1");
});

it("shows what a human said in a chat as a turn, and that they passed", () => {
  const asked = { approval: "q", kind: "turn", speaker: "owner", roles: [], options: ["say", "pass"] };
  const answer = (decision: string, how: string): Line[] => [
    ["approval.requested", { step: "c/turn[2]", data: asked, value: { ask: "Your turn." } }],
    ["approval.decided", { step: "c/turn[2]", data: { approval: "q", decision, how, by: how === "decided" ? "ada" : null }, value: { comment: "Lamp." } }],
  ];
  expect(told(...answer("say", "decided"))).toContain("ownerturn 2a human: ada");
  expect(screen.getByRole("article", { name: "owner, c/turn[2]" }).textContent).toContain("Lamp.");
  cleanup();
  expect(told(...answer("pass", "deadline"))).toContain("Said nothing by the deadline.");
});

it("shows of a handoff's answer the answer alone", () => {
  const value = { pass_to: "lawyer", reason: "r", answer: "Ask the lawyer." };
  const text = told(["call.completed", { step: "h/turn[1]", agent: "greeter", data: { call: "h", attempt: 1, turn: 1 }, value }]);
  expect(text).toContain("Ask the lawyer.");
  expect(text).not.toContain("pass_to");
});

it("says of an answer that did not fit what was wrong, and that it was asked again", () => {
  const error = { code: "model_bad_answer", message: "There is no headline.", action: "", fault: "model" };
  const call = { call: "a#0", attempt: 1 };
  const text = told(
    ["call.rejected", { step: "a", agent: "x", data: { ...call, error }, value: "{}" }],
    ["call.started", { step: "a", agent: "x", data: { call: "a#1", attempt: 1, repairs: "a#0" } }],
  );
  expect(text).toContain("Its answer did not fit: There is no headline.");
  expect(text).toContain("asked again to mend its answer");
});
