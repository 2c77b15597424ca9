// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { LabelList } from "../../src/prompts/LabelList";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

const LABELS = [
  { label: "production", version: 2, by: "ada", at: "2026-11-14T09:30:00Z", protected: true, etag: '"p"' },
  { label: "staging", version: 3, by: "bo", at: "2026-11-21T09:30:00Z", protected: false, etag: '"s"' },
  { label: "gone", version: null, by: "bo", at: "2026-11-21T09:30:00Z", protected: false, etag: '"g"' },
];
const VERSIONS = [3, 2, 1].map((version) => ({ version, updated: "2026-11-01T00:00:00Z" }));

function show(roles: string[], answers: Record<string, unknown> = {}) {
  const { api, sent } = apiOf(answers);
  const onMoved = vi.fn();
  render(
    <SignedIn api={api} roles={roles}>
      <LabelList name="greet" labels={LABELS} versions={VERSIONS} onMoved={onMoved} />
    </SignedIn>,
  );
  return { sent, onMoved };
}

it("says why a label cannot be moved", () => {
  show(["author"]);
  expect(screen.getByText("Protected: only an admin moves it.")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Move production" })).toBeNull();
  expect(screen.getByRole("button", { name: "Move staging" })).toBeTruthy();
  expect(screen.queryByText("gone")).toBeNull();
  cleanup();
  show(["viewer"]);
  expect(screen.queryAllByRole("button")).toEqual([]);
});

it("moves one after it was confirmed, and tells when somebody was quicker", async () => {
  const path = "PUT /prompts/greet/labels/production";
  const late = Response.json({ code: "changed", detail: "Bo has moved it.", action: "Look again." }, { status: 412 });
  const first = show(["admin"], { [path]: late });
  fireEvent.click(screen.getByRole("button", { name: "Move production" }));
  fireEvent.change(screen.getByLabelText("Version"), { target: { value: "1" } });
  expect(first.sent).toEqual([]);
  fireEvent.click(screen.getByRole("button", { name: "Move it to 1" }));
  expect((await screen.findByRole("alert")).textContent).toContain("Bo has moved it.");
  expect(first.sent).toEqual([{ method: "PUT", path: "/prompts/greet/labels/production", body: { version: 1 } }]);
  expect(first.onMoved).not.toHaveBeenCalled();
  cleanup();
  const { onMoved } = show(["admin"], { [path]: {} });
  fireEvent.click(screen.getByRole("button", { name: "Move production" }));
  fireEvent.click(screen.getByRole("button", { name: "Move it to 3" }));
  await waitFor(() => expect(onMoved).toHaveBeenCalledOnce());
});
