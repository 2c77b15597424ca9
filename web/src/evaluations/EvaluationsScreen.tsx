import { useCallback, useState } from "react";

import { isEnded } from "../api/types";
import { href } from "../router";
import { useSession } from "../session";
import { ago, cost, moment, plural, shortId } from "../ui/format";
import { useLoad, useNow, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading, StatusBadge } from "../ui/parts";
import { type Evaluation, evaluationsOf } from "./api";
import { nameOf } from "./words";

/** Evaluations, or trials of prompts, newest first. Two of them are chosen to be compared. */
export function EvaluationsScreen({ query }: { query: URLSearchParams }) {
  useTitle("Evaluations");
  const kind = query.get("kind") === "trial" ? "trial" : "evaluation";
  return (
    <>
      <div className="title-row">
        <h1>Evaluations</h1>
        <nav className="segments" aria-label="Kind">
          <a href={href(["evaluations"])} aria-current={kind === "evaluation" ? "true" : undefined}>
            evaluations
          </a>
          <a href={href(["evaluations"], { kind: "trial" })} aria-current={kind === "trial" ? "true" : undefined}>
            prompts tried
          </a>
        </nav>
      </div>
      <List key={kind} kind={kind} />
    </>
  );
}

function List({ kind }: { kind: "evaluation" | "trial" }) {
  const { api } = useSession();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { value: page, error, reload } = useLoad(useCallback(() => evaluationsOf(api, kind), [api, kind]));
  const now = useNow(true, 15_000);
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (page === undefined) return <Loading what="evaluations" />;
  if (page.items.length === 0) return kind === "trial" ? <NoTrials /> : <NoEvaluations />;
  // The earlier one on the left. Ids begin with their time.
  const [left, right] = [...chosen].sort();
  return (
    <>
      <div className="title-row">
        <p className="muted">{page.items.length > 1 ? "Choose two over the same cases to compare them." : "A second one over the same cases can be compared with it."}</p>
        {left !== undefined && right !== undefined && (
          <a className="button button-primary" href={href(["evaluations", left, "compare", right])}>
            Compare the two
          </a>
        )}
      </div>
      <ul className="rows card">
        {page.items.map((item) => (
          <Row
            key={item.id}
            item={item}
            now={now}
            chosen={chosen.includes(item.id)}
            onChoose={(is) => setChosen(is ? [...chosen.slice(-1), item.id] : chosen.filter((id) => id !== item.id))}
          />
        ))}
      </ul>
      {page.continuation !== null && <p className="muted">Older ones are listed by the API.</p>}
    </>
  );
}

function Row({ item, now, chosen, onChoose }: { item: Evaluation; now: number; chosen: boolean; onChoose: (is: boolean) => void }) {
  const { id, evaluation, status, created, usage } = item;
  return (
    <li>
      <input type="checkbox" checked={chosen} aria-label={`Compare ${nameOf(evaluation)} ${shortId(id)}`} onChange={(event) => onChoose(event.target.checked)} />
      <a href={href(["evaluations", id])}>
        <b>{nameOf(evaluation)}</b>
      </a>
      <span className="muted id">{shortId(id)}</span>
      <StatusBadge status={status} />
      <span className="muted">{plural(evaluation.cases, "case")}</span>
      <span className="muted">{evaluation.graders.map(({ name }) => name).join(", ")}</span>
      <span className="muted rows-end" title={moment(created)}>
        {isEnded(status) && `${cost(usage)}, `}
        {ago(created, now)}
      </span>
    </li>
  );
}

function NoEvaluations() {
  return (
    <section className="empty">
      <h2>Nothing has been evaluated yet</h2>
      <p>
        An evaluation gives an agent or a workflow the cases of a data set, asks graders about each answer, and says with what certainty the sums
        can be believed. Write a data set and graders, and start one:
      </p>
      <pre>
        <code>
          {"name: capitals\ncases:\n  - {input: France, expected: Paris}\n  - {input: Italy, expected: Rome}\n\n"}
          {"meta-agents apply capitals.yaml\nmeta-agents evaluate --agent geographer --data capitals --graders graders.json"}
        </code>
      </pre>
    </section>
  );
}

function NoTrials() {
  return (
    <section className="empty">
      <h2>No prompt has been tried yet</h2>
      <p>
        A trial asks an agent again what it was asked in past executions, under another version of a prompt, or a draft of one. Choose{" "}
        <a href={href(["prompts"])}>a prompt</a>, then “Try it”.
      </p>
    </section>
  );
}
