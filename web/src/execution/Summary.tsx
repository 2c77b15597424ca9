import { useState } from "react";

import type { Execution, Usage } from "../api/types";
import type { FollowState } from "../log/follow";
import type { ExecutionView } from "../log/view";
import { href, navigate } from "../router";
import { useSession } from "../session";
import { cost, count, duration, elapsed, moment, shortId, stopReason } from "../ui/format";
import { asError } from "../ui/hooks";
import { CopyButton, ErrorNotice, StatusBadge } from "../ui/parts";

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
        <Actions id={id} view={view} />
      </div>
      <p className="summary-line">
        {view.stopReason !== undefined && <span>Ended because {stopReason(view.stopReason)}.</span>}
        {view.started !== undefined && <span>Started {moment(view.started)}.</span>}
        {record?.retry_of && (
          <span>
            Retry of <a href={href(["executions", record.retry_of])}>{shortId(record.retry_of)}</a>.
          </span>
        )}
        <span className="id">
          <code>{id}</code> <CopyButton text={id} label="Copy id" />
        </span>
      </p>
      <Figures usage={view.usage} turns={view.turns} time={timeOf(view, now)} />
    </header>
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

function Actions({ id, view }: { id: string; view: ExecutionView }) {
  const { api } = useSession();
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();

  const act = async (action: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
    } catch (reason) {
      setError(asError(reason));
    }
    setAsked(false);
    setBusy(false);
  };
  const retry = async (): Promise<void> => navigate(href(["executions", (await api.retry(id)).id]));

  return (
    <div className="actions">
      {view.status === "running" && !asked && (
        <button type="button" className="button" onClick={() => setAsked(true)}>
          Cancel
        </button>
      )}
      {view.status === "running" && asked && (
        <>
          <button type="button" className="button button-danger" disabled={busy} onClick={() => act(() => api.cancel(id))}>
            Cancel the execution
          </button>
          <button type="button" className="button" autoFocus onClick={() => setAsked(false)}>
            Keep going
          </button>
        </>
      )}
      {(view.status === "failed" || view.status === "canceled") && (
        <button type="button" className="button button-primary" disabled={busy} onClick={() => act(retry)}>
          Retry
        </button>
      )}
      {view.status === "completed" && view.workflow !== undefined && (
        <a className="button" href={href(["start", view.workflow])}>
          Start another
        </a>
      )}
      {error && <ErrorNotice error={error} />}
    </div>
  );
}
