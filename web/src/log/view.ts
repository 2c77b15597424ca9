import type { Event, Json, Problem, Status, Usage } from "../api/types";

/** One model call: running (perhaps writing), waiting for its next attempt, or over. */
export interface Call {
  key: string;
  step: string;
  agent: string;
  /** "chair" for a choice of the next speaker; undefined for a turn. */
  role: string | undefined;
  turn: number | undefined;
  attempt: number;
  state: "running" | "waiting" | "completed" | "failed";
  model: string | undefined;
  started: string;
  ended: string | undefined;
  value: Json;
  artifact: string | null;
  usage: Usage | undefined;
  seconds: number | undefined;
  finishReason: string | undefined;
  reusedFrom: string | undefined;
  error: Problem | undefined;
  /** When the next attempt is due, while waiting. */
  retryAt: string | undefined;
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
  state: "running" | "completed" | "failed" | "skipped";
  started: string;
  ended: string | undefined;
  reason: string | undefined;
  error: Problem | undefined;
}

/** Why this agent got the floor. */
export interface Choice {
  by: string;
  reason: string;
}

export interface ChatEnd {
  stopReason: string;
  turns: number;
  evidence: string | undefined;
}

/** One thing in the transcript, in the order of the log. */
export type Entry =
  | { kind: "call"; key: string }
  | { kind: "chat-ended"; step: string }
  | { kind: "step-failed"; step: string }
  | { kind: "step-skipped"; step: string };

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
  entries: readonly Entry[];
  calls: Readonly<Record<string, Call>>;
  /** By call key. */
  writing: Readonly<Record<string, Writing>>;
  /** By step path, in the order they started. */
  steps: Readonly<Record<string, Step>>;
  /** By the turn's step path. */
  choices: Readonly<Record<string, Choice>>;
  /** By the chat's step path. */
  chats: Readonly<Record<string, ChatEnd>>;
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
  entries: [],
  calls: {},
  writing: {},
  steps: {},
  choices: {},
  chats: {},
};
