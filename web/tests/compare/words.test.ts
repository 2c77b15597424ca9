import { expect, it } from "vitest";

import type { DiffRow } from "../../src/api/types";
import { aspects, firstWords, signed } from "../../src/compare/words";
import { duration } from "../../src/ui/format";

function row(facts: Partial<DiffRow>): DiffRow {
  return { path: "a", alignment: "changed", differs: [], first: [], left: null, right: null, ...facts };
}

it("names in what two steps differ, also what it does not know", () => {
  expect(aspects(row({ differs: ["request", "output", "mood"] }))).toBe("what was asked, what came out, mood");
});

it("says where two executions part", () => {
  expect(firstWords(row({}))).toBe("");
  expect(firstWords(row({ first: ["request"] }))).toBe("The first that was given something else");
  expect(firstWords(row({ first: ["output"] }))).toBe("The first that gave something else");
  expect(firstWords(row({ first: ["request", "output"] }))).toMatch(/^They part here/);
});

it("gives a difference its sign, and none where it cannot be seen", () => {
  expect([2400, -2400, 0, 0.2].map((difference) => signed(difference, duration))).toEqual(["+ 2.4 s", "− 2.4 s", "", ""]);
});
