/** What travels over the HTTP API and the live channels. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const STATUSES = ["running", "completed", "failed", "canceled"] as const;
export type Status = (typeof STATUSES)[number];

export interface Usage {
  model_calls: number;
  tokens_in: number;
  tokens_out: number;
  /** Decimal as text; null when a price is not known. */
  cost_usd: string | null;
}

/** One failure as it is stored in a record or an event: what, and what to do. */
export interface Problem {
  code: string;
  message: string;
  action: string;
  fault: string;
  details?: FieldError[];
}

/** One bad field: an RFC 6901 pointer into what was sent, and what to write instead. */
export interface FieldError {
  pointer: string;
  message: string;
}

export interface Execution {
  id: string;
  workflow: string;
  workflow_version: number | null;
  status: Status;
  input?: Json;
  output?: Json;
  error: Problem | null;
  stop_reason: string | null;
  usage: Usage;
  turns: number;
  retry_of: string | null;
  started_by: string;
  created: string;
  ended: string | null;
}

interface EventOf<Type extends string, Data> {
  offset: number;
  type: Type;
  id: string;
  time: string;
  step: string | null;
  agent: string | null;
  data: Data;
  value: Json;
  artifact: string | null;
}

export interface CallData {
  call: string;
  attempt: number;
  turn?: number;
  role?: string;
}

export interface CallDone extends CallData {
  model: string;
  usage: Usage;
  seconds: number;
  finish_reason: string;
  reused_from?: string | null;
}

export type Event =
  | EventOf<"execution.started", { workflow: string; version: number | null }>
  | EventOf<"execution.completed", { stop_reason: string; usage: Usage; turns: number }>
  | EventOf<"execution.failed", { error: Problem; usage?: Usage }>
  | EventOf<"execution.canceled", object>
  | EventOf<"step.started", { kind: string }>
  | EventOf<"step.completed", { output?: string }>
  | EventOf<"step.failed", { error: Problem }>
  | EventOf<"step.skipped", { reason: string }>
  | EventOf<"step.evaluated", { source: string }>
  | EventOf<"call.started", CallData & { model: string }>
  | EventOf<"call.completed", CallDone>
  | EventOf<"call.failed", CallData & { error: Problem; retry_in?: number | null }>
  | EventOf<"chat.speaker_chosen", { turn: number; by: string; reason: string }>
  | EventOf<"chat.ended", { stop_reason: string; turns: number; evidence: string | null }>;

/** A piece of an answer being written. `position` counts the characters (code points) before it. */
export interface Delta {
  step: string;
  agent: string | null;
  call: string;
  attempt: number;
  position: number;
  text: string;
}

export interface EventPage {
  events: Event[];
  next: number;
  ended: boolean;
}

export interface Page<Item> {
  items: Item[];
  continuation: string | null;
}

export interface DefinitionItem {
  name: string;
  version: number;
  description: string;
  updated: string;
}

/** The part of a workflow definition this page reads. */
export interface Workflow {
  name: string;
  description?: string;
  input?: JsonSchema;
  steps: WorkflowStep[];
}

export interface WorkflowStep {
  id: string;
  agent?: string;
  sequential?: WorkflowStep[];
  concurrent?: { branches: WorkflowStep[] } | WorkflowStep[];
  map?: { over: string; step: WorkflowStep };
  group_chat?: { participants: string[]; speaker?: string | { agent: string } };
}

export interface Stored<Definition> {
  version: number;
  updated: string;
  definition: Definition;
}

/** The keywords of JSON Schema that the form understands; others pass through to the server's check. */
export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: Json[];
  default?: Json;
  examples?: Json[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

export interface Me {
  tenant: string;
  principal: string;
  roles: string[];
}

export interface ConnectionInfo {
  url: string;
  accessToken: string;
}
