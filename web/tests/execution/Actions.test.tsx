// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import type { Status } from "../../src/api/types";
import { Actions } from "../../src/execution/Actions";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

function show(status: Status, answers: Record<string, unknown> = {}) {
  const { api, sent } = apiOf(answers);
  const page = (now: Status) => (
    <SignedIn api={api}>
      <Actions id="a/b" status={now} workflow="w" />
    </SignedIn>
  );
  const { rerender } = render(page(status));
  return { sent, becomes: (now: Status) => rerender(page(now)) };
}

function offered(): string[] {
  const shown = [...screen.queryAllByRole<HTMLButtonElement>("button"), ...screen.queryAllByRole("link")];
  return shown.filter((each) => !("disabled" in each && each.disabled)).map((each) => each.textContent.replace(/^[‖▸] /, ""));
}

it.each<[Status, string[]]>([
  ["running", ["Pause", "Cancel"]],
  ["paused", ["Resume", "Cancel"]],
  ["canceling", []],
  ["completed", ["Compare", "Start another"]],
  ["failed", ["Retry", "Compare"]],
  ["canceled", ["Retry", "Compare"]],
])("offers for one that is %s: %j", (status, actions) => {
  show(status);
  expect(offered()).toEqual(actions);
});

it("pauses and resumes at once, with the focus where it was", async () => {
  const { sent, becomes } = show("running", { "POST /executions/a%2Fb/pause": {}, "POST /executions/a%2Fb/resume": {} });
  const button = screen.getByRole("button", { name: "Pause" });
  fireEvent.click(button);
  await waitFor(() => expect(sent).toHaveLength(1));
  becomes("paused");
  await waitFor(() => expect(offered()).toEqual(["Resume", "Cancel"]));
  expect(screen.getByRole("button", { name: "Resume" })).toBe(button);
  fireEvent.click(button);
  await waitFor(() => expect(sent.map(({ path }) => path)).toEqual(["/executions/a%2Fb/pause", "/executions/a%2Fb/resume"]));
});

it("asks before it cancels, and says what is lost", async () => {
  const { sent, becomes } = show("running", { "POST /executions/a%2Fb/cancel": {} });
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(screen.getByText(/What is not finished is lost/)).toBeTruthy();
  expect(document.activeElement?.textContent).toBe("Keep going");
  fireEvent.click(screen.getByRole("button", { name: "Keep going" }));
  expect(sent).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  becomes("completed");
  expect(offered()).toEqual(["Compare", "Start another"]);
  becomes("running");
  fireEvent.click(screen.getByRole("button", { name: "Cancel the execution" }));
  await waitFor(() => expect(sent.map(({ path }) => path)).toEqual(["/executions/a%2Fb/cancel"]));
});

it("shows why it is refused", async () => {
  const refused = Response.json({ code: "conflict", detail: "It has ended.", action: "Retry it." }, { status: 409 });
  show("running", { "POST /executions/a%2Fb/pause": refused });
  fireEvent.click(screen.getByRole("button", { name: "Pause" }));
  expect((await screen.findByRole("alert")).textContent).toContain("It has ended.");
});
