import type { Approval, Json } from "../api/types";
import { around } from "../log/paths";
import type { Asked, ExecutionView } from "../log/view";

/** Whether an answer would still count: neither has one been given, nor has its step, or one around it, ended without. */
export function isOpen(asked: Asked, view: ExecutionView): boolean {
  if (asked.decision !== undefined || view.ended !== undefined) return false;
  return [asked.step, ...around(asked.step)].every((path) => view.steps[path]?.ended === undefined);
}

/** The questions that wait for an answer. */
export function openQuestions(view: ExecutionView): Asked[] {
  return Object.values(view.approvals).filter((asked) => isOpen(asked, view));
}

/** A question as its record has it, made of what the log tells; `record` is that of one that is still open. */
export function approvalOf(
  execution: string,
  asked: Asked,
  { value, open, record }: { value: Json; open: boolean; record: Approval | undefined },
): Approval {
  const { ask, show } = questionOf(value);
  const { decision, otherwise, options } = asked;
  return {
    id: asked.id,
    execution,
    workflow: record?.workflow ?? "",
    step: asked.step,
    kind: asked.kind,
    ask,
    show,
    options: [...options],
    roles: record?.roles ?? [...asked.roles],
    escalated: asked.escalated || (record?.escalated ?? false),
    created: asked.created,
    deadline: asked.deadline ?? null,
    otherwise: otherwise ?? record?.otherwise ?? null,
    state: stateOf(asked, open),
    decision: decision?.decision ?? null,
    comment: decision?.comment ?? "",
    by: decision?.by ?? null,
    decided: decision?.time ?? null,
  };
}

function stateOf({ decision }: Asked, open: boolean): Approval["state"] {
  if (decision !== undefined) return decision.late ? "expired" : "decided";
  return open ? "pending" : "withdrawn";
}

function questionOf(value: Json): { ask: string; show: Json } {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return { ask: "", show: value };
  const { ask, show } = value;
  return { ask: typeof ask === "string" ? ask : "", show: show ?? null };
}
