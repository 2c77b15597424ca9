/** What the log tells of calls, of models and of tools. */
import type { AskedTool, CallData, Json, Usage } from "../api/types";
import { type Draft, enter, type EventOf } from "./draft";
import { passagesIn } from "./passages";
import { goOn } from "./steps";
import type { Call, ToolAsk } from "./view";

/** The call of the event, entered in the transcript at its first sign of life; a later attempt keeps its place. */
function callOf(draft: Draft, event: { step: string | null; agent: string | null; time: string; data: CallData }): Call {
  const { call: key, attempt, role, turn, tool, repairs, escalates } = event.data;
  const known = draft.calls[key];
  const step = event.step ?? "";
  if (known === undefined) {
    // What an agent says after its tools have answered belongs to the turn that asked for them.
    if (step in draft.toolTurns) draft.entries.push({ kind: "call", key, within: step });
    else enter(draft, step, { kind: "call", key });
  }
  goOn(draft, event.step);
  return {
    key,
    step,
    agent: event.agent ?? "",
    role,
    tool,
    turn,
    attempt,
    state: "running",
    model: known?.model,
    started: known?.started ?? event.time,
    ended: undefined,
    asked: known?.asked ?? null,
    value: null,
    artifact: null,
    asks: [],
    repairs,
    escalates,
    usage: undefined,
    seconds: undefined,
    finishReason: undefined,
    reusedFrom: undefined,
    cached: false,
    passedOver: [],
    error: undefined,
    retryAt: undefined,
  };
}

export function startCall(draft: Draft, event: EventOf<"call.started">): void {
  const { call: key, attempt, model, arguments: asked = null } = event.data;
  draft.calls[key] = { ...callOf(draft, event), model, asked };
  // The attempt before was interrupted: what it had written will never be finished.
  if ((draft.writing[key]?.attempt ?? attempt) < attempt) stopWriting(draft, key);
}

export function completeCall(draft: Draft, event: EventOf<"call.completed">): void {
  const { data } = event;
  draft.calls[data.call] = { ...answeredCall(draft, event), state: "completed" };
  if (data.tool !== undefined) {
    const found = passagesIn(event.value).map((passage) => [passage.cite, passage] as const);
    const { passages, isWhole } = draft.found;
    // Another object only where there is something new: answers are looked at for marks again.
    if (found.length > 0 || (isWhole && event.artifact !== null)) {
      draft.found = { passages: { ...passages, ...Object.fromEntries(found) }, isWhole: isWhole && event.artifact === null };
    }
  }
  if (data.role === undefined && data.tool === undefined) draft.turns += 1;
}

/** An answer that was paid for and did not fit. If it is asked once more, that is another call. */
export function rejectCall(draft: Draft, event: EventOf<"call.rejected">): void {
  draft.calls[event.data.call] = { ...answeredCall(draft, event), state: "rejected", error: event.data.error };
}

/** An answer that asks for tools: from now on all that belongs to its turn is told in one place. */
export function askTools(draft: Draft, event: EventOf<"call.asked">): void {
  const call = answeredCall(draft, event);
  const turn = draft.toolTurns[call.step] ?? { head: call.key, asked: 0, changes: 0 };
  const { text, tool_calls: written } = answerIn(event.value);
  const asks = (event.data.asks ?? []).map((asking, place): ToolAsk => ({
    path: `${call.step}/tool[${turn.asked + place}]`,
    name: written[place]?.name ?? asking.tool,
    via: asking.via ?? "call",
    target: asking.target,
    arguments: written[place]?.arguments ?? null,
    refused: asking.refused,
  }));
  draft.calls[call.key] = { ...call, state: "asked", value: text, asks };
  draft.toolTurns[call.step] = { ...turn, asked: turn.asked + asks.length };
}

function answerIn(value: Json): { text: string | null; tool_calls: AskedTool[] } {
  const { text, tool_calls: calls } = value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  return { text: typeof text === "string" ? text : null, tool_calls: Array.isArray(calls) ? (calls as unknown as AskedTool[]) : [] };
}

function answeredCall(draft: Draft, event: EventOf<"call.completed" | "call.rejected" | "call.asked">): Call {
  const { data } = event;
  stopWriting(draft, data.call);
  spend(draft, data.usage);
  return {
    ...callOf(draft, event),
    model: data.model,
    ended: event.time,
    value: event.value,
    artifact: event.artifact,
    usage: data.usage,
    seconds: data.seconds,
    finishReason: data.finish_reason,
    reusedFrom: data.reused_from ?? undefined,
    cached: data.cached ?? false,
    passedOver: data.passed_over ?? [],
  };
}

export function failCall(draft: Draft, event: EventOf<"call.failed">): void {
  const { call: key, error, retry_in: wait, spent } = event.data;
  spend(draft, spent);
  const waits = wait !== undefined && wait !== null;
  draft.calls[key] = {
    ...callOf(draft, event),
    state: waits ? "waiting" : "failed",
    ended: waits ? undefined : event.time,
    // What had been written when it was stopped.
    value: event.value,
    artifact: event.artifact,
    error,
    retryAt: waits ? new Date(Date.parse(event.time) + wait * 1000).toISOString() : undefined,
  };
  stopWriting(draft, key);
}

function stopWriting(draft: Draft, key: string): void {
  draft.writing = Object.fromEntries(Object.entries(draft.writing).filter(([other]) => other !== key));
}

function spend(draft: Draft, used: Usage | undefined): void {
  if (used !== undefined) draft.usage = sumOf(draft.usage, used);
}

/** Cents do not need Decimal here: the record of the ended execution carries the exact sum. */
export function sumOf(usage: Usage, used: Usage): Usage {
  const known = usage.cost_usd !== null && used.cost_usd !== null;
  return {
    model_calls: usage.model_calls + used.model_calls,
    tokens_in: usage.tokens_in + used.tokens_in,
    tokens_out: usage.tokens_out + used.tokens_out,
    cost_usd: known ? String(Number(usage.cost_usd) + Number(used.cost_usd)) : null,
  };
}
