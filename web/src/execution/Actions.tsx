import { useState } from "react";

import { isEnded, type Status } from "../api/types";
import { href, navigate } from "../router";
import { useSession } from "../session";
import { asError } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";

interface Props {
  id: string;
  status: Status | undefined;
  workflow: string | undefined;
}

/** What can be done about an execution as it stands. What loses something is asked about first. */
export function Actions({ id, status, workflow }: Props) {
  const { api } = useSession();
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();

  const act = async (action: () => Promise<unknown>): Promise<void> => {
    if (busy) return;
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

  const goes = status === "running" || status === "paused";
  if (asked && goes) {
    return (
      <div className="actions" role="group" aria-label="Cancel the execution?">
        <p className="actions-ask">What is not finished is lost. A retry can take over the rest.</p>
        <button type="button" className="button button-danger" aria-disabled={busy} onClick={() => act(() => api.cancel(id))}>
          Cancel the execution
        </button>
        <button type="button" className="button" autoFocus onClick={() => setAsked(false)}>
          Keep going
        </button>
      </div>
    );
  }
  return (
    <div className="actions">
      {goes && (
        // One button, so that the focus stays on it.
        <button
          type="button"
          className={`button${status === "paused" ? " button-primary" : ""}`}
          aria-disabled={busy}
          onClick={() => act(() => (status === "paused" ? api.resume(id) : api.pause(id)))}
        >
          <span aria-hidden="true">{status === "paused" ? "▸" : "‖"}</span> {status === "paused" ? "Resume" : "Pause"}
        </button>
      )}
      {goes && (
        <button type="button" className="button" aria-disabled={busy} onClick={() => setAsked(true)}>
          Cancel
        </button>
      )}
      {status === "canceling" && (
        <button type="button" className="button" disabled>
          Canceling …
        </button>
      )}
      {isEnded(status) && (
        <a className="button" href={href(["compare", id])}>
          Compare
        </a>
      )}
      {(status === "failed" || status === "canceled") && (
        <button type="button" className="button button-primary" aria-disabled={busy} onClick={() => act(retry)}>
          Retry
        </button>
      )}
      {status === "completed" && workflow !== undefined && (
        <a className="button" href={href(["start", workflow])}>
          Start another
        </a>
      )}
      {error && <ErrorNotice error={error} />}
    </div>
  );
}
