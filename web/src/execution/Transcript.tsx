import { memo } from "react";

import { isOpen } from "../approvals/fromLog";
import { around } from "../log/paths";
import { type Inside, insideOf, stepOf } from "../log/tools";
import type { Asked, Call, ChatEnd, Choice, Entry, ExecutionView, Step, ToolTurn as Tools, Writing } from "../log/view";
import { Lazy } from "../ui/Lazy";
import { ProblemNotice } from "../ui/parts";
import { AskedCard, askedId } from "./AskedCard";
import { ChatEnded, Note, StepCanceled, StepEnded, StepGiven, StepSkipped, Waited } from "./Notes";
import { turnId } from "./callParts";
import { ToolTurn } from "./ToolTurn";
import { EarlyTurn, Turn } from "./Turn";

interface Props {
  execution: string;
  view: ExecutionView;
}

/** What was said, in the order it began, under the step it belongs to. */
export const Transcript = memo(function Transcript({ execution, view }: Props) {
  const early = Object.entries(view.writing).filter(([key, { step }]) => !(key in view.calls) && !isChairs(step));
  const inside = insideOf(view.entries);
  return (
    <section aria-label="Transcript" className="transcript">
      <Lazy items={told(view)} estimate={120} className="transcript" has={(line, id) => holds(line, id, inside)}>
        {(line) => <Told key={line.index} execution={execution} view={view} inside={inside} {...line} />}
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
    if (entry.within !== undefined || !isShown(entry, view)) continue;
    const name = outermost(entry, view);
    lines.push({ index, entry, heading: name === before ? "" : name, ...factsOf(entry, view) });
    if (name !== "") before = name;
  }
  return lines;
}

function holds({ entry, call, tools }: Line, id: string, inside: Inside): boolean {
  if (elementOf(entry) === id) return true;
  if (tools === undefined || call === undefined) return false;
  return [...inside].some(
    ([step, entries]) => (step === call.step || around(step).includes(call.step)) && entries.some((each) => elementOf(each) === id),
  );
}

function elementOf(entry: Entry): string | undefined {
  if (entry.kind === "call") return turnId(entry.key);
  return entry.kind === "approval" ? askedId(entry.key) : undefined;
}

/** What is known of an entry: only when this changes it is drawn again. */
interface Facts {
  call?: Call | undefined;
  /** The turn that the call begins, where tools are called in it. */
  tools?: Tools | undefined;
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
      const turn = view.toolTurns[call?.step ?? ""];
      const tools = turn?.head === entry.key ? turn : undefined;
      return { call, tools, writing: view.writing[entry.key], choice: view.choices[call?.step ?? ""], over };
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

interface Drawn {
  execution: string;
  view: ExecutionView;
  inside: Inside;
}

const Told = memo(function Told({ heading, ...props }: Line & Drawn) {
  return (
    <div className="entry">
      {heading !== "" && <h3 className="step-heading">{heading}</h3>}
      <EntryBody {...props} />
    </div>
  );
}, isSame);

/** The whole view is always another; what of it matters to this entry is in its facts. */
function isSame(left: Line & Drawn, right: Line & Drawn): boolean {
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]) as Set<keyof (Line & Drawn)>;
  return [...keys].every((key) => key === "view" || key === "inside" || left[key] === right[key]);
}

function EntryBody({ execution, view, inside, entry, ...facts }: Facts & Drawn & { entry: Entry }) {
  const { call, tools, writing, choice, step, chat, asked, open = false, over } = facts;
  switch (entry.kind) {
    case "call": {
      if (call && tools) {
        const draw = (each: Entry): React.ReactNode =>
          isShown(each, view) && (
            <EntryBody execution={execution} view={view} inside={inside} entry={each} {...factsOf(each, view)} />
          );
        return <ToolTurn execution={execution} view={view} head={call} choice={choice} inside={inside} draw={draw} />;
      }
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
      return call?.role === undefined || call.role === "tool" || (isUnderWay(call) && view.ended === undefined);
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
