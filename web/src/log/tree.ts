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
  turns: Turn[];
  children: StepNode[];
}

/** An agent's go, or a human's. */
export interface Turn {
  /** Of the call, or of the question. */
  key: string;
  isHuman: boolean;
  who: string;
  number: number;
  state: Call["state"];
}

/** What of a view the tree is made of. */
export type Told = Pick<ExecutionView, "steps" | "calls" | "approvals" | "ended">;

/** Steps, each under the one that contains it; calls of a chat are marks on it rather than steps of their own. */
export function stepTree(view: Told): StepNode[] {
  const nodes = new Map<string, StepNode>();
  const steps = Object.values(view.steps);
  for (const step of steps) if (!isTurn(step.path)) nodes.set(step.path, nodeOf(step, view));
  for (const step of steps) if (isTurn(step.path)) addWait(nodes, step, view);
  const calls = Object.values(view.calls);
  const repaired = new Set(calls.map(({ repairs }) => repairs));
  for (const call of calls) {
    if (call.role !== undefined || repaired.has(call.key)) continue;
    const chat = isTurn(call.step) && call.tool === undefined ? nodes.get(parentPath(call.step)) : undefined;
    if (chat) chat.turns.push(turnOf(call.key, call.step, call.agent, call.state));
    else addCall(nodes, call, view);
  }
  addHumans(nodes, view);
  addRounds(nodes);
  const roots: StepNode[] = [];
  for (const node of nodes.values()) (ancestor(nodes, node.path)?.children ?? roots).push(node);
  for (const node of nodes.values()) if (node.kind === "round") summarise(node);
  return roots;
}

function nodeOf(step: Step, view: Pick<Told, "ended">): StepNode {
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
  const state = call.state === "waiting" ? "running" : call.state === "rejected" ? "failed" : call.state;
  const kind = call.tool === undefined ? "agent" : "tool";
  const node = nodeOf({ ...newStep(call.step, call.started), kind, state, ended: call.ended }, view);
  nodes.set(call.step, { ...node, agent: call.tool === undefined ? call.agent : undefined, tool: call.tool });
}

function turnOf(key: string, path: string, who: string, state: Turn["state"], isHuman = false): Turn {
  return { key, isHuman, who, state, number: Number(/\[(\d+)\]$/.exec(path)?.[1]) };
}

/** The turns of humans in chats, among those of the agents. */
function addHumans(nodes: ReadonlyMap<string, StepNode>, view: Told): void {
  for (const { id, kind, step, speaker = "?", decision } of Object.values(view.approvals)) {
    const chat = kind === "turn" ? nodes.get(parentPath(step)) : undefined;
    if (chat === undefined) continue;
    chat.turns.push(turnOf(id, step, speaker, decision === undefined ? "waiting" : "completed", true));
    chat.turns.sort((left, right) => left.number - right.number);
  }
}

/** The rounds of loops, which no event begins or ends: each is there once something in it is. */
function addRounds(nodes: Map<string, StepNode>): void {
  for (const { path, started } of [...nodes.values()]) {
    for (const round of around(path)) {
      const number = /(?:^|\/)round\[(\d+)\]$/.exec(round)?.[1];
      if (number === undefined || nodes.has(round)) continue;
      const node = nodeOf({ ...newStep(round, started), kind: "round" }, { ended: undefined });
      nodes.set(round, { ...node, name: `round ${number}` });
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
  const nearest = around(path).find((each) => nodes.has(each));
  return nearest === undefined ? undefined : nodes.get(nearest);
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The paths of the steps around it, the nearest first: `a/b[1]/c` is in `a/b[1]`, that in `a/b`, that in `a`. */
export function around(path: string): string[] {
  return [...path.matchAll(/[/[]/g)].map(({ index }) => path.slice(0, index)).reverse();
}

/** A turn of a chat or a handoff, which has no step of its own. */
export function isTurn(path: string): boolean {
  return /\/turn\[\d+\]$/.test(path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
