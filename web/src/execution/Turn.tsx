import { memo } from "react";

import type { Problem } from "../api/types";
import { href } from "../router";
import type { Call, Choice, Writing } from "../log/view";
import { clock, cost, count, duration, elapsed, shortId } from "../ui/format";
import { useNow } from "../ui/hooks";
import { agentStyle, Avatar } from "../ui/parts";
import { Payload } from "./Payload";

interface Props {
  execution: string;
  call: Call;
  writing: Writing | undefined;
  choice: Choice | undefined;
  /** The execution ended before this call did. */
  stopped: boolean;
}

/** One agent's go: who, why, what it says, what it cost. */
export const Turn = memo(function Turn({ execution, call, writing, choice, stopped }: Props) {
  const { role, agent, state } = call;
  if (role !== undefined) return <Choosing call={call} />;
  return (
    <article id={turnId(call.key)} className="turn" style={agentStyle(agent)} aria-label={`${agent}, ${call.step}`}>
      <Avatar name={agent} />
      <header>
        <span className="turn-agent">{agent}</span>
        <span className="turn-step">{placeOf(call)}</span>
        {choice && <WhyChip choice={choice} />}
        <StateChips call={call} stopped={stopped} />
        <Figures call={call} />
      </header>
      {state === "completed" && <Payload execution={execution} value={call.value} artifact={call.artifact} />}
      {state === "running" && !stopped && <Pending text={writing?.text} />}
      {state === "running" && stopped && <p className="muted">Stopped before it was finished.</p>}
      {call.error && state === "failed" && <Failure problem={call.error} />}
      {call.error && state === "waiting" && !stopped && <Waiting message={call.error.message} until={call.retryAt} />}
    </article>
  );
});

/** Pieces that came before the log told of their call. */
export function EarlyTurn({ writing, choice }: { writing: Writing; choice: Choice | undefined }) {
  return (
    <article className="turn" style={agentStyle(writing.agent)} aria-label={writing.agent}>
      <Avatar name={writing.agent} />
      <header>
        <span className="turn-agent">{writing.agent}</span>
        {choice && <WhyChip choice={choice} />}
      </header>
      <Pending text={writing.text} />
    </article>
  );
}

/** Where the call is within its outermost step, which the heading above names. */
function placeOf({ step, turn }: Call): string {
  return turn === undefined ? step.split("/").slice(1).join("/") : `turn ${turn}`;
}

/** The element of a call, for those who want to scroll there. */
export function turnId(key: string): string {
  return `turn-${key}`;
}

function Pending({ text = "" }: { text?: string | undefined }) {
  if (text === "") {
    return (
      <p className="thinking" aria-label="Thinking">
        <i />
        <i />
        <i />
      </p>
    );
  }
  return <div className="prose writing">{text}</div>;
}

function WhyChip({ choice: { by, reason } }: { choice: Choice }) {
  const who = by === "round_robin" ? "in turn" : by === "fallback" ? "fallback" : `${by} chose`;
  const told = by === "round_robin" ? "" : reason;
  return (
    <span className={`chip chip-why${by === "fallback" ? " chip-warning" : ""}`} title={`Why this speaker: ${reason}`}>
      <b>{who}</b> {told}
    </span>
  );
}

function StateChips({ call, stopped }: { call: Call; stopped: boolean }) {
  const { attempt, reusedFrom, finishReason, state } = call;
  return (
    <>
      {attempt > 1 && <span className="chip">attempt {attempt}</span>}
      {reusedFrom !== undefined && (
        <a className="chip" href={href(["executions", reusedFrom])}>
          reused from {shortId(reusedFrom)}
        </a>
      )}
      {finishReason === "length" && <span className="chip chip-warning">cut off at its token limit</span>}
      {state === "waiting" && !stopped && <span className="chip chip-warning">waiting to try again</span>}
    </>
  );
}

function Figures({ call: { usage, seconds, model, started } }: { call: Call }) {
  if (usage === undefined) return <span className="figures">{clock(started)}</span>;
  const figures = [
    seconds !== undefined && duration(seconds * 1000),
    `${count(usage.tokens_in)} → ${count(usage.tokens_out)} tokens`,
    usage.cost_usd !== null && Number(usage.cost_usd) > 0 && cost(usage),
  ];
  return (
    <span className="figures" title={`${model ?? "model"}, ${clock(started)}`}>
      {figures.filter(Boolean).join(" · ")}
    </span>
  );
}

/** One line: the failure of the step, or of the execution, is told in full where it is decided. */
function Failure({ problem: { message, code } }: { problem: Problem }) {
  return (
    <p className="turn-failure">
      {message} <code>{code}</code>
    </p>
  );
}

/** A chair at work: only what it chose will stay, as the reason of the turn. */
function Choosing({ call: { agent, error } }: { call: Call }) {
  return (
    <p className="choosing">
      <Avatar name={agent} small /> {agent} chooses who speaks next … {error && `(${error.message})`}
    </p>
  );
}

function Waiting({ message, until }: { message: string; until: string | undefined }) {
  const now = useNow(until !== undefined);
  const left = until === undefined ? 0 : -elapsed(until, null, now);
  return (
    <p className="waiting">
      {message} {left > 0 ? `Next try in ${Math.ceil(left / 1000)} s.` : "Trying again …"}
    </p>
  );
}
