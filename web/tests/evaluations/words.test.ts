import { describe, expect, it } from "vitest";

import { chanceWords, intervalWords, isCertain, nameOf, points } from "../../src/evaluations/words";

it.each([
  [0.2, "+20"],
  [-0.031, "−3"],
  [0.002, "±0"],
  [-0.002, "±0"],
])("a difference of %d is %s points", (difference, text) => expect(points(difference)).toBe(text));

it.each([
  [1, "as likely as not by luck"],
  [0.5, "50 % by luck"],
  [0.031, "1 in 32 by luck"],
  [0.0001, "less than 1 in 2000 by luck"],
])("a chance of %d is %s", (chance, text) => expect(chanceWords(chance)).toBe(text));

describe("a difference", () => {
  it("can be believed when its interval leaves out nought", () => {
    expect([isCertain({ low: 0.01, high: 0.3 }), isCertain({ low: -0.3, high: -0.01 })]).toEqual([true, true]);
    expect([isCertain({ low: -0.1, high: 0.3 }), isCertain({ low: 0, high: 0.3 }), isCertain(null)]).toEqual([false, false, false]);
  });
});

it("an interval is in percent", () => expect(intervalWords({ low: 0.7224, high: 1 })).toBe("72 to 100 %"));

it("an evaluation is called by what it is of", () => {
  const about = { kind: "evaluation" as const, graders: [], cases: 1 };
  expect(nameOf({ ...about, agent: "host@4", prompt: "greet@3", dataset: "guests@1" })).toBe("host@4 with greet@3 on guests@1");
  expect(nameOf({ ...about, workflow: "hello@2", agent: null })).toBe("hello@2");
});
