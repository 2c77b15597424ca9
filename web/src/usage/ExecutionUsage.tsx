import { useCallback, useEffect } from "react";

import { href } from "../router";
import { useSession } from "../session";
import { useLoad } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { STEP_DIMENSIONS, usageOfExecution } from "./api";
import { Groups } from "./Groups";
import { amountOf, grouped } from "./sums";

interface Props {
  id: string;
  query: URLSearchParams;
  /** Read again when this changes. */
  calls: number;
}

/** Who and what in an execution has used how much. */
export function ExecutionUsage({ id, query, calls }: Props) {
  const { api } = useSession();
  const by = STEP_DIMENSIONS.find((each) => each === query.get("by")) ?? "step";
  const { value: sums, error, reload } = useLoad(useCallback(() => usageOfExecution(api, id, by), [api, id, by]));
  useEffect(() => reload(), [calls, reload]);
  const priced = sums !== undefined && Number(sums.total.cost_usd) > 0;
  const measure = priced ? "cost" : "tokens";
  return (
    <section className="execution-usage" aria-label="Usage">
      <nav className="segments" aria-label="By">
        {STEP_DIMENSIONS.map((each) => (
          <a key={each} href={href(["executions", id], { view: "usage", by: each })} aria-current={each === by ? "true" : undefined}>
            by {each}
          </a>
        ))}
      </nav>
      {error && <ErrorNotice error={error} retry={reload} />}
      {sums === undefined && !error && <Loading what="the usage" />}
      {sums?.items.length === 0 && <p className="empty">No call has come to its end yet. What each costs will stand here.</p>}
      {sums && sums.items.length > 0 && (
        <Groups
          caption={`By ${by}`}
          of={by}
          groups={by === "step" ? sums.items.map((item) => ({ name: item.step ?? "", figures: item })) : grouped(sums.items, by, measure)}
          total={sums.total}
          measure={amountOf(sums.total, measure) > 0 ? measure : "seconds"}
        />
      )}
    </section>
  );
}
