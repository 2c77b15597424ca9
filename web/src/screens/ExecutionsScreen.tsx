import { usePending } from "../approvals/pending";
import { type Execution, isEnded, type Status, STATUSES } from "../api/types";
import { href } from "../router";
import { ago, cost, count, duration, elapsed, moment, plural, shortId, workflowLabel } from "../ui/format";
import { useNow, useTitle } from "../ui/hooks";
import { Announcement, ErrorNotice, Loading, StatusBadge } from "../ui/parts";
import { NoExecutions } from "./empty";
import { useExecutions } from "./useExecutions";

/** All executions of the tenant, newest first, renewed while something runs. */
export function ExecutionsScreen({ query }: { query: URLSearchParams }) {
  useTitle("Executions");
  const status = STATUSES.find((each) => each === query.get("status"));
  return (
    <>
      <div className="title-row">
        <h1>Executions</h1>
        <StatusFilter chosen={status} />
        <a className="button button-primary" href={href(["start"])}>
          Start
        </a>
      </div>
      <List key={status} status={status} />
    </>
  );
}

function StatusFilter({ chosen }: { chosen: Status | undefined }) {
  return (
    <nav className="segments" aria-label="Filter by status">
      {[undefined, ...STATUSES].map((status) => (
        <a key={status ?? "all"} href={href([], { status })} aria-current={status === chosen ? "true" : undefined}>
          {status ?? "all"}
        </a>
      ))}
    </nav>
  );
}

function List({ status }: { status: Status | undefined }) {
  const { executions, hasMore, showMore, error } = useExecutions(status);
  const running = executions?.filter(({ status }) => !isEnded(status)).length ?? 0;
  const now = useNow(true, running > 0 ? 1000 : 15_000);
  if (executions === undefined) return error ? <ErrorNotice error={error} /> : <Loading what="executions" />;
  return (
    <>
      {error && <p className="reconnecting">The server cannot be reached. Trying again …</p>}
      <Announcement>{`${plural(executions.length, "execution")} shown, ${running} not ended.`}</Announcement>
      {executions.length === 0 ? (
        <NoExecutions filtered={status !== undefined} />
      ) : (
        <Table executions={executions} now={now} />
      )}
      {hasMore && (
        <button type="button" className="button more" onClick={showMore}>
          Show more
        </button>
      )}
    </>
  );
}

function Table({ executions, now }: { executions: readonly Execution[]; now: number }) {
  return (
    <table className="executions card">
      <thead>
        <tr>
          <th scope="col">Workflow</th>
          <th scope="col">Status</th>
          <th scope="col">Started</th>
          <th scope="col" className="number">
            Duration
          </th>
          <th scope="col" className="number">
            Turns
          </th>
          <th scope="col" className="number">
            Calls
          </th>
          <th scope="col" className="number">
            Tokens
          </th>
          <th scope="col" className="number">
            Cost
          </th>
        </tr>
      </thead>
      <tbody>
        {executions.map((execution) => (
          <Row key={execution.id} execution={execution} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ execution, now }: { execution: Execution; now: number }) {
  const { id, usage, turns, created, ended, status } = execution;
  return (
    <tr>
      <td className="cell-workflow">
        <a className="cover" href={href(["executions", id])}>
          {workflowLabel(execution)}
        </a>
        <span className="muted id"> {shortId(id)}</span>
        {execution.error && <span className="cell-error">{execution.error.message}</span>}
      </td>
      <td className="cell-status">
        <StatusBadge status={status} /> <Asks execution={id} />
      </td>
      <td title={moment(created)}>{ago(created, now)}</td>
      <td className="number">{duration(elapsed(created, ended, now))}</td>
      <td className="number" data-label={turns === 1 ? "turn" : "turns"}>
        {turns}
      </td>
      <td className="number" data-label={usage.model_calls === 1 ? "call" : "calls"}>
        {usage.model_calls}
      </td>
      <td className="number" data-label="tokens" title={`${usage.tokens_in} in, ${usage.tokens_out} out`}>
        {count(usage.tokens_in + usage.tokens_out)}
      </td>
      <td className="number" data-label="cost">
        {cost(usage)}
      </td>
    </tr>
  );
}

/** It waits for a human. */
function Asks({ execution }: { execution: string }) {
  const asked = usePending().approvals?.filter((approval) => approval.execution === execution).length ?? 0;
  return asked === 0 ? null : <span className="chip chip-warning">? {plural(asked, "question")}</span>;
}
