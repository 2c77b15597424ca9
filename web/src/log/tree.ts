/** The steps of an execution as a tree, made from what the log has told so far. */
import { newStep } from "./steps";
import type { Call, ExecutionView, Step, Wait } from "./view";

export type NodeState = Step["state"] | "stopped";

export interface StepNode {
  path: string;
  name: string;
  kind: string | undefined;
  /** The agent, or the tool, that does it. */
  agent: string | undefined;
  tool: string | undefined;
  state: NodeState;
  /** What it waits for, while it does. */
  wait: Wait | undefined;
  /** The round a loop is in. */
  round: number | undefined;
  /** Why it was skipped or canceled. */
  reason: string | undefined;
  started: string;
  ended: string | undefined;
  /** The turns of a group chat or a handoff, in order. */
  turns: Call[];
  children: StepNode[];
}

/** What of a view the tree is made of. */
export type Told = Pick<ExecutionView, "steps" | "calls" | "ended">;

/** Steps, each under the one that contains it; calls of a chat are marks on it rather than steps of their own. */
export function stepTree(view: Told): StepNode[] {
  const nodes = new Map<string, StepNode>();
  const steps = Object.values(view.steps);
  for (const step of steps) if (!isTurn(step.path)) nodes.set(step.path, nodeOf(step, view));
  for (const step of steps) if (isTurn(step.path)) addWait(nodes, step, view);
  for (const call of Object.values(view.calls)) {
    if (call.role !== undefined) continue;
    const chat = isTurn(call.step) && call.tool === undefined ? nodes.get(parentPath(call.step)) : undefined;
    if (chat) chat.turns.push(call);
    else addCall(nodes, call, view);
  }
  addRounds(nodes);
  const roots: StepNode[] = [];
  for (const node of nodes.values()) (ancestor(nodes, node.path)?.children ?? roots).push(node);
  for (const node of nodes.values()) if (node.kind === "round") summarise(node);
  return roots;
}

function nodeOf(step: Step, view: Told): StepNode {
  const { path, kind, state, round, started } = step;
  const stopped = (state === "running" || state === "waiting") && view.ended !== undefined;
  return {
    path,
    name: nameOf(path),
    kind,
    agent: undefined,
    tool: undefined,
    state: stopped ? "stopped" : state,
    wait: state === "waiting" && !stopped ? step.wait : undefined,
    round,
    reason: step.reason,
    started,
    ended: step.ended ?? view.ended,
    turns: [],
    children: [],
  };
}

/** A turn that waits, for a human or because of a pause, is a chat that does. */
function addWait(nodes: Map<string, StepNode>, turn: Step, view: Told): void {
  const chat = nodes.get(parentPath(turn.path));
  if (chat?.state !== "running") return;
  const { state, wait } = nodeOf(turn, view);
  if (state === "waiting") Object.assign(chat, { state, wait });
}

/** An agent's call names the agent of its step; a step that only its call told of gets its state from it. */
function addCall(nodes: Map<string, StepNode>, call: Call, view: Told): void {
  const known = nodes.get(call.step);
  if (known) {
    if (call.tool === undefined) known.agent = call.agent;
    else if (known.kind === "tool") known.tool = call.tool;
    return;
  }
  const state = call.state === "waiting" ? "running" : call.state;
  const kind = call.tool === undefined ? "agent" : "tool";
  const node = nodeOf({ ...newStep(call.step, call.started), kind, state, ended: call.ended }, view);
  nodes.set(call.step, { ...node, agent: call.tool === undefined ? call.agent : undefined, tool: call.tool });
}

/** The rounds of loops, which no event begins or ends: each is there once something in it is. */
function addRounds(nodes: Map<string, StepNode>): void {
  for (const { path, started } of [...nodes.values()]) {
    for (let around = parentPath(path); around !== ""; around = parentPath(around)) {
      const number = /(?:^|\/)round\[(\d+)\]$/.exec(around)?.[1];
      if (number === undefined || nodes.has(around)) continue;
      const node = nodeOf({ ...newStep(around, started), kind: "round" }, { steps: {}, calls: {}, ended: undefined });
      nodes.set(around, { ...node, name: `round ${number}` });
    }
  }
}

/** A round is as its steps are. */
function summarise(round: StepNode): void {
  const states = round.children.map(({ state }) => state);
  const first = (["running", "waiting", "failed", "stopped", "canceled"] as const).find((state) => states.includes(state));
  round.state = first ?? "completed";
  const ends = round.children.map(({ ended }) => ended ?? "");
  round.ended = ends.includes("") ? undefined : ends.reduce((last, end) => (end > last ? end : last));
}

/** The nearest step around this one that the log has told of. An item `each[0]` lies inside `each`. */
function ancestor(nodes: ReadonlyMap<string, StepNode>, path: string): StepNode | undefined {
  const whole = /^(.*)\[\d+\]$/.exec(path)?.[1];
  const around = (whole === undefined ? undefined : nodes.get(whole)) ?? nodes.get(parentPath(path));
  return around ?? (path.includes("/") ? ancestor(nodes, parentPath(path)) : undefined);
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** A turn of a chat or a handoff, which has no step of its own. */
export function isTurn(path: string): boolean {
  return /\/turn\[\d+\]$/.test(path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
