import { memo } from "react";

import type { Json } from "../api/types";
import type { Call, Choice, Writing } from "../log/view";
import { agentStyle, Avatar } from "../ui/parts";
import { Failure, Figures, Pending, placeOf, StateChips, turnId, Waiting, WhyChip } from "./callParts";
import { ForkButton } from "./Fork";
import { Payload } from "./Payload";
import { ToolCall } from "./ToolCall";

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
  const { role, agent } = call;
  if (role !== undefined && role !== "tool") return <AtWork call={call} />;
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
        {role === undefined && <ForkButton step={call.step} />}
      </header>
      <CallBody execution={execution} call={call} writing={writing} stopped={stopped} />
    </article>
  );
});

/** What a model's call has come to. */
export function CallBody({ execution, call, writing, stopped }: Omit<Props, "choice">) {
  const { state } = call;
  return (
    <>
      {state === "completed" && said(call.value) !== "" && (
        <Payload execution={execution} value={said(call.value)} artifact={call.artifact} />
      )}
      {state === "rejected" && <Rejected execution={execution} call={call} />}
      {state === "running" && !stopped && <Pending text={writing?.text} />}
      {state === "running" && stopped && <p className="muted">Stopped before it was finished.</p>}
      {call.error && state === "failed" && <Failure problem={call.error} />}
      {state === "failed" && <Partial execution={execution} call={call} />}
      {call.error && state === "waiting" && !stopped && <Waiting message={call.error.message} until={call.retryAt} />}
    </>
  );
}

/** In a handoff the answer comes with whom the conversation is passed to, which is told by itself. */
function said(value: Json): Json {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject && "pass_to" in value && typeof value.answer === "string" ? value.answer : value;
}

/** An answer that did not fit: what was wrong with it, and on demand the answer. */
function Rejected({ execution, call: { value, artifact, error } }: Pick<Props, "execution" | "call">) {
  return (
    <details className="tool-asked">
      <summary>Its answer did not fit: {error?.message}</summary>
      <Payload execution={execution} value={value} artifact={artifact} />
    </details>
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
