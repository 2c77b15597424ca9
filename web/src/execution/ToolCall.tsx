import type { Call } from "../log/view";
import { Failure, Figures, Pending, placeOf, StateChips, turnId, Waiting } from "./callParts";
import { ForkButton } from "./Fork";
import { Payload } from "./Payload";

interface Props {
  execution: string;
  call: Call;
  /** The execution ended before this call did. */
  stopped: boolean;
}

/** A tool that a step, or an agent in its turn, calls: with what, and what it gave. */
export function ToolCall({ execution, call, stopped }: Props) {
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
