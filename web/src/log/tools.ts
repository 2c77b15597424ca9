/** How the tool calls that an agent asks for stand. */
import { parentPath } from "./paths";
import type { Asked, Call, Entry, ExecutionView, ToolAsk, Wait } from "./view";

/** One tool call, and what is told below it. */
export interface ToolUse {
  ask: ToolAsk;
  /** `refused`: it was not made. */
  state: "running" | "waiting" | "completed" | "failed" | "refused" | "stopped";
  /** The calls of the tool, or of the agent behind it, in order. */
  calls: readonly Call[];
  /** The questions to humans about it. */
  questions: readonly Asked[];
  /** What is told of the steps of the workflow behind it. */
  below: readonly Entry[];
  /** All that is told below it, however deep. */
  deep: readonly Entry[];
  /** What it waits for, while it does. */
  wait: Wait | undefined;
  /** Milliseconds, once it is over. */
  took: number | undefined;
}

export type Inside = ReadonlyMap<string, readonly Entry[]>;

/** The entries that belong to turns that call tools, by the steps of these. */
export function insideOf(entries: readonly Entry[]): Map<string, Entry[]> {
  const inside = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.within === undefined) continue;
    const known = inside.get(entry.within);
    if (known) known.push(entry);
    else inside.set(entry.within, [entry]);
  }
  return inside;
}

export function stepOf(entry: Entry, view: ExecutionView): string {
  if (entry.kind === "call") return view.calls[entry.key]?.step ?? "";
  return entry.kind === "note" ? (entry.event.step ?? "") : entry.step;
}

/** `isAnswered`: the agent has heard of it, and has gone on. */
export function toolUse(ask: ToolAsk, inside: Inside, view: ExecutionView, isAnswered: boolean): ToolUse {
  const entries = inside.get(parentPath(ask.path)) ?? [];
  const later = inside.get(ask.path) ?? [];
  const own = [...entries, ...later].filter((entry) => stepOf(entry, view) === ask.path);
  const calls = own.flatMap((entry) => (entry.kind === "call" ? (view.calls[entry.key] ?? []) : []));
  const questions = own.flatMap((entry) => (entry.kind === "approval" ? (view.approvals[entry.key] ?? []) : []));
  const below = entries.filter((entry) => stepOf(entry, view).startsWith(`${ask.path}/`));
  const deeper = [...inside].filter(([step]) => step === ask.path || step.startsWith(`${ask.path}/`));
  const deep = [...below, ...deeper.flatMap(([, each]) => each)];
  const took = tookOf(ask.via === "workflow" ? Object.values(view.steps).filter(({ path }) => isDirectlyBelow(path, ask.path)) : calls);
  const step = view.steps[ask.path];
  const wait = step?.state === "waiting" && step.wait?.for !== "approval" && view.ended === undefined ? step.wait : undefined;
  return { ask, calls, questions, below, deep, took, wait, state: stateOf({ ask, calls, questions }, view, isAnswered) };
}

function tookOf(parts: readonly { started: string; ended: string | undefined }[]): number | undefined {
  if (parts.length === 0 || parts.some(({ ended }) => ended === undefined)) return undefined;
  const begun = Math.min(...parts.map(({ started }) => Date.parse(started)));
  return Math.max(...parts.map(({ ended = "" }) => Date.parse(ended))) - begun;
}

function stateOf(
  { ask, calls, questions }: Pick<ToolUse, "ask" | "calls" | "questions">,
  view: ExecutionView,
  isAnswered: boolean,
): ToolUse["state"] {
  const over = view.ended === undefined ? "running" : "stopped";
  if (ask.via === "refused") return "refused";
  if (ask.via === "page") return "completed";
  const last = questions.at(-1);
  if (last?.kind === "tool" && last.decision && last.decision.decision !== "approve") return "refused";
  if (last !== undefined && last.decision === undefined) return view.ended === undefined ? "waiting" : "stopped";
  if (ask.via === "workflow") {
    const failed = Object.values(view.steps).some(({ path, state }) => state === "failed" && isDirectlyBelow(path, ask.path));
    if (isAnswered) return failed ? "failed" : "completed";
    return over;
  }
  const state = calls.at(-1)?.state;
  if (state === "completed" || state === "failed") return state;
  return state === "rejected" && isAnswered ? "failed" : over;
}

function isDirectlyBelow(path: string, above: string): boolean {
  return path.startsWith(`${above}/`) && !path.slice(above.length + 1).includes("/");
}
