import type { DiffRow, StepSummary } from "../api/types";
import { cost, duration, stopReason } from "../ui/format";
import { ForkIcon } from "../ui/icons";
import { Avatar } from "../ui/parts";
import { ALIGNMENTS, aspects, firstWords } from "./words";

/** The steps beside each other, in the order they began. */
export function Rows({ rows }: { rows: readonly DiffRow[] }) {
  return (
    <table className="diff card">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Left</th>
          <th scope="col">Right</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.path} row={row} />
        ))}
      </tbody>
    </table>
  );
}

/** The element of a row, for those who want to scroll there. */
export function rowId(path: string): string {
  return `row-${path}`;
}

function Row({ row }: { row: DiffRow }) {
  const { path, alignment, first, left, right } = row;
  const { icon, words } = ALIGNMENTS[alignment];
  const kind = (left ?? right)?.kind ?? "";
  return (
    <tr id={rowId(path)} tabIndex={-1} className={`diff-${alignment}${first.length > 0 ? " diff-first" : ""}`}>
      <th scope="row">
        <span className="diff-icon" aria-hidden="true">
          {icon}
        </span>
        <code>{path}</code> <span className="muted">{kind.replace("_", " ")}</span>
        <span className="diff-words">
          {words}
          {alignment === "changed" && `: ${aspects(row)}`}
        </span>
        {first.length > 0 && (
          <b className="diff-first-words">
            <ForkIcon /> {firstWords(row)}
          </b>
        )}
      </th>
      <td data-label="Left">
        <Summary step={left} />
      </td>
      <td data-label="Right">
        <Summary step={right} />
      </td>
    </tr>
  );
}

/** How the step went on one side. */
function Summary({ step }: { step: StepSummary | null }) {
  if (step === null) return <p className="diff-none">Not there.</p>;
  const { agent, status, seconds, usage, preview, artifact, attempts, reused, edited, stop_reason: reason } = step;
  const facts = [
    status,
    seconds !== null && duration(seconds * 1000),
    usage.cost_usd !== null && Number(usage.cost_usd) > 0 && cost(usage),
    attempts > 1 && `${attempts} attempts`,
    reused > 0 && "reused",
    edited && "given by the fork",
    reason !== null && stopReason(reason),
  ];
  return (
    <>
      <p className="diff-facts">
        {agent !== null && (
          <span className="diff-agent">
            <Avatar name={agent} small /> {agent}
          </span>
        )}
        <span className="muted">{facts.filter(Boolean).join(" · ")}</span>
      </p>
      {preview !== "" && <p className="prose diff-preview">{preview}</p>}
      {preview === "" && artifact !== null && <p className="muted">Its output is too large to be shown here.</p>}
    </>
  );
}
