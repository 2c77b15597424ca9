import type { Approval, Asking, Event, Json, Problem, Reached, Status, Usage } from "../api/types";

/** One call, of a model or of a tool: running (perhaps writing), waiting for its next attempt, or over. */
export interface Call {
  key: string;
  step: string;
  agent: string;
  /** "chair" for a choice of the next speaker, "judge", …; undefined for a turn. */
  role: string | undefined;
  /** The tool that is called, where it is no model. */
  tool: string | undefined;
  turn: number | undefined;
  attempt: number;
  /** `rejected`: it was answered, but the answer did not fit its schema. `asked`: the answer asks for tools. */
  state: "running" | "waiting" | "completed" | "rejected" | "asked" | "failed";
  model: string | undefined;
  started: string;
  ended: string | undefined;
  /** What it was called with, as far as the log says. */
  asked: Json;
  value: Json;
  artifact: string | null;
  /** The tools that its answer asks for; the answer's words are its `value`. */
  asks: readonly ToolAsk[];
  /** The call whose answer did not fit, where this one asks again. */
  repairs: string | undefined;
  /** The call of a cheaper model, where this one asks the stronger. */
  escalates: string | undefined;
  usage: Usage | undefined;
  seconds: number | undefined;
  finishReason: string | undefined;
  reusedFrom: string | undefined;
  /** It was kept from an earlier request, and cost nothing. */
  cached: boolean;
  /** Who was to answer first, and why it did not. */
  passedOver: readonly { alias: string; message: string }[];
  error: Problem | undefined;
  /** When the next attempt is due, while waiting. */
  retryAt: string | undefined;
}

/** One tool call that an agent asks for. */
export interface ToolAsk {
  /** Where it, and all that is done for it, stands in the log. */
  path: string;
  name: string;
  via: NonNullable<Asking["via"]>;
  /** The workflow or the agent that is behind it. */
  target: string | undefined;
  /** Null where the answer is too large for the log, or they are no JSON object. */
  arguments: Json;
  /** Why it is not called. */
  refused: string | undefined;
}

/** A turn in which an agent calls tools: its calls at the same step, and all that happens below it. */
export interface ToolTurn {
  /** The call that began it. */
  head: string;
  /** How many tool calls it has asked for. */
  asked: number;
  /** Goes up whenever something in it changes. */
  changes: number;
}

/** What a search of the library has found, to be cited by its mark `cite`, `[refunds.md#3]`. */
export interface Passage {
  cite: string;
  collection: string;
  document: string;
  title: string;
  page: number | undefined;
  text: string;
}

/** By their marks; not all, where a tool's result is too large for the log. */
export interface Found {
  passages: Readonly<Record<string, Passage>>;
  isWhole: boolean;
}

/** What is known of an answer being written. `next`: the position, in code points, where the next piece belongs. */
export interface Writing {
  attempt: number;
  agent: string;
  step: string;
  text: string;
  next: number;
}

export interface Step {
  path: string;
  kind: string | undefined;
  state: "running" | "waiting" | "completed" | "failed" | "skipped" | "canceled";
  started: string;
  ended: string | undefined;
  /** Why it was skipped or canceled. */
  reason: string | undefined;
  error: Problem | undefined;
  /** What it waits for, while it does. */
  wait: Wait | undefined;
  /** The round a loop is in. */
  round: number | undefined;
  /** Why a loop, a handoff or a join ended, and what shows it. */
  end: StepEnd | undefined;
  /** It was not run: the fork gives its output. */
  given: boolean;
  /** What the log says it gave; its calls, if it has any, say it better. */
  output: Json;
  outputArtifact: string | null;
}

export interface Wait {
  for: string;
  until: string | undefined;
  event: string | undefined;
  since: string;
}

/** A payload of the log: itself, or where it is. */
export interface Recorded {
  value: Json;
  artifact: string | null;
}

export interface StepEnd {
  stopReason: string;
  evidence: Json;
}

/** A question to a human, as the log tells of it. */
export interface Asked {
  id: string;
  step: string;
  kind: Approval["kind"];
  /** The human whose turn it is, in a chat. */
  speaker: string | undefined;
  /** `{ask, show}`, or where that is. */
  value: Json;
  artifact: string | null;
  options: readonly string[];
  roles: readonly string[];
  escalated: boolean;
  created: string;
  deadline: string | undefined;
  otherwise: string | undefined;
  decision: Decided | undefined;
}

export interface Decided {
  decision: string;
  comment: string;
  by: string | undefined;
  /** Nobody did by the deadline. */
  late: boolean;
  time: string;
}

/** Who asked last that the execution pause, go on or be canceled. */
export interface Request {
  type: "paused" | "resumed" | "cancel_requested";
  by: string | undefined;
  time: string;
}

/** Why this agent got the floor. */
export interface Choice {
  by: string;
  reason: string;
}

export interface ChatEnd {
  stopReason: string;
  turns: number;
  evidence: Json;
}

/** One thing in the transcript, in the order of the log; `within` is the step of the tool-calling turn it belongs to. */
export type Entry = { within?: string | undefined } & Told;

type Told =
  | { kind: "call"; key: string }
  | { kind: "chat-ended"; step: string }
  | { kind: "step-failed"; step: string; error: Problem }
  | { kind: "step-skipped"; step: string }
  | { kind: "step-canceled"; step: string }
  | { kind: "step-ended"; step: string }
  | { kind: "step-given"; step: string }
  | { kind: "wait"; step: string }
  | { kind: "approval"; key: string; step: string }
  /** What is told in one line, once and for all: the event says it itself. */
  | { kind: "note"; event: NoteEvent };

export type NoteEvent = Extract<
  Event,
  {
    type:
      | "handoff.passed"
      | "loop.round"
      | "chat.judged"
      | "chat.summarised"
      | "signal.received"
      | "budget.reached"
      | "budget.raised"
      | "execution.paused"
      | "execution.resumed"
      | "execution.cancel_requested";
  }
>;

/** Everything the page shows of one execution: a pure function of its log, and of the pieces being written. */
export interface ExecutionView {
  /** Offset of the last event taken in. */
  offset: number;
  events: readonly Event[];
  status: Status | undefined;
  workflow: string | undefined;
  version: number | null;
  input: Json;
  inputArtifact: string | null;
  output: Json;
  outputArtifact: string | null;
  error: Problem | undefined;
  stopReason: string | undefined;
  started: string | undefined;
  ended: string | undefined;
  usage: Usage;
  turns: number;
  request: Request | undefined;
  /** The budget that keeps it from going on. */
  reached: Reached | undefined;
  entries: readonly Entry[];
  calls: Readonly<Record<string, Call>>;
  /** By call key. */
  writing: Readonly<Record<string, Writing>>;
  /** By the step path of the turn. */
  toolTurns: Readonly<Record<string, ToolTurn>>;
  /** By step path, in the order they started. */
  steps: Readonly<Record<string, Step>>;
  /** By the turn's step path. */
  choices: Readonly<Record<string, Choice>>;
  /** By the chat's step path. */
  chats: Readonly<Record<string, ChatEnd>>;
  /** What a fork gives instead of running them, by step path. */
  given: Readonly<Record<string, Recorded>>;
  /** Another object only where there is something new. */
  found: Found;
  /** By approval id, in the order they were asked. */
  approvals: Readonly<Record<string, Asked>>;
}

export const EMPTY_VIEW: ExecutionView = {
  offset: 0,
  events: [],
  status: undefined,
  workflow: undefined,
  version: null,
  input: null,
  inputArtifact: null,
  output: null,
  outputArtifact: null,
  error: undefined,
  stopReason: undefined,
  started: undefined,
  ended: undefined,
  usage: { model_calls: 0, tokens_in: 0, tokens_out: 0, cost_usd: "0" },
  turns: 0,
  request: undefined,
  reached: undefined,
  entries: [],
  calls: {},
  writing: {},
  toolTurns: {},
  steps: {},
  choices: {},
  chats: {},
  given: {},
  found: { passages: {}, isWhole: true },
  approvals: {},
};
