/** What travels over the HTTP API and the live channels. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const STATUSES = ["running", "paused", "canceling", "completed", "failed", "canceled"] as const;
export type Status = (typeof STATUSES)[number];

/** Nothing more will happen in it: only a retry or a fork goes on. */
export function isEnded(status: Status | undefined): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

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
  /** Whose finished calls this one reuses: it is a retry of it, or with `fork` a fork. */
  retry_of: string | null;
  fork?: Fork | null;
  imported_from?: string | null;
  hold?: Hold | null;
  /** By agent, the prompt that was chosen for it by weight. */
  variants?: Record<string, string>;
  /** Set where it was started to evaluate something. */
  evaluation?: { kind: "evaluation" | "trial" } | null;
  started_by: string;
  created: string;
  ended: string | null;
}

/** What a fork takes over of the execution it was made from, and what it changes. */
export interface Fork {
  /** The step from which on nothing is taken over. */
  before: string | null;
  /** The offset in the other's log from which on nothing is. */
  until: number | null;
  /** The steps whose outputs were given. */
  outputs: string[];
  /** `input`, `workflow`, `agents/NAME`. */
  edited: string[];
  /** A replay: nothing was called, all was taken from the other's log. */
  offline?: boolean;
}

/** Why an execution is kept, whatever the retention policy says. */
export interface Hold {
  reason: string;
  by: string;
  since: string;
}

/** What a fork asks for: from where on nothing is taken over, and what is to be another. */
export interface ForkRequest {
  before?: string;
  input?: Json;
  outputs?: Record<string, Json>;
  agents?: Record<string, Json>;
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
  /** Set where it is a tool that is called, and not a model. */
  tool?: string;
  /** The call whose answer did not fit, where this one asks again. */
  repairs?: string;
  /** The call of a cascade's cheap model, where this one asks the stronger. */
  escalates?: string;
}

export interface CallDone extends CallData {
  model?: string;
  usage?: Usage;
  seconds?: number;
  finish_reason?: string;
  reused_from?: string | null;
  /** It was kept from an earlier request, and cost nothing. */
  cached?: boolean;
  /** The models that were to answer first, and did not. */
  passed_over?: { alias: string; code: string; message: string }[];
}

/** A budget that is used up, and how it stands. `path` is empty for the execution's own, `budget` the name of a tenant's. */
export interface Reached {
  path?: string;
  budget?: string;
  period?: string;
  /** `5 of 5 model calls`. */
  what: string;
  cap?: Amounts;
  spent?: Usage;
  /** By calls that are under way. */
  reserved?: Usage;
}

/** Caps, or what they are raised to; money as decimal text. */
export interface Amounts {
  cost_usd?: string | number;
  tokens?: number;
  model_calls?: number;
}

/** What is done about one tool call that an agent's answer asks for. */
export interface Asking {
  tool: string;
  /** Left out: `call`. */
  via?: "call" | "workflow" | "agent" | "page" | "refused";
  /** The workflow, or the agent. */
  target?: string;
  /** Why it is not made. */
  refused?: string;
}

/** One tool call as a model has written it. */
export interface AskedTool {
  name: string;
  arguments?: Json;
  complaint?: string;
}

/** Why a chat, a loop, a handoff or a join ended, and the words or numbers that show it. */
interface Stopped {
  stop_reason?: string;
  evidence?: Json;
}

export type Event =
  | EventOf<"execution.started", { workflow: string; version: number | null }>
  | EventOf<"execution.completed", { stop_reason: string; usage: Usage; turns: number }>
  | EventOf<"execution.failed", { error: Problem; usage?: Usage }>
  | EventOf<"execution.canceled", { usage?: Usage }>
  | EventOf<"execution.paused" | "execution.resumed" | "execution.cancel_requested", { by?: string }>
  | EventOf<"budget.reached", Reached>
  | EventOf<"budget.raised", { path?: string; by?: string; to: Record<string, string | number> }>
  | EventOf<"step.started", { kind: string }>
  | EventOf<"step.completed", Stopped & { output?: string; edited?: boolean }>
  | EventOf<"step.failed", { error: Problem }>
  | EventOf<"step.skipped" | "step.canceled", { reason: string }>
  | EventOf<"step.waiting", { for: string; until?: string | null; event?: string | null; approval?: string | null }>
  | EventOf<"step.evaluated", { source: string }>
  | EventOf<"call.started", CallData & { model?: string; arguments?: string }>
  | EventOf<"call.completed", CallDone>
  | EventOf<"call.asked", CallDone & { asks?: Asking[] }>
  | EventOf<"call.rejected", CallDone & { error: Problem }>
  | EventOf<"call.failed", CallData & { error: Problem; retry_in?: number | null; discard?: number; spent?: Usage }>
  | EventOf<"chat.speaker_chosen", { turn: number; by: string; reason: string }>
  | EventOf<"chat.judged", { settled: boolean; reason: string }>
  | EventOf<"chat.summarised", { covers?: [number, number] }>
  | EventOf<"chat.ended", { stop_reason: string; turns: number; evidence: Json }>
  | EventOf<"handoff.passed", { to: string; reason: string }>
  | EventOf<"loop.round", { round: number }>
  | EventOf<"approval.requested", Question>
  | EventOf<"approval.escalated", { approval: string; roles?: string[] }>
  | EventOf<"approval.decided", Answer>
  | EventOf<"signal.received", { name: string; by?: string | null }>;

interface Question {
  approval: string;
  kind?: Approval["kind"];
  /** The human whose turn it is, in a chat. */
  speaker?: string;
  roles: string[];
  deadline?: string | null;
  options: string[];
  otherwise?: string | null;
}

/** `comment` may be the beginning alone; the event's value has it whole where it is of weight. */
interface Answer {
  approval: string;
  decision: string;
  by?: string | null;
  how: string;
  comment?: string;
}

/** A question to a human. `decision` is one of `options`; the words of a turn are in `comment`. */
export interface Approval {
  id: string;
  execution: string;
  workflow: string;
  step: string;
  kind: "approval" | "failure" | "turn" | "tool" | "uncertain";
  ask: string;
  show: Json;
  options: string[];
  roles: string[];
  escalated: boolean;
  created: string;
  deadline: string | null;
  /** What counts when nobody has decided by the deadline. */
  otherwise: string | null;
  state: "pending" | "decided" | "expired" | "withdrawn";
  decision: string | null;
  comment: string;
  by: string | null;
  decided: string | null;
}

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
  tool?: string;
  workflow?: string;
  map?: { over: string; step: WorkflowStep };
  group_chat?: { participants: (string | { human: string })[]; speaker?: string | { agent: string } };
  handoff?: { start: string; may_pass: Record<string, string[]> };
  loop?: { steps: WorkflowStep[]; most: number };
  switch?: { cases: { when: string; step: WorkflowStep }[]; otherwise?: WorkflowStep };
  approval?: { ask: string };
  wait?: object;
}

/** The part of an agent's definition this page reads; the rest is kept as it is. */
export interface Agent {
  name: string;
  instructions: string;
  [key: string]: Json;
}

/** The part of a plan this page reads: the agents as an execution has pinned them, by the references to them. */
export interface Plan {
  agents: Record<string, Agent>;
  agent_versions: Record<string, number>;
}

/** Two executions beside each other, their steps aligned by path. */
export interface Diff {
  left: Side;
  right: Side;
  input: Changes;
  output: Changes;
  definitions: Changes;
  /** The first steps that differ: in what they were given, a cause; in what they gave, an effect. */
  first: { request: string | null; output: string | null };
  counts: Record<Alignment, number>;
  rows: DiffRow[];
  /** Rows that are not shown. */
  left_out: number;
}

export interface Side {
  id: string;
  workflow: string;
  workflow_version: number | null;
  status: Status;
  stop_reason: string | null;
  error: string | null;
  usage: Usage;
  seconds: number;
}

export type Alignment = "same" | "changed" | "only_left" | "only_right";

export interface DiffRow {
  path: string;
  alignment: Alignment;
  /** In what the two differ: `definition`, `request`, `speaker`, `output`, `status`, `stop_reason`. */
  differs: string[];
  first: ("request" | "output")[];
  left: StepSummary | null;
  right: StepSummary | null;
}

/** How one step went. What steps inside it did is counted with them. */
export interface StepSummary {
  kind: string;
  status: string;
  agent: string | null;
  /** The beginning of the output, or why it failed. */
  preview: string;
  artifact: string | null;
  attempts: number;
  reused: number;
  usage: Usage;
  seconds: number | null;
  stop_reason: string | null;
  error: string | null;
  /** It was not run: a fork gave its output. */
  edited?: boolean;
}

/** The first differences between two JSON values, and how many more there are. */
export interface Changes {
  items: Change[];
  left_out: number;
}

export interface Change {
  pointer: string;
  kind: "added" | "removed" | "changed";
  left: Json;
  right: Json;
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
