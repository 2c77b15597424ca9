/**
 * The view of an execution as a pure function of its log: the same for a live execution, a finished one and a test.
 * Deltas only ever add to `writing`; whatever the log says wins over them.
 */
import type { CallData, Delta, Event, Usage } from "../api/types";
import { type Call, type Entry, EMPTY_VIEW, type ExecutionView, type Step, type Writing } from "./view";

type Draft = { -readonly [Key in keyof ExecutionView]: Mutable<ExecutionView[Key]> };
type Mutable<Value> = Value extends readonly (infer Item)[]
  ? Item[]
  : Value extends Readonly<Record<string, infer Item>>
    ? Record<string, Item>
    : Value;

type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

/**
 * Takes in events in the order of their offsets. One that was taken in before changes nothing; one that leaves a gap
 * is an error of the caller, who must fill gaps first.
 */
export function applyEvents(view: ExecutionView, events: readonly Event[]): ExecutionView {
  const fresh = events.filter((event) => event.offset > view.offset);
  if (fresh.length === 0) return view;
  const draft: Draft = {
    ...view,
    events: [...view.events],
    entries: [...view.entries],
    calls: { ...view.calls },
    writing: { ...view.writing },
    steps: { ...view.steps },
    choices: { ...view.choices },
    chats: { ...view.chats },
  };
  for (const event of fresh) {
    if (event.offset <= draft.offset) continue;
    if (event.offset !== draft.offset + 1) throw new RangeError(`event ${event.offset} follows ${draft.offset}`);
    draft.offset = event.offset;
    draft.events.push(event);
    apply(draft, event);
  }
  return draft;
}

/** Takes in a piece of an answer; a piece that is late, repeated, or of an attempt that is over changes nothing. */
export function applyDelta(view: ExecutionView, delta: Delta): ExecutionView {
  const call = view.calls[delta.call];
  const known = view.writing[delta.call];
  const over = call !== undefined && call.state !== "running" && delta.attempt <= call.attempt;
  const superseded = delta.attempt < Math.max(call?.attempt ?? 0, known?.attempt ?? 0);
  if (view.ended !== undefined || over || superseded) return view;
  const before = known?.attempt === delta.attempt ? known : { text: "", next: 0 };
  const characters = Array.from(delta.text);
  const next = delta.position + characters.length;
  if (next <= before.next) return view;
  // We joined in the middle, or a piece was lost: show that something is missing until the log has the whole answer.
  const gap = delta.position > before.next ? "…" : "";
  const rest = characters.slice(Math.max(0, before.next - delta.position)).join("");
  const writing: Writing = {
    attempt: delta.attempt,
    agent: delta.agent ?? "",
    step: delta.step,
    text: before.text + gap + rest,
    next,
  };
  return { ...view, writing: { ...view.writing, [delta.call]: writing } };
}

/** The view of a whole log. */
export function viewOf(events: readonly Event[]): ExecutionView {
  return applyEvents(EMPTY_VIEW, events);
}

function apply(draft: Draft, event: Event): void {
  switch (event.type) {
    case "execution.started":
      draft.status = "running";
      draft.started = event.time;
      draft.workflow = event.data.workflow;
      draft.version = event.data.version;
      draft.input = event.value;
      draft.inputArtifact = event.artifact;
      return;
    case "execution.completed":
      end(draft, "completed", event.time, event.data.usage);
      draft.stopReason = event.data.stop_reason;
      draft.turns = event.data.turns;
      draft.output = event.value;
      draft.outputArtifact = event.artifact;
      return;
    case "execution.failed":
      end(draft, "failed", event.time, event.data.usage);
      draft.error = event.data.error;
      return;
    case "execution.canceled":
      end(draft, "canceled", event.time);
      return;
    case "step.started":
    case "step.completed":
    case "step.failed":
    case "step.skipped":
      applyStep(draft, event);
      return;
    case "call.started":
      startCall(draft, event);
      return;
    case "call.completed":
      completeCall(draft, event);
      return;
    case "call.failed":
      failCall(draft, event);
      return;
    case "chat.speaker_chosen":
      draft.choices[event.step ?? ""] = { by: event.data.by, reason: event.data.reason };
      return;
    case "chat.ended":
      draft.chats[event.step ?? ""] = {
        stopReason: event.data.stop_reason,
        turns: event.data.turns,
        evidence: event.data.evidence ?? undefined,
      };
      draft.entries.push({ kind: "chat-ended", step: event.step ?? "" });
  }
}

function end(draft: Draft, status: "completed" | "failed" | "canceled", time: string, usage?: Usage): void {
  draft.status = status;
  draft.ended = time;
  draft.usage = usage ?? draft.usage;
  draft.writing = {};
}

function applyStep(
  draft: Draft,
  event: EventOf<"step.started" | "step.completed" | "step.failed" | "step.skipped">,
): void {
  const path = event.step ?? "";
  const known = draft.steps[path];
  const step: Step = {
    path,
    kind: known?.kind,
    state: "running",
    started: known?.started ?? event.time,
    ended: event.type === "step.started" ? undefined : event.time,
    reason: undefined,
    error: undefined,
  };
  if (event.type === "step.started") step.kind = event.data.kind;
  if (event.type === "step.completed") step.state = "completed";
  if (event.type === "step.skipped") Object.assign(step, { state: "skipped", reason: event.data.reason });
  if (event.type === "step.failed") Object.assign(step, { state: "failed", error: event.data.error });
  draft.steps[path] = step;
  if (event.type === "step.failed") draft.entries.push({ kind: "step-failed", step: path });
  if (event.type === "step.skipped") draft.entries.push({ kind: "step-skipped", step: path });
}

/** The call of the event, entered in the transcript at its first sign of life; a later attempt keeps its place. */
function callOf(draft: Draft, event: { step: string | null; agent: string | null; time: string; data: CallData }): Call {
  const { call: key, attempt, role, turn } = event.data;
  const known = draft.calls[key];
  if (known === undefined) draft.entries.push({ kind: "call", key } satisfies Entry);
  return {
    key,
    step: event.step ?? "",
    agent: event.agent ?? "",
    role,
    turn,
    attempt,
    state: "running",
    model: known?.model,
    started: known?.started ?? event.time,
    ended: undefined,
    value: null,
    artifact: null,
    usage: undefined,
    seconds: undefined,
    finishReason: undefined,
    reusedFrom: undefined,
    error: undefined,
    retryAt: undefined,
  };
}

function startCall(draft: Draft, event: EventOf<"call.started">): void {
  const { call: key, attempt, model } = event.data;
  draft.calls[key] = { ...callOf(draft, event), model };
  // The attempt before was interrupted: what it had written will never be finished.
  if ((draft.writing[key]?.attempt ?? attempt) < attempt) stopWriting(draft, key);
}

function completeCall(draft: Draft, event: EventOf<"call.completed">): void {
  const { data } = event;
  draft.calls[data.call] = {
    ...callOf(draft, event),
    state: "completed",
    model: data.model,
    ended: event.time,
    value: event.value,
    artifact: event.artifact,
    usage: data.usage,
    seconds: data.seconds,
    finishReason: data.finish_reason,
    reusedFrom: data.reused_from ?? undefined,
  };
  stopWriting(draft, data.call);
  if (data.role === undefined) draft.turns += 1;
  draft.usage = sum(draft.usage, data.usage);
}

function failCall(draft: Draft, event: EventOf<"call.failed">): void {
  const { call: key, error, retry_in: wait } = event.data;
  const waits = wait !== undefined && wait !== null;
  draft.calls[key] = {
    ...callOf(draft, event),
    state: waits ? "waiting" : "failed",
    ended: waits ? undefined : event.time,
    error,
    retryAt: waits ? new Date(Date.parse(event.time) + wait * 1000).toISOString() : undefined,
  };
  stopWriting(draft, key);
}

function stopWriting(draft: Draft, key: string): void {
  draft.writing = Object.fromEntries(Object.entries(draft.writing).filter(([other]) => other !== key));
}

/** Cents do not need Decimal here: the record of the ended execution carries the exact sum. */
function sum(left: Usage, right: Usage): Usage {
  const known = left.cost_usd !== null && right.cost_usd !== null;
  return {
    model_calls: left.model_calls + right.model_calls,
    tokens_in: left.tokens_in + right.tokens_in,
    tokens_out: left.tokens_out + right.tokens_out,
    cost_usd: known ? String(Number(left.cost_usd) + Number(right.cost_usd)) : null,
  };
}
