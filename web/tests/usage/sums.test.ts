import { describe, expect, it } from "vitest";

import { added, daysBetween, dollars, grouped, NOTHING, roundUp, shown, spentOf } from "../../src/usage/sums";

const items = [
  { ...NOTHING, day: "2026-11-26", agent: "writer", model_calls: 2, cost_usd: "0.10", seconds: "1.5" },
  { ...NOTHING, day: "2026-11-27", agent: "critic", model_calls: 9, cost_usd: "0.02" },
  { ...NOTHING, day: "2026-11-27", agent: "writer", model_calls: 1, cost_usd: "0.05" },
  { ...NOTHING, day: "2026-11-27", executions: 1 },
];

describe("sums", () => {
  it("are added, money and seconds as well", () => {
    const total = items.reduce(added, NOTHING);
    expect(total).toMatchObject({ model_calls: 12, executions: 1, seconds: "1.5" });
    expect(Number(total.cost_usd)).toBeCloseTo(0.17);
  });

  it("by name come with the largest of what is looked at first", () => {
    expect(grouped(items, "agent", "cost").map(({ name }) => name)).toEqual(["writer", "critic", ""]);
    expect(grouped(items, "agent", "model_calls").map(({ name }) => name)).toEqual(["critic", "writer", ""]);
  });

  it("are of every day, across months and leap days", () => {
    expect(daysBetween("2028-02-28", "2028-03-01")).toEqual(["2028-02-28", "2028-02-29", "2028-03-01"]);
    expect(daysBetween("2026-11-27", "2026-11-26")).toEqual([]);
  });
});

it.each([
  [0, "$0"],
  [0.00001, "< $0.0001"],
  [0.0123, "$0.0123"],
  [1234.5, "$1,234.50"],
])("%d dollars are %s", (amount, text) => expect(dollars(amount)).toBe(text));

it.each([
  [{ cost_usd: "0", unpriced: 0 }, "$0"],
  [{ cost_usd: "0.5", unpriced: 2 }, "$0.50+"],
  [{ cost_usd: "0", unpriced: 2 }, "–"],
])("what %j cost is %s", (figures, text) => expect(spentOf({ ...NOTHING, ...figures })).toBe(text));

it.each([
  [0, 1],
  [0.19, 0.2],
  [21, 25],
  [26, 50],
  [100, 100],
])("a scale up to %d ends at %d", (amount, top) => expect(roundUp(amount)).toBeCloseTo(top));

it("seconds are shown as time", () => expect(shown(90, "seconds")).toBe("1 min 30 s"));
