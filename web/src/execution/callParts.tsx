/** Small parts of a turn and of a tool's call. */
import type { Problem, Usage } from "../api/types";
import { sumOf } from "../log/calls";
import type { Call, Choice } from "../log/view";
import { href } from "../router";
import { clock, cost, count, duration, elapsed, plural, shortId } from "../ui/format";
import { useNow } from "../ui/hooks";

/** Where the call is within its outermost step, which the heading above names. */
export function placeOf({ step, turn }: Call): string {
  return turn === undefined ? step.split("/").slice(1).join("/") : `turn ${turn}`;
}

/** The element of a call, for those who want to scroll there. */
export function turnId(key: string): string {
  return `turn-${key}`;
}

export function Pending({ text = "" }: { text?: string | undefined }) {
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

export function WhyChip({ choice: { by, reason } }: { choice: Choice }) {
  const who = by === "round_robin" ? "in turn" : by === "fallback" ? "fallback" : `${by} chose`;
  const told = by === "round_robin" ? "" : reason;
  return (
    <span className={`chip chip-why${by === "fallback" ? " chip-warning" : ""}`} title={`Why this speaker: ${reason}`}>
      <b>{who}</b> {told}
    </span>
  );
}

export function StateChips({ call, stopped }: { call: Call; stopped: boolean }) {
  const { attempt, reusedFrom, finishReason, repairs, escalates, cached, passedOver, state } = call;
  return (
    <>
      {attempt > 1 && <span className="chip">attempt {attempt}</span>}
      {repairs !== undefined && <span className="chip">asked again to mend its answer</span>}
      {escalates !== undefined && <span className="chip">asked the stronger model</span>}
      {cached && <span className="chip">kept answer, free</span>}
      {passedOver.map(({ alias, message }) => (
        <span key={alias} className="chip chip-warning" title={message}>
          instead of {alias}
        </span>
      ))}
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

export function Figures({ call: { usage, seconds, model, started } }: { call: Call }) {
  return <FigureLine usage={usage} milliseconds={seconds === undefined ? undefined : seconds * 1000} model={model} started={started} />;
}

/** Of all the calls of a turn together. */
export function TurnFigures({ calls }: { calls: readonly Call[] }) {
  const [first, last] = [calls[0], calls.at(-1)];
  if (first === undefined || last === undefined) return null;
  const usage = calls.reduce<Usage | undefined>((sum, call) => (sum && call.usage ? sumOf(sum, call.usage) : (sum ?? call.usage)), undefined);
  const over = last.ended === undefined || last.state === "asked" ? undefined : elapsed(first.started, last.ended, 0);
  return <FigureLine usage={usage} milliseconds={over} model={first.model} started={first.started} />;
}

interface FigureProps {
  usage: Usage | undefined;
  milliseconds: number | undefined;
  model: string | undefined;
  started: string;
}

function FigureLine({ usage, milliseconds, model, started }: FigureProps) {
  const figures = [
    milliseconds !== undefined && duration(milliseconds),
    usage && usage.model_calls > 1 && plural(usage.model_calls, "model call"),
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
export function Failure({ problem: { message, code } }: { problem: Problem }) {
  return (
    <p className="turn-failure">
      {message} <code>{code}</code>
    </p>
  );
}

export function Waiting({ message, until }: { message: string; until: string | undefined }) {
  const now = useNow(until !== undefined);
  const left = until === undefined ? 0 : -elapsed(until, null, now);
  return (
    <p className="waiting">
      {message} {left > 0 ? `Next try in ${Math.ceil(left / 1000)} s.` : "Trying again …"}
    </p>
  );
}
