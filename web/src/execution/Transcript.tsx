import { memo } from "react";

import { isOpen } from "../approvals/fromLog";
import { around } from "../log/tree";
import type { Asked, Call, ChatEnd, Choice, Entry, ExecutionView, Step, Writing } from "../log/view";
import { Lazy } from "../ui/Lazy";
import { ProblemNotice } from "../ui/parts";
import { AskedCard, askedId } from "./AskedCard";
import { ChatEnded, Note, StepCanceled, StepEnded, StepGiven, StepSkipped, Waited } from "./Notes";
import { turnId } from "./callParts";
import { EarlyTurn, Turn } from "./Turn";

interface Props {
  execution: string;
  view: ExecutionView;
}

/** What was said, in the order it began, under the step it belongs to. */
export const Transcript = memo(function Transcript({ execution, view }: Props) {
  const early = Object.entries(view.writing).filter(([key, { step }]) => !(key in view.calls) && !isChairs(step));
  return (
    <section aria-label="Transcript" className="transcript">
      <Lazy items={told(view)} estimate={120} className="transcript" idOf={elementOf}>
        {(line) => <Told key={line.index} execution={execution} {...line} />}
      </Lazy>
      {early.map(([key, writing]) => (
        <div key={key} className="entry">
          <EarlyTurn writing={writing} choice={view.choices[writing.step]} />
        </div>
      ))}
    </section>
  );
});

interface Line extends Facts {
  /** Entries are only ever added at the end, so this stays the same. */
  index: number;
  entry: Entry;
  /** The outermost step, where it changes. */
  heading: string;
}

function told(view: ExecutionView): Line[] {
  const lines: Line[] = [];
  let before = "";
  for (const [index, entry] of view.entries.entries()) {
    if (!isShown(entry, view)) continue;
    const name = outermost(entry, view);
    lines.push({ index, entry, heading: name === before ? "" : name, ...factsOf(entry, view) });
    if (name !== "") before = name;
  }
  return lines;
}

function elementOf({ entry }: Line): string | undefined {
  if (entry.kind === "call") return turnId(entry.key);
  return entry.kind === "approval" ? askedId(entry.key) : undefined;
}

/** What is known of an entry: only when this changes it is drawn again. */
interface Facts {
  call?: Call | undefined;
  writing?: Writing | undefined;
  choice?: Choice | undefined;
  step?: Step | undefined;
  chat?: ChatEnd | undefined;
  asked?: Asked | undefined;
  open?: boolean;
  over: boolean;
}

function factsOf(entry: Entry, view: ExecutionView): Facts {
  const over = view.ended !== undefined;
  switch (entry.kind) {
    case "call": {
      const call = view.calls[entry.key];
      return { call, writing: view.writing[entry.key], choice: view.choices[call?.step ?? ""], over };
    }
    case "chat-ended":
      return { chat: view.chats[entry.step], over };
    case "approval": {
      const asked = view.approvals[entry.key];
      return { asked, open: asked !== undefined && isOpen(asked, view), choice: view.choices[entry.step], over };
    }
    case "note":
      return { call: entry.event.type === "chat.summarised" ? lastCall(entry.event.step, view) : undefined, over };
    case "step-failed":
      return { over };
    default:
      return { step: view.steps[entry.step], over };
  }
}

/** Asked once more to mend its answer, it is the second that counts. */
function lastCall(step: string | null, view: ExecutionView): Call | undefined {
  return view.calls[`${step ?? ""}#1`] ?? view.calls[`${step ?? ""}#0`];
}

const Told = memo(function Told({ heading, ...props }: Line & { execution: string }) {
  return (
    <div className="entry">
      {heading !== "" && <h3 className="step-heading">{heading}</h3>}
      <EntryBody {...props} />
    </div>
  );
});

function EntryBody({ execution, entry, ...facts }: Facts & { execution: string; entry: Entry }) {
  const { call, writing, choice, step, chat, asked, open = false, over } = facts;
  switch (entry.kind) {
    case "call": {
      const stopped = over && call?.ended === undefined;
      return call && <Turn execution={execution} call={call} writing={writing} choice={choice} stopped={stopped} />;
    }
    case "chat-ended":
      return chat && <ChatEnded step={entry.step} end={chat} />;
    case "step-given":
      return step && <StepGiven execution={execution} step={step} />;
    case "step-ended":
      return step && <StepEnded step={step} />;
    case "step-skipped":
      return step && <StepSkipped step={step} />;
    case "step-canceled":
      return step && <StepCanceled step={step} />;
    case "step-failed":
      return <ProblemNotice problem={entry.error} what={`Step ${entry.step}`} />;
    case "wait":
      return step && <Waited execution={execution} step={step} over={over} />;
    case "approval":
      return asked && <AskedCard execution={execution} asked={asked} open={open} choice={choice} />;
    case "note":
      return <Note execution={execution} event={entry.event} call={call} />;
  }
}

function outermost(entry: Entry, view: ExecutionView): string {
  return (stepOf(entry, view).split("/")[0] ?? "").replace(/\[\d+\]$/, "");
}

function stepOf(entry: Entry, view: ExecutionView): string {
  if (entry.kind === "call") return view.calls[entry.key]?.step ?? "";
  return entry.kind === "note" ? (entry.event.step ?? "") : entry.step;
}

/** What is told elsewhere is left out. */
function isShown(entry: Entry, view: ExecutionView): boolean {
  switch (entry.kind) {
    // Told above already when it is why the execution failed.
    case "step-failed":
      return entry.error.message !== view.error?.message;
    // Told of the outermost one.
    case "step-canceled":
      return !isInCanceled(entry.step, view);
    // A chair's choice is told by the turn it led to; until then, and when it fails, by itself.
    case "call": {
      const call = view.calls[entry.key];
      return call?.role === undefined || (isUnderWay(call) && view.ended === undefined);
    }
    default:
      return true;
  }
}

function isUnderWay({ state }: Call): boolean {
  return state !== "completed" && state !== "rejected";
}

function isInCanceled(path: string, view: ExecutionView): boolean {
  return around(path).some((each) => view.steps[each]?.state === "canceled");
}

function isChairs(step: string): boolean {
  return step.endsWith("/chair");
}
