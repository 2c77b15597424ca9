// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { Transcript } from "../../src/execution/Transcript";
import { viewOf } from "../../src/log/reducer";
import { BEGIN, log } from "../log/events";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

type Line = Parameters<typeof log>[0][number];

const HOSTILE = '<img src=x onerror="alert(1)">';
const ABOUT = { call: "s/tool[0]#0", attempt: 1, tool: "search" };

function asked(how: object = {}): Line {
  const value = { text: "Let me see.", tool_calls: [{ id: "c", name: "search", arguments: { q: HOSTILE, most: "3" } }] };
  return ["call.asked", { step: "s", agent: "x", data: { call: "s#0", attempt: 1, asks: [{ tool: "search", ...how }] }, value }];
}

function show(...lines: Line[]): HTMLElement {
  render(
    <SignedIn api={apiOf({}).api}>
      <Transcript execution="e" view={viewOf(log([BEGIN, ...lines]))} />
    </SignedIn>,
  );
  return screen.getByRole("article", { name: "x, s" });
}

it("shows what was said, what was called with what, what that gave, and the answer", () => {
  const gave: Line = ["call.completed", { step: "s/tool[0]", agent: "x", data: { ...ABOUT, seconds: 1 }, value: `${HOSTILE} ${"word ".repeat(100)}end` }];
  const turn = show(asked(), gave, ["call.completed", { step: "s", agent: "x", data: { call: "s#1", attempt: 1 }, value: "So it is." }]);
  expect(turn.textContent).toMatch(/Let me see\..*search.*→ <img.*So it is\./s);
  const tool = within(turn).getByRole("article", { name: "Tool search, s/tool[0]" });
  expect(tool.textContent).not.toContain("end");
  fireEvent.click(within(tool).getByText("search"));
  const details = tool.querySelector("details");
  if (details && !details.open) details.open = true;
  fireEvent(details as Element, new Event("toggle"));
  expect(tool.textContent).toContain("word end");
  expect(tool.textContent).toContain('"most": "3"');
  expect(document.querySelector("img")).toBeNull();
});

it("says why a call was not made", () => {
  expect(show(asked({ via: "refused", refused: "There is no tool search." })).textContent).toContain("Not called: There is no tool search.");
});

it("says what failed, and when it is tried again", () => {
  const error = { code: "tool_failed", message: "It is down.", action: "", fault: "tool" };
  const turn = show(asked(), ["call.failed", { step: "s/tool[0]", data: { ...ABOUT, error, retry_in: 5 } }]);
  expect(turn.textContent).toContain("It is down.");
});

it("asks the human at the call, and says then what they decided", () => {
  const ask: Line = [
    "approval.requested",
    {
      step: "s/tool[0]",
      data: { approval: "q", kind: "tool", roles: ["operator"], options: ["approve", "reject"] },
      value: { ask: "May x call the tool search?", show: { q: HOSTILE, most: "3" } },
    },
  ];
  const turn = show(asked(), ask);
  const card = within(turn).getByRole("article", { name: "May x call the tool search?" });
  expect(card.textContent).toContain('"most": "3"');
  expect(card.textContent).toContain("The agent is told why");
  cleanup();
  const decided = { approval: "q", decision: "reject", by: "ada", how: "decided", comment: "too dear" };
  expect(show(asked(), ask, ["approval.decided", { step: "s/tool[0]", data: decided }]).textContent).toMatch(/Rejected by ada at .*: .*too dear/);
});
