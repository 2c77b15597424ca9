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
  ["l, round 3", [["loop.round", { step: "l", data: { round: 3 } }]]],
  ["What was said up to turn 12 was summed up", [["chat.summarised", { step: "c", data: { covers: 12 } }]]],
  ["The event “paid” came by shop at", [["signal.received", { data: { name: "paid", by: "shop" } }]]],
  ["Paused by ada at", [["execution.paused", { data: { by: "ada" } }]]],
  ["Cancel was asked for by ada", [["execution.cancel_requested", { data: { by: "ada" } }]]],
  ["a was canceled: enough of the others had succeeded", [["step.canceled", { step: "a", data: { reason: "enough" } }]]],
  [
    "l ended after 2 rounds: it had gone on as often as it may2 of 2 rounds.",
    [
      ["loop.round", { step: "l", data: { round: 2 } }],
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
    ["call.started", { step: "t", data: call, value: { q: "lanterns" } }],
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
  expect(told(["tool.exploded" as never, { step: "x" }], ["loop.round", { step: "l", data: { round: 1 } }])).toContain("round 1");
});
