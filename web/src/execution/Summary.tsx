import type { Execution, Fork, Status, Usage } from "../api/types";
import type { FollowState } from "../log/follow";
import type { ExecutionView } from "../log/view";
import { href } from "../router";
import { clock, cost, count, duration, elapsed, moment, shortId, stopReason } from "../ui/format";
import { CopyButton, StatusBadge } from "../ui/parts";
import { Actions } from "./Actions";
import { BudgetCard } from "./BudgetCard";

interface Props {
  id: string;
  view: ExecutionView;
  state: FollowState;
  record: Execution | undefined;
  now: number;
}

/** What it is, how it stands, what it has cost, and what can be done about it. */
export function Summary({ id, view, state, record, now }: Props) {
  const status = view.status ?? record?.status;
  return (
    <header className="summary">
      <div className="title-row">
        <h1>
          {view.workflow ?? record?.workflow ?? "Execution"}
          {view.version !== null && <span className="muted">@{view.version}</span>}
        </h1>
        {status && <StatusBadge status={status} />}
        <ConnectionNote state={state} />
        <Actions id={id} status={status} workflow={view.workflow} />
      </div>
      <p className="summary-line">
        {view.stopReason !== undefined && <span>Ended because {stopReason(view.stopReason)}.</span>}
        {view.started !== undefined && <span>Started {moment(view.started)}.</span>}
        {record && <Lineage record={record} />}
        <span className="id">
          <code>{id}</code> <CopyButton text={id} label="Copy id" />
        </span>
      </p>
      {status === "paused" && view.reached !== undefined ? (
        <BudgetCard execution={id} reached={view.reached} />
      ) : (
        <Asked view={view} status={status} />
      )}
      <Figures usage={view.usage} turns={view.turns} time={timeOf(view, now)} />
    </header>
  );
}

/** Where it came from, and why it is kept. */
function Lineage({ record: { id, retry_of: other, fork, imported_from: origin, hold, evaluation, variants = {} } }: { record: Execution }) {
  const changed = [...(fork?.edited ?? []), ...(fork?.outputs ?? []).map((path) => `the output of ${path}`)];
  return (
    <>
      {other !== null && (
        <span>
          {kindOf(fork)} of <a href={href(["executions", other])}>{shortId(other)}</a>
          {fork?.before && (
            <>
              {" before "}
              <code>{fork.before}</code>
            </>
          )}
          {fork?.before === null && fork.until !== null && ` after event ${fork.until - 1}`}
          {changed.length > 0 && `; changed: ${changed.join(", ")}`}.{" "}
          <a href={href(["compare", other, id])}>Compare them</a>
        </span>
      )}
      {evaluation && (
        <span>
          It {evaluation.kind === "trial" ? "tries a prompt" : "evaluates"}: <a href={href(["evaluations", id])}>what came of that</a>.
        </span>
      )}
      {Object.entries(variants).map(([agent, prompt]) => (
        <span key={agent}>
          {agent} has the prompt <a href={href(["prompts", ...prompt.split("@").slice(0, 1)], { version: prompt.split("@")[1] })}>{prompt}</a>, chosen by
          weight.
        </span>
      ))}
      {origin && <span>Imported from {origin}.</span>}
      {hold && (
        <span>
          Held by {hold.by} since {moment(hold.since)}: {hold.reason}
        </span>
      )}
    </>
  );
}

function kindOf(fork: Fork | null | undefined): string {
  if (fork?.offline) return "Replay";
  return fork ? "Fork" : "Retry";
}

/** What was asked of it and is not over yet. */
function Asked({ view: { request }, status }: { view: ExecutionView; status: Status | undefined }) {
  if (status !== "paused" && status !== "canceling") return null;
  const by = request?.by === undefined ? "" : ` by ${request.by}`;
  const since = request === undefined ? "" : ` at ${clock(request.time)}`;
  return (
    <p className={`asked asked-${status}`}>
      {status === "paused" && request?.by === "budget"
        ? `‖ Paused${since}: a budget is used up. It goes on when that is raised.`
        : status === "paused"
        ? `‖ Paused${by}${since}. What was under way comes to its end; nothing new begins until it is resumed.`
        : `■ Being canceled, asked for${by}${since}. What was under way is being stopped.`}
    </p>
  );
}

function timeOf({ started, ended }: ExecutionView, now: number): string {
  return started === undefined ? "–" : duration(elapsed(started, ended, now));
}

function Figures({ usage, turns, time }: { usage: Usage; turns: number; time: string }) {
  const figures: [string, string][] = [
    ["Elapsed", time],
    ["Turns", String(turns)],
    ["Model calls", String(usage.model_calls)],
    ["Tokens in", count(usage.tokens_in)],
    ["Tokens out", count(usage.tokens_out)],
    ["Cost", cost(usage)],
  ];
  return (
    <dl className="summary-figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const NOTES: Readonly<Record<FollowState, string>> = {
  connecting: "Connecting …",
  live: "Live",
  reconnecting: "Reconnecting …",
  ended: "",
};

function ConnectionNote({ state }: { state: FollowState }) {
  return (
    <span className={`connection connection-${state}`} role="status">
      {NOTES[state]}
    </span>
  );
}
