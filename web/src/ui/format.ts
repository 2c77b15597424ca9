/** Numbers and times as people read them. */
import type { Execution } from "../api/types";

/** `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`, `4 d 3 h`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 0.995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return `${minutes} min ${String(rest).padStart(2, "0")} s`;
}

/** How long it took, or has taken until `now`. */
export function elapsed(started: string, ended: string | null | undefined, now: number): number {
  return (ended ? Date.parse(ended) : now) - Date.parse(started);
}

/** `just now`, `4 min ago`, `yesterday`, then the date. */
export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3570) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_000) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** `now`, `in 40 s`, `in 12 min`, `in 5 h`, `in 3 d`. */
export function until(time: string, now: number): string {
  const seconds = (Date.parse(time) - now) / 1000;
  if (seconds <= 0) return "now";
  if (seconds < 59.5) return `in ${Math.ceil(seconds)} s`;
  if (seconds < 3570) return `in ${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `in ${Math.round(seconds / 3600)} h`;
  return `in ${Math.round(seconds / 86_400)} d`;
}

export function moment(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** `18:04 (in 2 h)`, with the day where it is not near. */
export function when(time: string, now: number): string {
  const left = Date.parse(time) - now;
  const day: Intl.DateTimeFormatOptions = Math.abs(left) < 12 * 3_600_000 ? {} : { day: "numeric", month: "short" };
  const told = new Date(time).toLocaleString(undefined, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return left > 0 ? `${told} (${until(time, now)})` : told;
}

export function clock(time: string): string {
  return new Date(time).toLocaleTimeString(undefined, { hourCycle: "h23", timeStyle: "medium" });
}

/** `950`, `1.2k`, `34k`, `1.2M`. */
export function count(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value).replace("K", "k");
}

/** Dollars with as many digits as a small sum needs; a dash when the price is not known. */
export function cost(usage: { cost_usd?: string | null | undefined }): string {
  // Some lists leave out what is null.
  if (usage.cost_usd === null || usage.cost_usd === undefined) return "–";
  const dollars = Number(usage.cost_usd);
  if (dollars === 0) return "$0";
  if (dollars < 0.0001) return "< $0.0001";
  return `$${dollars.toFixed(dollars < 0.1 ? 4 : 2)}`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

export function workflowLabel({ workflow, workflow_version: version }: Execution): string {
  return version === null ? workflow : `${workflow}@${version}`;
}

/** Enough of an id to tell it from its neighbours. Ids begin with their time, so the end is what differs. */
export function shortId(id: string): string {
  return id.slice(-8);
}

const STOP_REASONS: Readonly<Record<string, string>> = {
  finished: "all steps finished",
  agreed: "the participants agreed",
  said: "the closing words were said",
  turns: "the turn limit was reached",
  condition: "its condition was met",
  judged: "the judge found that it is enough",
  no_progress: "nothing new was said any more",
  budget: "its budget is spent",
  time: "its time was up",
  most: "it had gone on as often as it may",
  enough: "enough had succeeded",
  failed: "a step failed",
  canceled: "it was canceled",
};

/** Why something ended, in words; a reason we do not know is shown as it came. */
export function stopReason(reason: string): string {
  return STOP_REASONS[reason] ?? reason;
}
