import { memo } from "react";

import type { Problem } from "../api/types";
import { href } from "../router";
import type { Call, Choice, Writing } from "../log/view";
import { clock, cost, count, duration, elapsed, shortId } from "../ui/format";
import { useNow } from "../ui/hooks";
import { agentStyle, Avatar } from "../ui/parts";
import { ForkButton } from "./Fork";
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
  if (role !== undefined) return <AtWork call={call} />;
  if (call.tool !== undefined) return <ToolCall execution={execution} call={call} stopped={stopped} />;
  return (
    <article id={turnId(call.key)} className="turn" style={agentStyle(agent)} aria-label={`${agent}, ${call.step}`}>
      <Avatar name={agent} />
      <header>
        <span className="turn-agent">{agent}</span>
        <span className="turn-step">{placeOf(call)}</span>
        {choice && <WhyChip choice={choice} />}
        <StateChips call={call} stopped={stopped} />
        <Figures call={call} />
        <ForkButton step={call.step} />
      </header>
      {state === "completed" && <Payload execution={execution} value={call.value} artifact={call.artifact} />}
      {state === "running" && !stopped && <Pending text={writing?.text} />}
      {state === "running" && stopped && <p className="muted">Stopped before it was finished.</p>}
      {call.error && state === "failed" && <Failure problem={call.error} />}
      {state === "failed" && <Partial execution={execution} call={call} />}
      {call.error && state === "waiting" && !stopped && <Waiting message={call.error.message} until={call.retryAt} />}
    </article>
  );
});

/** A tool that a step, or an agent in its turn, calls: with what, and what it gave. */
function ToolCall({ execution, call, stopped }: Pick<Props, "execution" | "call" | "stopped">) {
  const { tool = "", agent, state, asked, value, artifact, error } = call;
  return (
    <article id={turnId(call.key)} className="turn turn-tool" aria-label={`Tool ${tool}, ${call.step}`}>
      <span className="avatar avatar-tool" aria-hidden="true">
        ⚙
      </span>
      <header>
        <span className="turn-agent">{tool}</span>
        <span className="turn-step">{agent === "" ? placeOf(call) : `called by ${agent}`}</span>
        <StateChips call={call} stopped={stopped} />
        <Figures call={call} />
        {agent === "" && <ForkButton step={call.step} />}
      </header>
      {asked !== null && (
        <details className="tool-asked">
          <summary>Called with</summary>
          <Payload execution={execution} value={asked} artifact={null} />
        </details>
      )}
      {state === "completed" && <Payload execution={execution} value={value} artifact={artifact} />}
      {state === "running" && (stopped ? <p className="muted">Stopped before it answered.</p> : <Pending />)}
      {error && state === "failed" && <Failure problem={error} />}
      {error && state === "waiting" && !stopped && <Waiting message={error.message} until={call.retryAt} />}
    </article>
  );
}

/** What had been written when the call was stopped is kept, and said to be a part. */
function Partial({ execution, call: { value, artifact } }: Pick<Props, "execution" | "call">) {
  if (value === null && artifact === null) return null;
  return (
    <div className="partial">
      <p className="muted">As far as it came:</p>
      <Payload execution={execution} value={value} artifact={artifact} />
    </div>
  );
}

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
  const { attempt, reusedFrom, finishReason, repaired, state } = call;
  return (
    <>
      {attempt > 1 && <span className="chip">attempt {attempt}</span>}
      {repaired && <span className="chip">asked again: its answer did not fit</span>}
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
  const figures = [
    seconds !== undefined && duration(seconds * 1000),
    usage && usage.model_calls > 0 && `${count(usage.tokens_in)} → ${count(usage.tokens_out)} tokens`,
    usage && usage.cost_usd !== null && Number(usage.cost_usd) > 0 && cost(usage),
  ].filter(Boolean);
  if (figures.length === 0) return <span className="figures">{clock(started)}</span>;
  return (
    <span className="figures" title={`${model ?? "model"}, ${clock(started)}`}>
      {figures.join(" · ")}
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

const WORK: Readonly<Record<string, string>> = {
  chair: "chooses who speaks next",
  judge: "judges whether it is enough",
  summary: "sums up what was said",
};

/** Someone at work for a chat: only what comes of it will stay, at the turn or at the end. */
function AtWork({ call: { agent, role = "", error } }: { call: Call }) {
  return (
    <p className="choosing">
      <Avatar name={agent} small /> {agent} {WORK[role] ?? `works as ${role}`} … {error && `(${error.message})`}
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
