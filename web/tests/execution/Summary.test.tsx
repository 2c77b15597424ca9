// @vitest-environment happy-dom
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";

import type { Execution } from "../../src/api/types";
import { Summary } from "../../src/execution/Summary";
import { viewOf } from "../../src/log/reducer";
import { BEGIN, log } from "../log/events";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

it("leads to what it evaluates, and to the prompts that were chosen for it", () => {
  const usage = { model_calls: 0, tokens_in: 0, tokens_out: 0, cost_usd: "0" };
  const record = {
    id: "e", workflow: "w", workflow_version: 1, status: "running", error: null, stop_reason: null, usage, turns: 0, retry_of: null,
    started_by: "ada", created: "2026-01-01T00:00:00Z", ended: null, evaluation: { kind: "trial" }, variants: { host: "greet@3" },
  } satisfies Execution;
  render(
    <SignedIn api={apiOf({}).api}>
      <Summary id="e" view={viewOf(log([BEGIN]))} state="live" record={record} now={0} />
    </SignedIn>,
  );
  expect(screen.getByRole("link", { name: "what came of that" }).getAttribute("href")).toBe("#/evaluations/e");
  expect(screen.getByRole("link", { name: "greet@3" }).getAttribute("href")).toBe("#/prompts/greet?version=3");
});
