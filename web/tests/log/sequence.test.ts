import { expect, it } from "vitest";

import { Sequence } from "../../src/log/sequence";
import { BEGIN, completed, END, log, started } from "./events";

const events = log([BEGIN, started("a"), completed("a", 1), END]);

it("gives events out once and in order, whatever order they come in", () => {
  const sequence = new Sequence();
  const given = [3, 1, 3, 0, 1, 2, 0].flatMap((index) => sequence.push(events.slice(index, index + 1)));
  expect(given).toEqual(events);
  expect(sequence.hasGap).toBe(false);
});

it("holds back what follows a gap", () => {
  const sequence = new Sequence();
  expect(sequence.push(events.slice(1))).toEqual([]);
  expect(sequence.hasGap).toBe(true);
  expect(sequence.last).toBe(0);
});

it("goes on after what was given out before", () => {
  const sequence = new Sequence(2);
  expect(sequence.push(events)).toEqual(events.slice(2));
});
