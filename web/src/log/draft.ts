import type { Event } from "../api/types";
import { around } from "./paths";
import type { Entry, ExecutionView, Found, ToolTurn } from "./view";

/** A view while events are taken in. */
export type Draft = { -readonly [Key in keyof ExecutionView]: Key extends "found" ? Found : Mutable<ExecutionView[Key]> };
type Mutable<Value> = Value extends readonly (infer Item)[]
  ? Item[]
  : Value extends Readonly<Record<string, infer Item>>
    ? Record<string, Item>
    : Value;

export type EventOf<Type extends Event["type"]> = Extract<Event, { type: Type }>;

/** A copy whose collections may be changed; what is in them may not. */
export function draftOf(view: ExecutionView): Draft {
  return {
    ...view,
    events: [...view.events],
    entries: [...view.entries],
    calls: { ...view.calls },
    writing: { ...view.writing },
    toolTurns: { ...view.toolTurns },
    steps: { ...view.steps },
    choices: { ...view.choices },
    chats: { ...view.chats },
    given: { ...view.given },
    approvals: { ...view.approvals },
  };
}

/** Enters something in the transcript, below the turn whose tool did it where there is one. */
export function enter(draft: Draft, step: string, entry: Entry): void {
  const within = around(step).find((path) => path in draft.toolTurns && step.startsWith(`${path}/tool[`));
  draft.entries.push(within === undefined ? entry : { ...entry, within });
}

/** Marks those of the turns, which may be changed, in which the step lies. */
export function markChanged(turns: Record<string, ToolTurn>, step: string | null): Record<string, ToolTurn> {
  for (const path of step === null ? [] : [step, ...around(step)]) {
    const turn = turns[path];
    if (turn !== undefined) turns[path] = { ...turn, changes: turn.changes + 1 };
  }
  return turns;
}
