/** The steps of an execution as a tree, made from what the log has told so far. */
import type { Call, ExecutionView, Step } from "./view";

export type NodeState = Step["state"] | "stopped";

export interface StepNode {
  path: string;
  name: string;
  kind: string | undefined;
  agent: string | undefined;
  state: NodeState;
  started: string;
  ended: string | undefined;
  /** The turns of a group chat, in order. */
  turns: Call[];
  children: StepNode[];
}

/** Steps, each under the one that contains it; calls of a chat are marks on it rather than steps of their own. */
export function stepTree(view: ExecutionView): StepNode[] {
  const nodes = new Map<string, StepNode>();
  for (const step of Object.values(view.steps)) nodes.set(step.path, nodeOf(step, view));
  for (const call of Object.values(view.calls)) {
    if (call.role !== undefined) continue;
    const chat = call.turn === undefined ? undefined : nodes.get(parentPath(call.step));
    if (chat) chat.turns.push(call);
    else addCall(nodes, call, view);
  }
  const roots: StepNode[] = [];
  for (const node of nodes.values()) (ancestor(nodes, node.path)?.children ?? roots).push(node);
  return roots;
}

function nodeOf(step: Step, view: ExecutionView): StepNode {
  const stopped = step.state === "running" && view.ended !== undefined;
  return {
    path: step.path,
    name: nameOf(step.path),
    kind: step.kind,
    agent: undefined,
    state: stopped ? "stopped" : step.state,
    started: step.started,
    ended: step.ended ?? view.ended,
    turns: [],
    children: [],
  };
}

/** An agent's call names the agent of its step; a step that only its call told of gets its state from it. */
function addCall(nodes: Map<string, StepNode>, call: Call, view: ExecutionView): void {
  const known = nodes.get(call.step);
  if (known) {
    known.agent = call.agent;
    return;
  }
  const state = call.state === "waiting" ? "running" : call.state;
  const step: Step = { ...call, path: call.step, kind: "agent", state, reason: undefined };
  nodes.set(call.step, { ...nodeOf(step, view), agent: call.agent });
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

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
