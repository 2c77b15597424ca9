/** Sums of sums, and the days they are of. */
import { count, duration } from "../ui/format";
import type { Figures, Item } from "./api";

export const MEASURES = ["cost", "tokens", "model_calls", "tool_calls", "executions", "seconds"] as const;
export type Measure = (typeof MEASURES)[number];

export const MEASURE_WORDS: Readonly<Record<Measure, string>> = {
  cost: "Cost",
  tokens: "Tokens",
  model_calls: "Model calls",
  tool_calls: "Tool calls",
  executions: "Executions",
  seconds: "Time in calls",
};

export function amountOf(figures: Figures, measure: Measure): number {
  switch (measure) {
    case "cost":
      return Number(figures.cost_usd);
    case "tokens":
      return figures.tokens_in + figures.tokens_out;
    case "seconds":
      return Number(figures.seconds);
    default:
      return figures[measure];
  }
}

export function shown(amount: number, measure: Measure): string {
  if (measure === "cost") return dollars(amount);
  if (measure === "seconds") return amount === 0 ? "0 s" : duration(amount * 1000);
  return count(amount);
}

/** What calls cost; `+` where there are also some whose price is not known, a dash where there are only such. */
export function spentOf({ cost_usd: spent, unpriced }: Figures): string {
  if (unpriced === 0) return dollars(Number(spent));
  return Number(spent) === 0 ? "–" : `${dollars(Number(spent))}+`;
}

/** As many digits as a small sum needs. */
export function dollars(amount: number): string {
  if (amount === 0) return "$0";
  if (amount < 0.0001) return "< $0.0001";
  return `$${amount.toLocaleString("en", { minimumFractionDigits: amount < 0.1 ? 4 : 2, maximumFractionDigits: amount < 0.1 ? 4 : 2 })}`;
}

export const NOTHING: Figures = {
  executions: 0,
  executions_failed: 0,
  model_calls: 0,
  tool_calls: 0,
  reused: 0,
  failures: 0,
  tokens_in: 0,
  tokens_out: 0,
  cost_usd: "0",
  unpriced: 0,
  seconds: "0",
};

/** Numbers that are decimals as text become binary ones here: what is shown is rounded anyway. */
export function added(left: Figures, right: Figures): Figures {
  const sum = { ...left };
  for (const key of Object.keys(NOTHING) as (keyof Figures)[]) {
    if (key === "cost_usd" || key === "seconds") sum[key] = String(Number(left[key]) + Number(right[key]));
    else sum[key] = left[key] + right[key];
  }
  return sum;
}

export interface Group {
  name: string;
  figures: Figures;
}

/** By the name of one dimension, the largest first; `""` is what it does not apply to. */
export function grouped(items: readonly Item[], by: "day" | keyof Item, measure: Measure): Group[] {
  const groups = new Map<string, Figures>();
  for (const item of items) {
    const name = String(item[by] ?? "");
    groups.set(name, added(groups.get(name) ?? NOTHING, item));
  }
  const found = [...groups].map(([name, figures]) => ({ name, figures }));
  return found.sort((left, right) => amountOf(right.figures, measure) - amountOf(left.figures, measure) || (left.name < right.name ? -1 : 1));
}

/** Every day from the first to the last, `2026-11-27`, also those on which nothing was done. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let day = Date.parse(from); day <= Date.parse(to); day += 86_400_000) days.push(dayOf(day));
  return days;
}

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** A round number at or a little above, for the top of a scale: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(amount: number): number {
  if (amount <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(amount));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= amount) ?? 10) * power;
}
