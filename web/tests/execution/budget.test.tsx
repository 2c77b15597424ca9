// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";

import { BudgetCard } from "../../src/execution/BudgetCard";
import { partsOf, raisedTo, suggestionFor } from "../../src/execution/budget";
import { applyEvents, viewOf } from "../../src/log/reducer";
import { BEGIN, log } from "../log/events";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

const REACHED = {
  path: "panel",
  what: "5 of 5 model calls",
  cap: { cost_usd: "2.50", model_calls: 5 },
  spent: { model_calls: 5, tokens_in: 900, tokens_out: 100, cost_usd: "0.5" },
  reserved: { model_calls: 0, tokens_in: 0, tokens_out: 0, cost_usd: "0.25" },
};

it("is known from the log until the execution goes on", () => {
  const paused = viewOf(log([BEGIN, ["budget.reached", { step: "panel", data: REACHED }], ["execution.paused", { data: { by: "budget" } }]]));
  expect(paused).toMatchObject({ status: "paused", reached: { path: "panel" } });
  expect(applyEvents(paused, log([["execution.resumed", { data: { by: "ada" } }]], 4)).reached).toBeUndefined();
});

describe("what it can be raised to", () => {
  const parts = partsOf(REACHED);

  it("is suggested: twice what is used up, and the same of what is not", () => {
    expect(parts.map((part) => [part.key, suggestionFor(part)])).toEqual([
      ["cost_usd", "2.5"],
      ["model_calls", "10"],
    ]);
  });

  it.each([
    [{ cost_usd: "2.5", model_calls: "10" }, { model_calls: 10 }, {}],
    [{ cost_usd: "7.005", model_calls: "5" }, { cost_usd: "7.005" }, {}],
    [{ cost_usd: "2.5", model_calls: "5" }, undefined, {}],
    [{ cost_usd: "2", model_calls: "10.5" }, undefined, { cost_usd: "It can only be raised: it is $2.50 now.", model_calls: "Write a whole number." }],
    [{ cost_usd: "much", model_calls: "10" }, undefined, { cost_usd: "Write a number, such as 2.50." }],
  ])("of %j is %j", (texts: Record<string, string>, to, mistakes) => {
    expect(raisedTo(parts, ({ key }) => texts[key] ?? "")).toEqual({ to, mistakes });
  });
});

describe("its card", () => {
  const show = (roles: string[], reached: object = {}) => {
    const { api, sent } = apiOf({ "POST /executions/e/budget": {} });
    render(
      <SignedIn api={api} roles={roles}>
        <BudgetCard execution="e" reached={{ ...REACHED, ...reached }} />
      </SignedIn>,
    );
    return sent;
  };

  it("says how it stands, and raises it", async () => {
    const sent = show(["operator"]);
    const card = screen.getByRole("region");
    expect(card.textContent).toContain("The budget of panel is used up: 5 of 5 model calls");
    expect(card.textContent).toContain("$0.50 of $2.50 spent, $0.25 reserved by calls under way");
    fireEvent.change(screen.getByLabelText("Model calls in all"), { target: { value: "12" } });
    fireEvent.click(screen.getByRole("button", { name: "Raise and go on" }));
    await waitFor(() => expect(sent).toEqual([{ method: "POST", path: "/executions/e/budget", body: { path: "panel", model_calls: 12 } }]));
  });

  it("is not raised by those who may not, nor is the tenant's here", () => {
    show(["author"]);
    expect(screen.queryByRole("button")).toBeNull();
    cleanup();
    show(["admin"], { budget: "nightly", period: "2026-11-27" });
    expect(screen.getByRole("region").textContent).toContain("The budget nightly is used up for 2026-11-27");
    expect(screen.queryByRole("button")).toBeNull();
  });
});
