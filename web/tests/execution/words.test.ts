import { expect, it } from "vitest";

import { evidenceText, waitedWords, waitWords } from "../../src/execution/words";
import type { Wait } from "../../src/log/view";

const NOW = Date.parse("2026-01-01T12:00:00Z");

function wait(what: string, facts: Partial<Wait> = {}): Wait {
  return { for: what, until: undefined, event: undefined, since: "2026-01-01T11:00:00Z", ...facts };
}

it.each([
  [wait("time", { until: "2026-01-01T14:00:00Z" }), /^waits until \d\d:00 \(in 2 h\)$/],
  [wait("event", { event: "paid" }), /^waits for the event “paid”$/],
  [wait("event", { event: "paid", until: "2026-01-04T12:00:00Z" }), /“paid”, until .*Jan.* \(in 3 d\)$/],
  [wait("approval", { until: "2026-01-01T12:20:00Z" }), /^waits for a human, until .* \(in 20 min\)$/],
  [wait("resume"), /^waits to be resumed$/],
  [wait("the-moon"), /^waits for the-moon$/],
])("tells what %j waits for", (waits, words) => {
  expect(waitWords(waits, NOW)).toMatch(words);
});

it("tells what was waited for", () => {
  expect(waitedWords(wait("event", { event: "paid" }))).toBe("waited for the event “paid”");
});

it("shows evidence as text", () => {
  expect([evidenceText("why"), evidenceText(null), evidenceText({ turns: 3 })]).toEqual(["why", "", '{"turns":3}']);
});
