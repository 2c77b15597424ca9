import { useCallback, useState } from "react";

import { type Diff, isEnded } from "../api/types";
import { Changed } from "../compare/Changed";
import { rowId, Rows } from "../compare/Rows";
import { Sides } from "../compare/Sides";
import { href } from "../router";
import { useSession } from "../session";
import { plural } from "../ui/format";
import { useLoad, useTitle } from "../ui/hooks";
import { ForkIcon } from "../ui/icons";
import { ErrorNotice, Loading } from "../ui/parts";

/** Two executions beside each other: where they part, and what each cost. */
export function CompareScreen({ left, right }: { left: string; right: string }) {
  useTitle("Compare");
  const { api } = useSession();
  const [all, setAll] = useState(false);
  const load = useCallback(() => api.diff(left, right, !all), [api, left, right, all]);
  const { value: diff, error, reload } = useLoad(load);
  return (
    <>
      <p className="crumbs">
        <a href={href(["executions", right])}>← Execution</a>
      </p>
      <div className="title-row">
        <h1>Compare</h1>
        <a className="button" href={href(["compare", right, left])}>
          <span aria-hidden="true">⇄</span> Swap
        </a>
        <a className="button" href={href(["compare", right])}>
          With another
        </a>
        {diff && !(isEnded(diff.left.status) && isEnded(diff.right.status)) && (
          <button type="button" className="button" onClick={reload}>
            <span aria-hidden="true">↻</span> Read again
          </button>
        )}
      </div>
      {error && <ErrorNotice error={error} retry={reload} />}
      {diff === undefined && !error && <Loading what="the comparison" />}
      {diff && <Compared diff={diff} all={all} onAll={setAll} />}
    </>
  );
}

function Compared({ diff, all, onAll }: { diff: Diff; all: boolean; onAll: (all: boolean) => void }) {
  const { left, right, rows, counts, left_out: leftOut } = diff;
  return (
    <>
      <Sides left={left} right={right} />
      <Verdict diff={diff} />
      <Changed title="Input" changes={diff.input} />
      <Changed title="Definitions" changes={diff.definitions} />
      <Changed title="Result" changes={diff.output} />
      <div className="title-row">
        <h2>Steps</h2>
        <label className="check">
          <input type="checkbox" checked={all} onChange={(event) => onAll(event.target.checked)} /> also the{" "}
          {counts.same} that are the same
        </label>
      </div>
      {rows.length > 0 && <Rows rows={rows} />}
      {leftOut > 0 && <p className="muted">{plural(leftOut, "more step is", "more steps are")} not shown.</p>}
    </>
  );
}

/** In a sentence, with the way there. */
function Verdict({ diff: { first, counts } }: { diff: Diff }) {
  const { request, output } = first;
  if (counts.changed + counts.only_left + counts.only_right === 0) {
    return <p className="verdict">= Every step was given the same and gave the same.</p>;
  }
  if (request === null && output === null) return <p className="verdict">They do not part: one is only further on.</p>;
  if (request === output && request !== null) {
    return (
      <p className="verdict">
        <ForkIcon /> They part at <Place path={request} />, which was given something else and gave something else.
      </p>
    );
  }
  return (
    <p className="verdict">
      <ForkIcon />{" "}
      {request === null ? (
        "No step was given anything else. "
      ) : (
        <>
          The first step that was given something else is <Place path={request} />.{" "}
        </>
      )}
      {output === null ? (
        "Every step gave the same."
      ) : (
        <>
          The first that gave something else is <Place path={output} />.
        </>
      )}
    </p>
  );
}

function Place({ path }: { path: string }) {
  const show = (): void => {
    const row = document.getElementById(rowId(path));
    row?.scrollIntoView({ block: "center" });
    row?.focus({ preventScroll: true });
  };
  return (
    <button type="button" className="link" onClick={show}>
      <code>{path}</code>
    </button>
  );
}
