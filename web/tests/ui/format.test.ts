import { expect, it } from "vitest";

import { ago, cost, count, duration, until } from "../../src/ui/format";
import { uuid4 } from "../../src/ui/uuid";

it.each([
  [850, "850 ms"],
  [999, "1.0 s"],
  [4_200, "4.2 s"],
  [59_990, "1 min 00 s"],
  [185_000, "3 min 05 s"],
  [7_800_000, "2 h 10 min"],
  [270_000_000, "3 d 3 h"],
  [-5, "0 ms"],
])("tells %i ms as %s", (milliseconds, text) => {
  expect(duration(milliseconds)).toBe(text);
});

it.each([
  ["0.000000", "$0"],
  ["0.00001", "< $0.0001"],
  ["0.00123", "$0.0012"],
  ["1.5", "$1.50"],
  [null, "–"],
  [undefined, "–"],
])("tells a cost of %j as %s", (cost_usd, text) => {
  expect(cost({ cost_usd })).toBe(text);
});

it("tells large numbers shortly", () => {
  expect([950, 1_234, 34_000, 1_200_000].map(count)).toEqual(["950", "1.2k", "34k", "1.2M"]);
});

it("tells how long ago something was", () => {
  const now = Date.parse("2026-01-02T12:00:00Z");
  const times = ["2026-01-02T11:59:40Z", "2026-01-02T11:56:00Z", "2026-01-02T08:00:00Z"];
  expect(times.map((time) => ago(time, now))).toEqual(["just now", "4 min ago", "4 h ago"]);
});

it("tells how long it is until something", () => {
  const now = Date.parse("2026-01-02T12:00:00Z");
  const seconds = [-5, 40, 720, 18_000, 90_000, 260_000];
  expect(seconds.map((left) => until(new Date(now + left * 1000).toISOString(), now))).toEqual([
    "now",
    "in 40 s",
    "in 12 min",
    "in 5 h",
    "in 25 h",
    "in 3 d",
  ]);
});

it("makes version 4 UUIDs", () => {
  expect(uuid4()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(uuid4()).not.toBe(uuid4());
});
