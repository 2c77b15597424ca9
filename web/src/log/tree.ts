/** The steps of an execution as a tree, made from what the log has told so far. */
import { around, isTurn, nameOf, parentPath } from "./paths";
import { newStep } from "./steps";
import type { Call, ExecutionView, Step, ToolAsk, Wait } from "./view";

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
  const asks = new Map(calls.flatMap((call) => call.asks.map((ask) => [ask.path, ask])));
  for (const call of calls) {
    if ((call.role !== undefined && call.role !== "tool") || repaired.has(call.key)) continue;
    const chat = isTurn(call.step) && call.tool === undefined ? nodes.get(parentPath(call.step)) : undefined;
    if (chat) addTurn(chat, call);
    else addCall(nodes, call, view);
  }
  addHumans(nodes, view);
  addRounds(nodes);
  addTools(nodes, asks);
  const roots: StepNode[] = [];
  const callers = new Set<StepNode>();
  for (const node of nodes.values()) {
    const above = ancestor(nodes, node.path);
    (above?.children ?? roots).push(node);
    if (above && asks.has(node.path)) callers.add(above);
  }
  for (const { children } of callers) children.sort((left, right) => placeOf(left) - placeOf(right));
  for (const node of [...nodes.values()].reverse()) {
    if (node.kind === "round" || isRun(node, asks)) summarise(node);
  }
  return roots;
}

/** The place of a tool call among those of its turn; 0 for what is none. */
function placeOf({ path }: StepNode): number {
  return Number(/\/tool\[(\d+)\]$/.exec(path)?.[1] ?? 0);
}

/** A workflow that an agent runs as a tool; its steps tell how it stands. */
function isRun({ path, state, children }: StepNode, asks: ReadonlyMap<string, ToolAsk>): boolean {
  return asks.get(path)?.via === "workflow" && state === "running" && children.length > 0;
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

/** An agent's call names the agent of its step; a step that only its calls told of gets its state from the last. */
function addCall(nodes: Map<string, StepNode>, call: Call, view: Told): void {
  const known = nodes.get(call.step);
  const isStep = view.steps[call.step]?.kind !== undefined;
  if (known) {
    if (call.tool === undefined) known.agent = call.agent;
    else if (known.kind === "tool") known.tool = call.tool;
    if (isStep || known.state === "waiting") return;
  }
  const kind = call.tool === undefined ? "agent" : "tool";
  const started = known?.started ?? call.started;
  const node = nodeOf({ ...newStep(call.step, started), kind, state: stateOf(call), ended: call.ended }, view);
  // An answer that asks for tools is not the end.
  if (call.state === "asked") node.ended = view.ended;
  nodes.set(call.step, { ...node, agent: call.tool === undefined ? call.agent : undefined, tool: call.tool });
}

function stateOf({ state }: Call): Step["state"] {
  if (state === "waiting" || state === "asked") return "running";
  return state === "rejected" ? "failed" : state;
}

/** A turn is one, however often its agent calls tools in between. */
function addTurn(chat: StepNode, { key, step, agent, state }: Call): void {
  const turn = turnOf(key, step, agent, state === "asked" ? "running" : state);
  const known = chat.turns.find(({ number }) => number === turn.number);
  if (known) known.state = turn.state;
  else chat.turns.push(turn);
}

function turnOf(key: string, path: string, who: string, state: Turn["state"], isHuman = false): Turn {
  return { key, isHuman, who, state, number: Number(/\[(\d+)\]$/.exec(path)?.[1]) };
}

/** What agents call, by the name they know it by; what is behind it stands below it. */
function addTools(nodes: Map<string, StepNode>, asks: ReadonlyMap<string, ToolAsk>): void {
  for (const { path, started } of [...nodes.values()]) {
    for (const tool of path.includes("/tool[") ? around(path) : []) {
      if (asks.has(tool) && !nodes.has(tool)) nodes.set(tool, nodeOf(newStep(tool, started), { ended: undefined }));
    }
  }
  for (const [path, { name, via }] of asks) {
    const node = nodes.get(path);
    if (node) Object.assign(node, { name, kind: "tool", tool: via === "workflow" ? "workflow" : "tool" });
  }
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
    for (const round of path.includes("round[") ? around(path) : []) {
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
