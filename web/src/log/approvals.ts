/** What the log tells of questions to humans. */
import type { Json } from "../api/types";
import { type Draft, enter, type EventOf } from "./draft";
import { goOn, notMade, waitForHuman } from "./steps";

export function ask(draft: Draft, event: EventOf<"approval.requested">): void {
  const { approval: id, kind, speaker, deadline, otherwise, options, roles } = event.data;
  const step = event.step ?? "";
  if (!(id in draft.approvals)) enter(draft, step, { kind: "approval", key: id, step });
  draft.approvals[id] = {
    id,
    step,
    kind: kind ?? "approval",
    speaker,
    value: event.value,
    artifact: event.artifact,
    options,
    roles,
    escalated: false,
    created: event.time,
    deadline: deadline ?? undefined,
    otherwise: otherwise ?? undefined,
    decision: undefined,
  };
  waitForHuman(draft, step, event.time, deadline ?? undefined);
}

export function escalate(draft: Draft, { data: { approval: id, roles } }: EventOf<"approval.escalated">): void {
  const asked = draft.approvals[id];
  if (asked === undefined) return;
  draft.approvals[id] = { ...asked, escalated: true, roles: [...new Set([...asked.roles, ...(roles ?? [])])] };
}

export function decide(draft: Draft, event: EventOf<"approval.decided">): void {
  const { approval: id, decision, by, how, comment } = event.data;
  const asked = draft.approvals[id];
  if (asked === undefined) return;
  const words = commentIn(event.value) ?? comment ?? "";
  const decided = { decision, comment: words, by: by ?? undefined, late: how === "deadline", time: event.time };
  draft.approvals[id] = { ...asked, decision: decided };
  goOn(draft, event.step);
  if (decision === "fail") leaveToFail(draft, asked.step, event.time);
  if (asked.kind === "tool" && decision === "reject") notMade(draft, asked.step, event.time);
}

/** The words whole: those of a human in a chat are the event's payload. */
function commentIn(value: Json): string | undefined {
  const comment = value !== null && typeof value === "object" && !Array.isArray(value) ? value.comment : undefined;
  return typeof comment === "string" ? comment : undefined;
}

/** It has failed before the question was asked, and that is not told again. */
function leaveToFail(draft: Draft, path: string, time: string): void {
  const step = draft.steps[path];
  if (step?.error !== undefined) draft.steps[path] = { ...step, state: "failed", ended: time };
}
