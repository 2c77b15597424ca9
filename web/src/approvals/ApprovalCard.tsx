import { useId, useState } from "react";

import type { Approval } from "../api/types";
import { Payload } from "../execution/Payload";
import { href } from "../router";
import { useSession } from "../session";
import { ago, moment, shortId, until } from "../ui/format";
import { asError, useNow } from "../ui/hooks";
import { Avatar, ErrorNotice } from "../ui/parts";
import { usePending } from "./pending";
import { anyOf, buttonOf, decided, defaultOutcome } from "./words";

interface Props {
  approval: Approval;
  /** It is shown inside its own execution, which needs no link to it. */
  within?: boolean;
  onDecided?: (decision: string) => void;
}

/** A question to a human: what is asked, what to look at, until when, and the answers there are. */
export function ApprovalCard({ approval, within = false, onDecided }: Props) {
  const id = useId();
  const { ask, show, kind, state } = approval;
  return (
    <article className={`approval card approval-${state}`} aria-labelledby={id}>
      <header>
        <span className="approval-icon" aria-hidden="true">
          {state === "pending" ? "?" : "✓"}
        </span>
        <h3 id={id} className="prose">
          {ask}
        </h3>
      </header>
      <Facts approval={approval} within={within} />
      {show !== null && (
        <div className="approval-show" tabIndex={0} role="group" aria-label="What to look at">
          {kind === "tool" ? (
            // To the letter: `1` and `"1"` are not the same.
            <pre className="json">
              <code>{JSON.stringify(show, null, 2)}</code>
            </pre>
          ) : (
            <Payload execution={approval.execution} value={show} artifact={null} />
          )}
        </div>
      )}
      {state === "pending" ? (
        <Answer approval={approval} onDecided={onDecided} />
      ) : (
        <Outcome approval={approval} />
      )}
    </article>
  );
}

const KINDS: Readonly<Record<Approval["kind"], string>> = {
  approval: "Approval",
  failure: "A step failed",
  turn: "A human's turn in a chat",
  tool: "An agent's tool call",
  uncertain: "A tool call that was cut off",
};

function Facts({ approval, within }: { approval: Approval; within: boolean }) {
  const { kind, step, workflow, execution, created, deadline, otherwise, state, escalated } = approval;
  const now = useNow(state === "pending", 1000);
  return (
    <p className="approval-facts">
      <span>
        {KINDS[kind]}, <code>{step}</code>
        {!within && (
          <>
            {" of "}
            <a href={href(["executions", execution])}>
              {workflow} <span className="id">{shortId(execution)}</span>
            </a>
          </>
        )}
      </span>
      <span title={moment(created)}>asked {ago(created, now)}</span>
      {escalated && <span className="chip chip-warning">↑ escalated</span>}
      {state === "pending" && (
        <span className="approval-deadline">
          {deadline === null ? (
            "No deadline: it waits for an answer."
          ) : (
            <>
              Ends <time dateTime={deadline} title={moment(deadline)}>{until(deadline, now)}</time>; then{" "}
              {defaultOutcome(otherwise)}.
            </>
          )}
        </span>
      )}
    </p>
  );
}

const COMMENTS: Readonly<Record<string, { label: string; hint: string }>> = {
  turn: { label: "Your words", hint: "" },
  tool: { label: "Comment", hint: "The agent is told why, where you reject it." },
  uncertain: {
    label: "What it gave",
    hint: "Look at the other side first. Where it was carried out, what you write here, as JSON or in words, is taken as its result.",
  },
};

function Answer({ approval, onDecided }: { approval: Approval; onDecided: Props["onDecided"] }) {
  const id = useId();
  const { api, me } = useSession();
  const { reload } = usePending();
  const [comment, setComment] = useState("");
  const [sent, setSent] = useState<string>();
  const [error, setError] = useState<Error>();
  const isTurn = approval.kind === "turn";
  const { label, hint } = COMMENTS[approval.kind] ?? { label: "Comment", hint: "" };
  const mayDecide = me.roles.includes("admin") || me.roles.some((role) => approval.roles.includes(role));

  const decide = async (decision: string): Promise<void> => {
    setSent(decision);
    setError(undefined);
    try {
      await api.decide(approval.id, decision, comment.trim());
      onDecided?.(decision);
    } catch (reason) {
      setError(asError(reason));
      setSent(undefined);
    }
    // It is no longer there; nor is it when somebody else was quicker.
    reload();
  };

  if (!mayDecide) {
    return <p className="muted">Only {anyOf(approval.roles)} may answer; you are {anyOf(me.roles)}.</p>;
  }
  return (
    <div className="approval-answer">
      <div className="field">
        <label htmlFor={id}>
          {label} {!isTurn && <span className="muted">optional</span>}
        </label>
        <textarea id={id} rows={isTurn ? 4 : 2} maxLength={10_000} value={comment} aria-describedby={`${id}-hint`} onChange={(event) => setComment(event.target.value)} />
        {hint !== "" && (
          <p id={`${id}-hint`} className="hint">
            {hint}
          </p>
        )}
      </div>
      <div className="form-actions">
        {approval.options.map((option, index) => (
          <button
            key={option}
            type="button"
            className={`button${index === 0 ? " button-primary" : ""}`}
            disabled={sent !== undefined || (option === "say" && comment.trim() === "")}
            onClick={() => decide(option)}
          >
            <span aria-hidden="true">{buttonOf(option).icon}</span> {buttonOf(option).label}
          </button>
        ))}
        {sent !== undefined && <span role="status" className="muted">Sent.</span>}
      </div>
      {error && <ErrorNotice error={error} />}
    </div>
  );
}

function Outcome({ approval: { decision, by, comment, decided: time, state } }: { approval: Approval }) {
  if (state === "withdrawn") return <p className="approval-outcome">Withdrawn: it is not needed any more.</p>;
  return (
    <div className="approval-outcome">
      <p>
        <b>{decided(decision ?? "")}</b>{" "}
        {by === null ? "because nobody had answered by the deadline" : <>by <Avatar name={by} small /> {by}</>}
        {time !== null && <span className="muted">, {moment(time)}</span>}
      </p>
      {comment !== "" && <q className="prose">{comment}</q>}
    </div>
  );
}
