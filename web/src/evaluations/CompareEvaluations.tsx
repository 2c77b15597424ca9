import { useCallback } from "react";

import { href } from "../router";
import { useSession } from "../session";
import { cost, plural, shortId } from "../ui/format";
import { useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading, StatusBadge } from "../ui/parts";
import { type Comparison, comparisonOf, type Evaluation, type Flip, type GraderComparison } from "./api";
import { DifferenceBar } from "./RateBar";
import { chanceWords, isCertain, nameOf, percent, points } from "./words";

/** Two evaluations over the same cases: is the one on the right better, and can that be believed? */
export function CompareEvaluations({ left, right }: { left: string; right: string }) {
  useTitle("Compare evaluations");
  const { api } = useSession();
  const { value: found, error, reload } = useLoad(useCallback(() => comparisonOf(api, left, right), [api, left, right]));
  return (
    <>
      <p className="crumbs">
        <a href={href(["evaluations"])}>← Evaluations</a>
      </p>
      <div className="title-row">
        <h1>Compare evaluations</h1>
        <a className="button" href={href(["evaluations", right, "compare", left])}>
          <span aria-hidden="true">⇄</span> Swap
        </a>
      </div>
      {error && <ErrorNotice error={error} retry={reload} />}
      {found === undefined && !error && <Loading what="the comparison" />}
      {found && <Compared found={found} />}
    </>
  );
}

function Compared({ found }: { found: Comparison }) {
  const { left, right, paired, only_left: onlyLeft, only_right: onlyRight, graders, left_usage: before, right_usage: after, cost_difference: difference } = found;
  return (
    <>
      <div className="case-sides">
        <Side words="Left" side={left} cost={cost(before)} />
        <Side words="Right" side={right} cost={cost(after)} />
      </div>
      <p className="muted">
        {plural(paired, "case")} in both{onlyLeft > 0 && `, ${onlyLeft} only left`}
        {onlyRight > 0 && `, ${onlyRight} only right`}.{difference !== null && ` A case costs ${moreOrLess(Number(difference))} on the right.`}
      </p>
      {graders.length === 0 && <p className="empty">They have no grader of the same name, so there is nothing to compare but what they cost.</p>}
      {graders.map((grader) => (
        <GraderPart key={grader.name} grader={grader} />
      ))}
    </>
  );
}

function moreOrLess(difference: number): string {
  if (difference === 0) return "the same";
  const amount = cost({ cost_usd: String(Math.abs(difference)) });
  return `${amount} ${difference > 0 ? "more" : "less"}`;
}

function Side({ words, side: { id, evaluation, status }, cost: spent }: { words: string; side: Evaluation; cost: string }) {
  return (
    <section className="card evaluation-side">
      <p className="muted">{words}</p>
      <p>
        <a href={href(["evaluations", id])}>
          <b>{nameOf(evaluation)}</b>
        </a>{" "}
        <span className="muted id">{shortId(id)}</span> <StatusBadge status={status} />
      </p>
      <p className="muted">{spent} for the cases of both</p>
    </section>
  );
}

function GraderPart({ grader }: { grader: GraderComparison }) {
  const { name, paired, left, right, difference, interval, gained, lost, chance } = grader;
  if (difference === null || left === null || right === null) {
    return (
      <section className="card evaluation-side">
        <h2>{name}</h2>
        <p className="muted">There is no case that both have a grade for.</p>
      </section>
    );
  }
  const certain = isCertain(interval);
  return (
    <section className="card evaluation-side" aria-label={name}>
      <h2>
        {name}{" "}
        <span className={`chip${certain ? "" : " chip-warning"}`}>
          {certain ? (difference > 0 ? "better on the right" : "worse on the right") : "no difference that can be believed"}
        </span>
      </h2>
      <DifferenceBar difference={difference} interval={interval} />
      <p>
        {percent(left)} left, {percent(right)} right: <b>{points(difference)} points</b>
        {interval && ` (in truth ${points(interval.low)} to ${points(interval.high)}, at 95 %)`}, over {plural(paired, "case")}.
      </p>
      <p className="muted">
        {plural(gained.length, "case")} gained, {lost.length} lost
        {chance !== null && gained.length + lost.length > 0 && `: ${chanceWords(chance)} if neither were better`}.
      </p>
      <Flips words="Gained" flips={gained} />
      <Flips words="Lost" flips={lost} />
    </section>
  );
}

function Flips({ words, flips }: { words: string; flips: readonly Flip[] }) {
  if (flips.length === 0) return null;
  return (
    <details>
      <summary>
        {words}: {flips.length}
      </summary>
      <ul className="case-reasons">
        {flips.map(({ id, left, right }) => (
          <li key={id}>
            <b>{id}</b>
            <span className="muted">{reasonsOf(left.reason ?? "", right.reason ?? "")}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function reasonsOf(left: string, right: string): string {
  const said = [left !== "" && `left: ${left}`, right !== "" && `right: ${right}`].filter(Boolean);
  return said.length === 0 ? "" : ` ${said.join("; ")}`;
}
