import { useEffect, useEffectEvent, useState } from "react";
import { flushSync } from "react-dom";

import { isOpen } from "../approvals/fromLog";
import type { Json } from "../api/types";
import { passagesIn } from "../log/passages";
import type { ToolUse } from "../log/tools";
import type { Asked, Call, Entry, ExecutionView, Passage } from "../log/view";
import { duration, plural } from "../ui/format";
import { onReveal } from "../ui/Lazy";
import { Avatar } from "../ui/parts";
import { AskedCard, askedId } from "./AskedCard";
import { Failure, turnId, TurnFigures, Waiting } from "./callParts";
import { Payload } from "./Payload";
import { StepIcon } from "./StepIcon";
import { waitWords } from "./words";

interface Props {
  execution: string;
  view: ExecutionView;
  use: ToolUse;
  draw: (entry: Entry) => React.ReactNode;
}

/** One tool call of an agent in a line; opened, all that is known of it. What a human is asked about it stands below. */
export function ToolUseRow({ execution, view, use, draw }: Props) {
  const { ask, state, calls, questions, deep, took, wait } = use;
  const last = calls.at(-1);
  const asksInside = deep.some((entry) => entry.kind === "approval" && isPending(view.approvals[entry.key], view));
  const [open, setOpen] = useState(asksInside);
  const [asked, setAsked] = useState(asksInside);
  if (asked !== asksInside) {
    setAsked(asksInside);
    // A question must not be overlooked.
    if (asksInside) setOpen(true);
  }
  useReveal(use, () => setOpen(true));
  return (
    <article
      id={ask.via === "call" && last ? turnId(last.key) : undefined}
      className={`tool-use tool-use-${state}`}
      aria-label={`Tool ${ask.name}, ${ask.path}`}
    >
      <details open={open} onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
        <summary>
          <StepIcon state={state === "refused" ? "skipped" : state} asks={state === "waiting"} />
          <span className="tool-name">{ask.name}</span>
          {ask.via === "agent" && ask.target !== undefined && <Avatar name={ask.target} small />}
          <code className="tool-arguments">{oneLine(ask.arguments ?? last?.asked ?? null)}</code>
          {ask.via === "agent" ? (
            <TurnFigures calls={calls} />
          ) : (
            took !== undefined && <span className="figures">{duration(took)}</span>
          )}
          <Gave use={use} />
        </summary>
        {open && <Inside execution={execution} use={use} draw={draw} />}
      </details>
      {ask.refused !== undefined && <p className="tool-note">Not called: {ask.refused}</p>}
      {wait && <p className="tool-note">{waitWords(wait, Date.parse(wait.since))}</p>}
      {last?.error && state === "failed" && <Failure problem={last.error} />}
      {last?.error && last.state === "waiting" && state === "running" && (
        <Waiting message={last.error.message} until={last.retryAt} />
      )}
      {questions.map((question) => (
        <AskedCard key={question.id} execution={execution} asked={question} open={isOpen(question, view)} choice={undefined} />
      ))}
    </article>
  );
}

function isPending(asked: Asked | undefined, view: ExecutionView): boolean {
  return asked !== undefined && isOpen(asked, view);
}

/** Opens it when somebody wants to see what is inside. */
function useReveal({ calls, deep, ask }: ToolUse, show: () => void): void {
  const look = useEffectEvent((id: string) => {
    const isOwn = ask.via === "agent" && calls.some(({ key }) => turnId(key) === id);
    const isBelow = deep.some(
      (entry) => (entry.kind === "call" && turnId(entry.key) === id) || (entry.kind === "approval" && askedId(entry.key) === id),
    );
    if (isOwn || isBelow) flushSync(show);
  });
  useEffect(() => onReveal((id) => look(id)), []);
}

/** The beginning of what it gave. */
function Gave({ use: { ask, state, calls } }: { use: ToolUse }) {
  const last = calls.at(-1);
  if (ask.via === "page") return <span className="tool-gave">→ more of an earlier result</span>;
  if (state !== "completed" || last?.state !== "completed") return null;
  const passages = passagesIn(last.value);
  const told =
    passages.length > 0
      ? `${plural(passages.length, "passage")}: ${passages.map(({ cite }) => cite).join(" ")}`
      : last.artifact === null
        ? oneLine(last.value)
        : "a result too long for the log";
  return <span className="tool-gave">→ {told === "" ? "nothing" : told}</span>;
}

const SHOWN = 240;

function oneLine(value: Json): string {
  if (value === null) return "";
  const text = (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 4 * SHOWN).replace(/\s+/g, " ");
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text;
}

function Inside({ execution, use: { ask, calls, below }, draw }: Omit<Props, "view">) {
  const last = calls.at(-1);
  return (
    <div className="tool-inside">
      <h4>Called with</h4>
      {ask.arguments === null ? (
        <p className="muted">{typeof last?.asked === "string" ? last.asked : "Not in the log."}</p>
      ) : (
        <pre className="json">
          <code>{JSON.stringify(ask.arguments, null, 2)}</code>
        </pre>
      )}
      {ask.via === "call" && last?.state === "completed" && (
        <>
          <h4>Gave</h4>
          <div className="tool-result">
            {passagesIn(last.value).length > 0 ? (
              <Passages passages={passagesIn(last.value)} />
            ) : (
              <Payload execution={execution} value={last.value} artifact={last.artifact} copy />
            )}
          </div>
        </>
      )}
      {ask.via === "agent" && calls.length > 0 && <Nested what={`What ${ask.target ?? "the agent"} did`} entries={entriesOf(calls)} draw={draw} />}
      {below.length > 0 && ask.via === "workflow" && <Nested what={`What ${ask.target ?? "the workflow"} did`} entries={below} draw={draw} />}
    </div>
  );
}

/** What a search of the library has found. */
function Passages({ passages }: { passages: readonly Passage[] }) {
  return (
    <ol className="found-passages">
      {passages.map(({ cite, title, page, text }) => (
        <li key={cite}>
          <p>
            <b>{title}</b> <code className="muted">{cite}</code> {page !== undefined && <span className="muted">page {page}</span>}
          </p>
          <div className="prose">{text}</div>
        </li>
      ))}
    </ol>
  );
}

/** The turns of an agent that is a tool: what it says after tools of its own stands in the turn that called them. */
function entriesOf(calls: readonly Call[]): Entry[] {
  const head = calls.findIndex(({ state }) => state === "asked");
  const shown = head < 0 ? calls : calls.slice(0, head + 1);
  return shown.map(({ key }) => ({ kind: "call", key }));
}

function Nested({ what, entries, draw }: { what: string; entries: readonly Entry[]; draw: Props["draw"] }) {
  return (
    <>
      <h4>{what}</h4>
      <div className="tool-nested">
        {entries.map((entry, index) => (
          <div key={index}>{draw(entry)}</div>
        ))}
      </div>
    </>
  );
}
