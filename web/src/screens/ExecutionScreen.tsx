import { lazy, Suspense, useEffect, useState } from "react";

import { openQuestions } from "../approvals/fromLog";
import { usePending } from "../approvals/pending";
import { askedId } from "../execution/AskedCard";
import { CitationContext } from "../execution/citations";
import { EventLog } from "../execution/EventLog";
import { ForkContext } from "../execution/Fork";
import { ForkDialog } from "../execution/ForkDialog";
import { Payload } from "../execution/Payload";
import { Steps } from "../execution/Steps";
import { Summary } from "../execution/Summary";
import { Transcript } from "../execution/Transcript";
import { useExecution } from "../execution/useExecution";
import { scrollToEnd, useStickToEnd } from "../execution/useStickToEnd";
import type { ExecutionView } from "../log/view";
import { href } from "../router";
import { plural } from "../ui/format";
import { useNow, useTitle } from "../ui/hooks";
import { reveal } from "../ui/Lazy";
import { Announcement, ErrorNotice, Loading, ProblemNotice, StatusBadge } from "../ui/parts";

const ExecutionUsage = lazy(() => import("../usage/ExecutionUsage").then((module) => ({ default: module.ExecutionUsage })));

const VIEWS = [
  ["story", "Story"],
  ["events", "Events"],
  ["usage", "Usage"],
] as const;

/** One execution, live while it runs: as a story, as the log it is, or as what it cost. */
export function ExecutionScreen({ id, query }: { id: string; query: URLSearchParams }) {
  const { view, state, record, refused } = useExecution(id);
  const running = view.started !== undefined && view.ended === undefined;
  const now = useNow(running);
  const shown = query.get("view") ?? "story";
  const [forked, setForked] = useState<string>();
  useTitle(view.workflow === undefined ? "Execution" : `${view.workflow} ${view.status ?? ""}`);
  if (refused) return <ErrorNotice error={refused} />;
  return (
    <ForkContext value={setForked}>
      <p className="crumbs">
        <a href={href([])}>← Executions</a>
      </p>
      <Summary id={id} view={view} state={state} record={record} now={now} />
      <Announcement>{`Execution ${view.status ?? "loading"}, ${plural(view.turns, "turn")} so far.`}</Announcement>
      <nav className="segments" aria-label="View">
        {VIEWS.map(([name, words]) => (
          <a
            key={name}
            href={href(["executions", id], { view: name === "story" ? undefined : name })}
            aria-current={shown === name ? "true" : undefined}
          >
            {words}
          </a>
        ))}
      </nav>
      {view.offset === 0 && <Loading what="the log" />}
      {view.offset > 0 && shown === "events" && <EventLog events={view.events} />}
      {view.offset > 0 && shown === "usage" && (
        <Suspense fallback={<Loading what="the usage" />}>
          <ExecutionUsage id={id} query={query} calls={view.usage.model_calls} />
        </Suspense>
      )}
      {view.offset > 0 && shown === "story" && <Story id={id} view={view} now={now} />}
      {forked !== undefined && (
        <ForkDialog execution={id} step={forked} view={view} onClose={() => setForked(undefined)} />
      )}
    </ForkContext>
  );
}

function Story({ id, view, now }: { id: string; view: ExecutionView; now: number }) {
  const running = view.ended === undefined;
  const atEnd = useStickToEnd(running, view);
  return (
    <CitationContext value={view.found}>
      <div className="story">
        <aside aria-label="Steps" className="story-steps card">
          <h2>
            Steps {view.status && <StatusBadge status={view.status} />}
          </h2>
          <Steps view={view} now={now} />
        </aside>
        <div className="story-main">
          <Outcome id={id} view={view} />
          <Input id={id} view={view} />
          <Questions view={view} />
          <Transcript execution={id} view={view} />
          {running && !atEnd && (
            <button type="button" className="button jump" onClick={scrollToEnd}>
              ↓ Latest
            </button>
          )}
        </div>
      </div>
    </CitationContext>
  );
}

function Outcome({ id, view }: { id: string; view: ExecutionView }) {
  if (view.error) return <ProblemNotice problem={view.error} />;
  if (view.status !== "completed") return null;
  return (
    <section className="result card" aria-labelledby="result-title">
      <h2 id="result-title">Result</h2>
      <Payload execution={id} value={view.output} artifact={view.outputArtifact} copy />
    </section>
  );
}

function Input({ id, view }: { id: string; view: ExecutionView }) {
  return (
    <details className="input">
      <summary>Input</summary>
      <Payload execution={id} value={view.input} artifact={view.inputArtifact} copy />
    </details>
  );
}

/** The questions that wait for an answer, with the way to them; the shell's count is told at once. */
function Questions({ view }: { view: ExecutionView }) {
  const { reload } = usePending();
  const open = openQuestions(view);
  const ids = open.map(({ id }) => id).join(" ");
  useEffect(() => reload(), [ids, reload]);
  const first = open[0];
  if (first === undefined) return null;
  const show = (): void => {
    const card = reveal(askedId(first.id));
    card?.querySelector<HTMLElement>("textarea, button")?.focus({ preventScroll: true });
  };
  return (
    <p className="questions">
      <span className="approval-icon" aria-hidden="true">
        ?
      </span>
      <span>
        {plural(open.length, "question waits", "questions wait")} for an answer at <code>{first.step}</code>.
      </span>
      <button type="button" className="button" onClick={show}>
        Go to it
      </button>
    </p>
  );
}
