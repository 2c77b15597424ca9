import { useCallback } from "react";

import type { Api } from "../api/client";
import type { Execution } from "../api/types";
import { href } from "../router";
import { useSession } from "../session";
import { ago, cost, duration, elapsed, moment, shortId, workflowLabel } from "../ui/format";
import { useLoad, useNow, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading, StatusBadge } from "../ui/parts";

/** With which other execution is this one to be compared? Its kin, then others of its workflow. */
export function CompareWithScreen({ id }: { id: string }) {
  useTitle("Compare");
  const { api } = useSession();
  const { value, error, reload } = useLoad(useCallback(() => candidates(api, id), [api, id]));
  return (
    <>
      <p className="crumbs">
        <a href={href(["executions", id])}>← Execution</a>
      </p>
      <h1>
        Compare <span className="muted">{shortId(id)} with …</span>
      </h1>
      {error && <ErrorNotice error={error} retry={reload} />}
      {value === undefined && !error && <Loading what="executions" />}
      {value?.others.length === 0 && <p className="empty">There is no other execution of this workflow yet.</p>}
      {value && value.others.length > 0 && <Candidates one={value.one} others={value.others} />}
    </>
  );
}

async function candidates(api: Api, id: string): Promise<{ one: Execution; others: Execution[] }> {
  const one = await api.execution(id);
  const { items } = await api.executions({ workflow: one.workflow });
  const others = items.filter((each) => each.id !== id);
  const isKin = (other: Execution): boolean => other.retry_of === id || one.retry_of === other.id;
  return { one, others: [...others.filter(isKin), ...others.filter((other) => !isKin(other))] };
}

function Candidates({ one, others }: { one: Execution; others: readonly Execution[] }) {
  const now = useNow(true, 15_000);
  return (
    <ul className="candidates card">
      {others.map((other) => {
        // The earlier one on the left. Ids begin with their time.
        const [left, right] = one.id < other.id ? [one.id, other.id] : [other.id, one.id];
        return (
          <li key={other.id}>
            <a className="cover" href={href(["compare", left, right])}>
              {workflowLabel(other)} <span className="muted id">{shortId(other.id)}</span>
            </a>
            <StatusBadge status={other.status} />
            <span className="muted">{kinship(one, other)}</span>
            <span className="muted" title={moment(other.created)}>
              {ago(other.created, now)}
            </span>
            <span className="muted">{duration(elapsed(other.created, other.ended, now))}</span>
            <span className="muted">{cost(other.usage)}</span>
          </li>
        );
      })}
    </ul>
  );
}

function kinship(one: Execution, other: Execution): string {
  if (other.retry_of === one.id) return other.fork ? "a fork of it" : "a retry of it";
  if (one.retry_of === other.id) return one.fork ? "it is a fork of this one" : "it is a retry of this one";
  return "";
}
