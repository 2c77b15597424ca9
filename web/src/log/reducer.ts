/**
 * The view of an execution as a pure function of its log: the same for a live execution, a finished one and a test.
 * Deltas only ever add to `writing`; whatever the log says wins over them.
 */
import type { Delta, Event, Status, Usage } from "../api/types";
import { ask, decide, escalate } from "./approvals";
import { askTools, completeCall, failCall, rejectCall, startCall } from "./calls";
import { type Draft, draftOf, enter, type EventOf, markChanged } from "./draft";
import { applyStep, give, resumeAll, startRound } from "./steps";
import { EMPTY_VIEW, type ExecutionView, type Writing } from "./view";

/**
 * Takes in events in the order of their offsets. One that was taken in before changes nothing; one that leaves a gap
 * is an error of the caller, who must fill gaps first.
 */
export function applyEvents(view: ExecutionView, events: readonly Event[]): ExecutionView {
  const fresh = events.filter((event) => event.offset > view.offset);
  if (fresh.length === 0) return view;
  const draft = draftOf(view);
  for (const event of fresh) {
    if (event.offset <= draft.offset) continue;
    if (event.offset !== draft.offset + 1) throw new RangeError(`event ${event.offset} follows ${draft.offset}`);
    draft.offset = event.offset;
    draft.events.push(event);
    apply(draft, event);
    markChanged(draft.toolTurns, event.step);
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
  return {
    ...view,
    writing: { ...view.writing, [delta.call]: writing },
    toolTurns: markChanged({ ...view.toolTurns }, delta.step),
  };
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
      end(draft, "canceled", event.time, event.data.usage);
      return;
    case "execution.paused":
    case "execution.resumed":
    case "execution.cancel_requested":
      request(draft, event);
      return;
    case "step.started":
    case "step.completed":
    case "step.failed":
    case "step.skipped":
    case "step.canceled":
    case "step.waiting":
      applyStep(draft, event);
      return;
    case "step.evaluated":
      give(draft, event);
      return;
    case "loop.round":
      startRound(draft, event);
      return;
    case "call.started":
      startCall(draft, event);
      return;
    case "call.completed":
      completeCall(draft, event);
      return;
    case "call.asked":
      askTools(draft, event);
      return;
    case "call.rejected":
      rejectCall(draft, event);
      return;
    case "call.failed":
      failCall(draft, event);
      return;
    case "chat.speaker_chosen":
      draft.choices[event.step ?? ""] = { by: event.data.by, reason: event.data.reason };
      return;
    case "chat.ended":
      endChat(draft, event);
      return;
    case "approval.requested":
      ask(draft, event);
      return;
    case "approval.escalated":
      escalate(draft, event);
      return;
    case "approval.decided":
      decide(draft, event);
      return;
    case "budget.reached":
      draft.reached = event.data;
      // It concerns all of the execution, wherever it was met.
      draft.entries.push({ kind: "note", event });
      return;
    case "chat.judged":
    case "chat.summarised":
    case "handoff.passed":
    case "signal.received":
    case "budget.raised":
      enter(draft, event.step ?? "", { kind: "note", event });
  }
}

const REQUESTED = {
  "execution.paused": "paused",
  "execution.resumed": "resumed",
  "execution.cancel_requested": "cancel_requested",
} as const;
const STATUS_AFTER = { paused: "paused", resumed: "running", cancel_requested: "canceling" } as const;

function request(draft: Draft, event: EventOf<keyof typeof REQUESTED>): void {
  if (draft.ended !== undefined) return;
  const type = REQUESTED[event.type];
  draft.request = { type, by: event.data.by, time: event.time };
  draft.status = STATUS_AFTER[type];
  draft.entries.push({ kind: "note", event });
  if (type === "resumed") {
    draft.reached = undefined;
    resumeAll(draft);
  }
}

function endChat(draft: Draft, { step, data }: EventOf<"chat.ended">): void {
  const path = step ?? "";
  draft.chats[path] = { stopReason: data.stop_reason, turns: data.turns, evidence: data.evidence ?? null };
  enter(draft, path, { kind: "chat-ended", step: path });
}

function end(draft: Draft, status: Status, time: string, usage?: Usage): void {
  draft.status = status;
  draft.ended = time;
  draft.usage = usage ?? draft.usage;
  draft.writing = {};
}
