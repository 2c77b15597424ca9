import type { Event } from "../api/types";
import type { ExecutionView } from "./view";

/** A view while events are taken in. */
export type Draft = { -readonly [Key in keyof ExecutionView]: Mutable<ExecutionView[Key]> };
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
    steps: { ...view.steps },
    choices: { ...view.choices },
    chats: { ...view.chats },
    given: { ...view.given },
    approvals: { ...view.approvals },
  };
}
