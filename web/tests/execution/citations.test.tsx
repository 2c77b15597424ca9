// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import { CitationContext, Cited } from "../../src/execution/citations";
import { applyEvents, viewOf } from "../../src/log/reducer";
import type { Event } from "../../src/api/types";
import { BEGIN, log } from "../log/events";

afterEach(cleanup);

const PASSAGE = { cite: "[refunds.md#3]", document: "refunds.md", title: "Refunds", text: "Within <b>14</b> days." };
const found = (value: object): Event[] =>
  log([BEGIN, ["call.completed", { step: "s/tool[0]", data: { call: "t", attempt: 1, tool: "search" }, value: value as never }]]);

function show(text: string, events: Event[]): HTMLElement {
  return render(
    <CitationContext value={viewOf(events).found}>
      <Cited text={text} />
    </CitationContext>,
  ).container;
}

it("a mark leads to the passage that was found under it", () => {
  const box = show("In time [refunds.md#3], or not [weather.md#1].", found({ collection: "handbook", passages: [PASSAGE] }));
  expect(box.querySelector(".cite-unknown")?.textContent).toContain("[weather.md#1]");
  fireEvent.click(screen.getByRole("button", { name: "[refunds.md#3]" }));
  expect(document.body.textContent).toContain("Within <b>14</b> days.");
  expect(document.querySelector("b")).toBeNull();
  expect(screen.getByRole("link", { name: "handbook" }).getAttribute("href")).toBe("#/library/handbook");
});

it("where nothing was searched, brackets are brackets", () => {
  const box = show("See [a#1].", log([BEGIN]));
  expect(box.innerHTML).toBe("See [a#1].");
});

it("is not called unknown while a result is too large for the log", () => {
  const events = found({ collection: "handbook", passages: [PASSAGE] });
  const [large] = log([["call.completed", { step: "s/tool[1]", data: { call: "u", attempt: 1, tool: "search" } }]], 3);
  const view = applyEvents(viewOf(events), large ? [{ ...large, artifact: "big" }] : []);
  expect(view.found.isWhole).toBe(false);
  const { container } = render(
    <CitationContext value={view.found}>
      <Cited text="See [weather.md#1]." />
    </CitationContext>,
  );
  expect(container.querySelector(".cite-unknown")).toBeNull();
});

it("stays the same object while nothing new is found", () => {
  const view = viewOf(found({ passages: [PASSAGE] }));
  const more = applyEvents(view, log([["call.completed", { step: "s", data: { call: "s#1", attempt: 1 }, value: "x" }]], 3));
  expect(more.found).toBe(view.found);
});
