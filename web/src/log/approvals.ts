/** What the log tells of questions to humans. */
import type { Draft, EventOf } from "./draft";
import { goOn } from "./steps";

export function ask(draft: Draft, event: EventOf<"approval.requested">): void {
  const { approval: id, deadline, otherwise, options, roles } = event.data;
  const step = event.step ?? "";
  if (!(id in draft.approvals)) draft.entries.push({ kind: "approval", key: id, step });
  draft.approvals[id] = {
    id,
    step,
    agent: event.agent ?? undefined,
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
  const decided = { decision, comment: comment ?? "", by: by ?? undefined, late: how === "deadline", time: event.time };
  draft.approvals[id] = { ...asked, decision: decided };
  goOn(draft, event.step);
  if (decision === "fail") leaveToFail(draft, asked.step, event.time);
}

/** It has failed before the question was asked, and that is not told again. */
function leaveToFail(draft: Draft, path: string, time: string): void {
  const step = draft.steps[path];
  if (step?.error !== undefined) draft.steps[path] = { ...step, state: "failed", ended: time };
}
