/** Rates, intervals and differences, as people read them. */
import type { Evaluated, Interval } from "./api";

export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** `72 to 100 %`. */
export function intervalWords({ low, high }: Interval): string {
  return `${Math.round(low * 100)} to ${Math.round(high * 100)} %`;
}

/** `+12`, `−3`, in points of a hundred. */
export function points(difference: number): string {
  const rounded = Math.round(difference * 100);
  return rounded === 0 ? "±0" : rounded > 0 ? `+${rounded}` : `−${-rounded}`;
}

/** Whether a difference can be believed: its interval leaves out nought. */
export function isCertain(interval: Interval | null): boolean {
  return interval !== null && (interval.low > 0 || interval.high < 0);
}

export function nameOf({ agent, workflow, prompt, dataset }: Evaluated): string {
  const what = agent ?? workflow ?? "?";
  return [what, prompt && `with ${prompt}`, dataset && `on ${dataset}`].filter(Boolean).join(" ");
}

/** The chance of luck: `1 in 20`. */
export function chanceWords(chance: number): string {
  if (chance >= 0.995) return "as likely as not by luck";
  if (chance < 0.0005) return "less than 1 in 2000 by luck";
  return `${chance < 0.1 ? `1 in ${Math.round(1 / chance)}` : percent(chance)} by luck`;
}
