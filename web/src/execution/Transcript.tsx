import type { Choice, Entry, ExecutionView, Writing } from "../log/view";
import { plural, stopReason } from "../ui/format";
import { ProblemNotice } from "../ui/parts";
import { EarlyTurn, Turn } from "./Turn";

interface Props {
  execution: string;
  view: ExecutionView;
}

/** What was said, in the order it began, under the step it belongs to. */
export function Transcript({ execution, view }: Props) {
  const early = Object.entries(view.writing).filter(([key, { step }]) => !(key in view.calls) && !isChairs(step));
  const entries = view.entries.filter((entry) => isShown(entry, view));
  return (
    <section aria-label="Transcript" className="transcript">
      {entries.map((entry, index) => (
        <div key={keyOf(entry)} className="entry">
          <Heading entry={entry} before={entries[index - 1]} view={view} />
          <EntryBody entry={entry} execution={execution} view={view} />
        </div>
      ))}
      {early.map(([key, writing]) => (
        <div key={key} className="entry">
          <EarlyTurn writing={writing} choice={view.choices[writing.step]} />
        </div>
      ))}
    </section>
  );
}

function EntryBody({ entry, execution, view }: Props & { entry: Entry }) {
  switch (entry.kind) {
    case "call": {
      const call = view.calls[entry.key];
      if (call === undefined) return null;
      const writing: Writing | undefined = view.writing[entry.key];
      const choice: Choice | undefined = view.choices[call.step];
      const stopped = view.ended !== undefined && call.ended === undefined;
      return <Turn execution={execution} call={call} writing={writing} choice={choice} stopped={stopped} />;
    }
    case "chat-ended": {
      const end = view.chats[entry.step];
      if (end === undefined) return null;
      return (
        <p className="divider">
          <span>
            <code>{entry.step}</code> ended after {plural(end.turns, "turn")}: {stopReason(end.stopReason)}
            {end.evidence !== undefined && <q className="evidence">{end.evidence}</q>}
          </span>
        </p>
      );
    }
    case "step-skipped":
      return (
        <p className="divider">
          <span>
            <code>{entry.step}</code> was skipped: {view.steps[entry.step]?.reason}
          </span>
        </p>
      );
    case "step-failed": {
      const error = view.steps[entry.step]?.error;
      return error ? <ProblemNotice problem={error} what={`Step ${entry.step}`} /> : null;
    }
  }
}

/** The name of the outermost step, where it changes. */
function Heading({ entry, before, view }: { entry: Entry; before: Entry | undefined; view: ExecutionView }) {
  const name = outermost(entry, view);
  if (name === "" || (before && outermost(before, view) === name)) return null;
  return <h3 className="step-heading">{name}</h3>;
}

function outermost(entry: Entry, view: ExecutionView): string {
  const path = entry.kind === "call" ? (view.calls[entry.key]?.step ?? "") : entry.step;
  return (path.split("/")[0] ?? "").replace(/\[\d+\]$/, "");
}

/** A chair's choice is told by the turn it led to; until then, and when it fails, by itself. */
function isShown(entry: Entry, view: ExecutionView): boolean {
  // Told above already when it is why the execution failed.
  if (entry.kind === "step-failed") return view.steps[entry.step]?.error?.message !== view.error?.message;
  if (entry.kind !== "call") return true;
  const call = view.calls[entry.key];
  return call?.role === undefined || (call.state !== "completed" && view.ended === undefined);
}

function isChairs(step: string): boolean {
  return step.endsWith("/chair");
}

function keyOf(entry: Entry): string {
  return entry.kind === "call" ? entry.key : `${entry.kind} ${entry.step}`;
}
