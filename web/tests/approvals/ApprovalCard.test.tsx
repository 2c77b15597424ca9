// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Approval } from "../../src/api/types";
import { ApprovalCard } from "../../src/approvals/ApprovalCard";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

const QUESTION: Approval = {
  id: "q/1",
  execution: "e",
  workflow: "launch",
  step: "sign-off",
  kind: "approval",
  ask: "Publish this?",
  show: "The notes.",
  options: ["approve", "reject"],
  roles: ["operator"],
  escalated: false,
  created: new Date(Date.now() - 300_000).toISOString(),
  deadline: new Date(Date.now() + 7_200_000).toISOString(),
  otherwise: "reject",
  state: "pending",
  decision: null,
  comment: "",
  by: null,
  decided: null,
};
const PATH = "/approvals/q%2F1";

function show(facts: Partial<Approval> = {}, { roles, answer }: { roles?: string[]; answer?: unknown } = {}) {
  const { api, sent } = apiOf({ [`POST ${PATH}`]: answer ?? {} });
  const [reload, onDecided] = [vi.fn(), vi.fn()];
  render(
    <SignedIn api={api} roles={roles ?? ["operator"]} reload={reload}>
      <ApprovalCard approval={{ ...QUESTION, ...facts }} onDecided={onDecided} />
    </SignedIn>,
  );
  return { sent, reload, onDecided };
}

describe("a question", () => {
  it("says what is asked, what to look at, until when, and what counts then", () => {
    show();
    const card = screen.getByRole("article", { name: "Publish this?" });
    expect(card.textContent).toContain("The notes.");
    expect(card.textContent).toContain("Ends in 2 h; then it counts as rejected.");
    expect(screen.getByRole("link", { name: /launch/ }).getAttribute("href")).toBe("#/executions/e");
  });

  it("waits for ever without a deadline", () => {
    show({ deadline: null, escalated: true });
    expect(screen.getByText("No deadline: it waits for an answer.")).toBeTruthy();
    expect(screen.getByText(/escalated/)).toBeTruthy();
  });

  it("is decided with a comment", async () => {
    const { sent, reload, onDecided } = show();
    fireEvent.change(screen.getByLabelText(/Comment/), { target: { value: " Looks fine. " } });
    fireEvent.click(screen.getByRole("button", { name: "Reject" }));
    await waitFor(() => expect(onDecided).toHaveBeenCalledWith("reject"));
    expect(sent).toEqual([{ method: "POST", path: PATH, body: { decision: "reject", comment: "Looks fine." } }]);
    expect(reload).toHaveBeenCalledOnce();
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Approve" }).disabled).toBe(true);
  });

  it("that somebody else has decided says so, and is read again", async () => {
    const gone = Response.json({ code: "conflict", detail: "Bo has decided it.", action: "Look." }, { status: 409 });
    const { reload, onDecided } = show({}, { answer: gone });
    fireEvent.click(screen.getByRole("button", { name: "Approve" }));
    expect((await screen.findByRole("alert")).textContent).toContain("Bo has decided it.");
    await waitFor(() => expect(reload).toHaveBeenCalledOnce());
    expect(onDecided).not.toHaveBeenCalled();
  });

  it("to a human in a chat wants words", () => {
    show({ kind: "turn", options: ["say", "pass"] });
    const say = screen.getByRole<HTMLButtonElement>("button", { name: "Say it" });
    expect(say.disabled).toBe(true);
    fireEvent.change(screen.getByLabelText("Your words"), { target: { value: "Lantern." } });
    expect(say.disabled).toBe(false);
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Pass" }).disabled).toBe(false);
  });

  it("about a call that was cut off takes what it gave", async () => {
    const { sent } = show({ kind: "uncertain", show: null, options: ["carried_out", "call_again", "fail"], otherwise: "fail" });
    expect(screen.getByRole("button", { name: "It was not: call again" })).toBeTruthy();
    const gave = screen.getByLabelText(/What it gave/);
    expect(document.getElementById(gave.getAttribute("aria-describedby") ?? "")?.textContent).toContain("taken as its result");
    fireEvent.change(gave, { target: { value: '{"sum": 3}' } });
    fireEvent.click(screen.getByRole("button", { name: "It was carried out" }));
    await waitFor(() => expect(sent[0]?.body).toEqual({ decision: "carried_out", comment: '{"sum": 3}' }));
  });

  it("is for those alone who may answer", () => {
    show({}, { roles: ["author"] });
    expect(screen.queryAllByRole("button")).toEqual([]);
    expect(screen.getByText("Only an operator may answer; you are an author.")).toBeTruthy();
    cleanup();
    show({}, { roles: ["admin"] });
    expect(screen.getByRole("button", { name: "Approve" })).toBeTruthy();
  });

  it("with an option that this page does not know can be answered all the same", () => {
    show({ options: ["postpone"], otherwise: "postpone" });
    expect(screen.getByRole("button", { name: "postpone" })).toBeTruthy();
    expect(screen.getByText(/it counts as “postpone”/)).toBeTruthy();
  });
});

describe("an answer", () => {
  it("says who gave it and why", () => {
    show({ state: "decided", decision: "approve", by: "bo", comment: "Go.", decided: "2026-01-01T00:00:00Z" });
    expect(screen.getByRole("article").textContent).toMatch(/Approved by BO bo, .*Go\./);
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("may be the deadline's", () => {
    show({ state: "expired", decision: "reject", by: null });
    expect(screen.getByRole("article").textContent).toContain("Rejected because nobody had answered by the deadline");
  });

  it("may not be needed any more", () => {
    show({ state: "withdrawn" });
    expect(screen.getByText(/not needed any more/)).toBeTruthy();
  });
});
