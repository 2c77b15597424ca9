import { useCallback, useEffect, useState } from "react";

import { isEnded } from "../api/types";
import { href } from "../router";
import { useSession } from "../session";
import { cost, count, duration, moment, plural, shortId } from "../ui/format";
import { useLoad, useTitle } from "../ui/hooks";
import { Announcement, ErrorNotice, Loading, ProblemNotice, StatusBadge } from "../ui/parts";
import { type Result, resultOf, type Which } from "./api";
import { Cases } from "./Cases";
import { RateBar } from "./RateBar";
import { intervalWords, nameOf, percent } from "./words";

/** Milliseconds until it is read again, while it goes on. */
const REFRESH = 3_000;

const WHICH: readonly (readonly [Which, string])[] = [
  ["all", "all"],
  ["failed", "not passed"],
  ["changed", "another answer"],
];

/** One evaluation, or one trial of a prompt: the sums, and each case with its grades. */
export function EvaluationScreen({ id, query }: { id: string; query: URLSearchParams }) {
  useTitle("Evaluation");
  const { api } = useSession();
  const which = WHICH.find(([each]) => each === query.get("cases"))?.[0] ?? "all";
  const [most, setMost] = useState(50);
  const { value: result, error, reload } = useLoad(useCallback(() => resultOf(api, id, which, most), [api, id, which, most]));
  const goesOn = result !== undefined && !isEnded(result.status);
  useEffect(() => {
    if (!goesOn) return undefined;
    const timer = setInterval(reload, REFRESH);
    return () => clearInterval(timer);
  }, [goesOn, reload]);
  if (result === undefined) return error ? <ErrorNotice error={error} retry={reload} /> : <Loading what="the evaluation" />;
  const { evaluation, summary } = result;
  const isTrial = evaluation.kind === "trial";
  return (
    <>
      <p className="crumbs">
        <a href={href(["evaluations"], { kind: isTrial ? "trial" : undefined })}>← {isTrial ? "Prompts tried" : "Evaluations"}</a>
      </p>
      <Head result={result} />
      {Number(query.get("skipped")) > 0 && (
        <p className="asked">{plural(Number(query.get("skipped")), "execution has", "executions have")} no call of the agent to try it on, and are left out.</p>
      )}
      {error && <ErrorNotice error={error} retry={reload} />}
      {result.error && <ProblemNotice problem={result.error} />}
      <Announcement>{`${summary.answered + summary.failed} of ${plural(summary.cases, "case")} done.`}</Announcement>
      <Sums result={result} />
      <div className="title-row">
        <h2>Cases</h2>
        <nav className="segments" aria-label="Which cases">
          {WHICH.filter(([each]) => isTrial || each !== "changed").map(([each, words]) => (
            <a key={each} href={href(["evaluations", id], { cases: each === "all" ? undefined : each })} aria-current={each === which ? "true" : undefined}>
              {words}
            </a>
          ))}
        </nav>
      </div>
      {result.cases.items.length === 0 ? (
        <p className="empty">{which === "all" ? "There is no case." : "There is no such case."}</p>
      ) : (
        <Cases execution={id} cases={result.cases.items} graders={evaluation.graders} isTrial={isTrial} />
      )}
      {result.cases.continuation !== null && most < 200 && (
        <button type="button" className="button more" onClick={() => setMost(200)}>
          Show more
        </button>
      )}
    </>
  );
}

function Head({ result: { id, evaluation, status, created } }: { result: Result }) {
  return (
    <header className="summary">
      <div className="title-row">
        <h1>{nameOf(evaluation)}</h1>
        <StatusBadge status={status} />
        <span className="actions">
          <a className="button" href={href(["executions", id])}>
            Its execution
          </a>
        </span>
      </div>
      <p className="summary-line">
        <span>{evaluation.kind === "trial" ? "A prompt tried on past calls." : "An evaluation."}</span>
        <span>Started {moment(created)}.</span>
        <code className="id">{shortId(id)}</code>
      </p>
    </header>
  );
}

/** What came of it in sum; of a trial, beside what was answered in the past. */
function Sums({ result: { summary } }: { result: Result }) {
  const { cases, answered, failed, waiting, usage, judging, seconds, recorded, same } = summary;
  const figures: [string, string][] = [
    ["Answered", `${answered} of ${cases}`],
    ...(failed > 0 ? ([["Failed", String(failed)]] as [string, string][]) : []),
    ...(waiting > 0 ? ([["To come", String(waiting)]] as [string, string][]) : []),
    ...(same !== null ? ([["The same answer", String(same)]] as [string, string][]) : []),
    ["Cost", cost(usage)],
    ...(recorded ? ([["Cost then", cost(recorded)]] as [string, string][]) : []),
    ["Tokens", count(usage.tokens_in + usage.tokens_out)],
    ...(judging.model_calls > 0 ? ([["Judging", cost(judging)]] as [string, string][]) : []),
    ["Until an answer", seconds === null ? "–" : duration(seconds * 1000)],
  ];
  return (
    <>
      <dl className="summary-figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {summary.graders.length > 0 && <Rates summary={summary} />}
    </>
  );
}

function Rates({ summary: { graders, recorded_graders: past } }: { summary: Result["summary"] }) {
  return (
    <div className="figures-scroll card" tabIndex={0} role="group" aria-label="Graders">
      <table className="figures-table rates">
        <caption className="visually-hidden">How many cases each grader passed</caption>
        <thead>
          <tr>
            <th scope="col">Grader</th>
            <th scope="col">Passed</th>
            <th scope="col">
              <span className="visually-hidden">As a bar</span>
            </th>
            <th scope="col" title="In 95 of 100 such evaluations the true rate lies in it">
              In truth, at 95 %
            </th>
            <th scope="col">Mean score</th>
          </tr>
        </thead>
        <tbody>
          {graders.map((grader) => {
            const then = past.find(({ name }) => name === grader.name);
            return (
              <tr key={grader.name}>
                <th scope="row">
                  {grader.name} <span className="muted">{grader.kind}</span>
                </th>
                <td>
                  {grader.rate === null ? "–" : `${percent(grader.rate)} (${grader.passed} of ${grader.graded})`}
                  {grader.unknown > 0 && <span className="figure-note"> {grader.unknown} cannot be told</span>}
                </td>
                <td className="rate-cell">
                  {grader.rate !== null && <RateBar rate={grader.rate} interval={grader.rate_interval} />}
                  {then?.rate != null && (
                    <>
                      <RateBar rate={then.rate} interval={then.rate_interval} certain={false} />
                      <span className="figure-note">{percent(then.rate)} in the past</span>
                    </>
                  )}
                </td>
                <td>{grader.rate_interval ? intervalWords(grader.rate_interval) : "–"}</td>
                <td title={grader.mean_interval ? `${grader.mean_interval.low.toFixed(2)} to ${grader.mean_interval.high.toFixed(2)}` : undefined}>
                  {grader.mean === null ? "–" : grader.mean.toFixed(2)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
