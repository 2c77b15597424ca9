/** What differs between two executions, in words. */
import type { Alignment, DiffRow } from "../api/types";

export const ALIGNMENTS: Readonly<Record<Alignment, { icon: string; words: string }>> = {
  same: { icon: "=", words: "the same" },
  changed: { icon: "≠", words: "differs" },
  only_left: { icon: "◂", words: "only on the left" },
  only_right: { icon: "▸", words: "only on the right" },
};

const ASPECTS: Readonly<Record<string, string>> = {
  definition: "its definition",
  request: "what was asked",
  speaker: "who spoke",
  output: "what came out",
  status: "how it ended",
  stop_reason: "why it stopped",
};

/** `what was asked, what came out`; an aspect we do not know is shown as it came. */
export function aspects({ differs }: DiffRow): string {
  return differs.map((aspect) => ASPECTS[aspect] ?? aspect).join(", ");
}

/** Why the row is where the two part. */
export function firstWords({ first }: DiffRow): string {
  if (first.length === 0) return "";
  if (first.length === 2) return "They part here: the first that was given something else, and gave something else";
  return first[0] === "request" ? "The first that was given something else" : "The first that gave something else";
}

/** `+ 2.4 s`, `− 2.4 s`; nothing when they are as good as equal. */
export function signed(difference: number, show: (size: number) => string): string {
  const shown = show(Math.abs(difference));
  if (difference === 0 || shown === show(0)) return "";
  return `${difference > 0 ? "+" : "−"} ${shown}`;
}
