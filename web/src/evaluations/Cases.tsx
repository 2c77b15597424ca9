import { useState } from "react";

import type { Json } from "../api/types";
import { Payload } from "../execution/Payload";
import { href } from "../router";
import { cost, duration, shortId } from "../ui/format";
import type { Case, Grade, Grader } from "./api";

interface Props {
  execution: string;
  cases: readonly Case[];
  graders: readonly Grader[];
  isTrial: boolean;
}

/** Every case in a row, with what each grader says; opened, with what was asked and answered. */
export function Cases({ execution, cases, graders, isTrial }: Props) {
  return (
    <div className="figures-scroll card" tabIndex={0} role="group" aria-label="Cases">
      <table className="figures-table cases">
        <thead>
          <tr>
            <th scope="col">Case</th>
            {graders.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">Time</th>
            <th scope="col">Cost{isTrial && ", and then"}</th>
          </tr>
        </thead>
        <tbody>
          {cases.map((each) => (
            <Row key={each.id} execution={execution} each={each} graders={graders} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ execution, each, graders }: Omit<Props, "cases" | "isTrial"> & { each: Case }) {
  const [open, setOpen] = useState(false);
  const { id, grades, recorded, recorded_grades: past, status, seconds, usage } = each;
  return (
    <>
      <tr>
        <th scope="row">
          <button type="button" className="link case-name" aria-expanded={open} onClick={() => setOpen(!open)}>
            <span aria-hidden="true">{open ? "▾" : "▸"}</span> {recorded ? `${shortId(recorded.execution)} ${recorded.step}` : id}
          </button>{" "}
          <span className="muted case-brief">{briefOf(each)}</span>
        </th>
        {graders.map(({ name }) => (
          <td key={name}>
            <GradeMark name={name} grade={grades[name]} />
            {recorded && past[name] && (
              <>
                {" "}
                <span className="muted">was</span> <GradeMark name={name} grade={past[name]} />
              </>
            )}
          </td>
        ))}
        <td>{seconds === undefined ? status : duration(seconds * 1000)}</td>
        <td>
          {cost(usage)}
          {recorded && <span className="muted"> {cost(recorded.usage)}</span>}
        </td>
      </tr>
      {open && (
        <tr className="case-open">
          <td colSpan={graders.length + 3}>
            <Details execution={execution} each={each} />
          </td>
        </tr>
      )}
    </>
  );
}

function briefOf({ status, error, output }: Case): string {
  if (status === "failed") return error ?? "failed";
  if (output === undefined) return status;
  const text = typeof output === "string" ? output : JSON.stringify(output);
  return text.length > 100 ? `${text.slice(0, 100)} …` : text;
}

/** A sign besides the colour; what it said on pointing at it. */
function GradeMark({ name, grade }: { name: string; grade: Grade | undefined }) {
  if (grade === undefined) return <span className="muted">…</span>;
  const { passed, score, reason = "" } = grade;
  const [sign, word] = passed == null ? ["–", "cannot be told"] : passed ? ["✓", "passed"] : ["✕", "not passed"];
  const shows = score != null && score !== 0 && score !== 1;
  return (
    <span className={`grade grade-${passed == null ? "unknown" : passed ? "passed" : "failed"}`} title={reason || `${name}: ${word}`}>
      <span aria-hidden="true">{sign}</span>
      <span className="visually-hidden">{word}</span>
      {shows && ` ${score.toFixed(2)}`}
    </span>
  );
}

function Details({ execution, each }: { execution: string; each: Case }) {
  const { input, expected, output, error, recorded, grades, step } = each;
  const said = Object.entries(grades).filter(([, { reason = "" }]) => reason !== "");
  return (
    <div className="case-details">
      <div className={recorded ? "case-sides" : undefined}>
        {recorded && (
          <section>
            <h3>
              Then <a href={href(["executions", recorded.execution])}>{shortId(recorded.execution)}</a>, <code>{recorded.step}</code>
            </h3>
            {recorded.error === undefined ? <Part execution={execution} value={recorded.output} /> : <p className="muted">{recorded.error}</p>}
          </section>
        )}
        <section>
          <h3>{recorded ? "Now" : "Answer"}</h3>
          {error === undefined ? <Part execution={execution} value={output} /> : <p className="turn-failure">{error}</p>}
        </section>
      </div>
      {said.length > 0 && (
        <ul className="case-reasons">
          {said.map(([name, { reason }]) => (
            <li key={name}>
              <b>{name}</b>: {reason}
            </li>
          ))}
        </ul>
      )}
      {expected !== undefined && (
        <section>
          <h3>Expected</h3>
          <Part execution={execution} value={expected} />
        </section>
      )}
      <section>
        <h3>Asked</h3>
        <Part execution={execution} value={input} />
      </section>
      <p className="muted">
        <a href={href(["executions", execution])}>In the execution</a> at <code>{step}</code>
      </p>
    </div>
  );
}

function Part({ execution, value }: { execution: string; value: Json | undefined }) {
  return value === undefined ? <p className="muted">Nothing yet.</p> : <Payload execution={execution} value={value} artifact={null} />;
}
