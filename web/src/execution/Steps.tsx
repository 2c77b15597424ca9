import type { ExecutionView } from "../log/view";
import { type NodeState, type StepNode, stepTree } from "../log/tree";
import { duration, elapsed } from "../ui/format";
import { Avatar } from "../ui/parts";
import { turnId } from "./Turn";

interface Span {
  from: number;
  to: number;
}

/** The steps as a tree, each with a bar on the clock they share. */
export function Steps({ view, now }: { view: ExecutionView; now: number }) {
  const nodes = stepTree(view);
  if (view.started === undefined || nodes.length === 0) return <p className="muted">No step has begun yet.</p>;
  const span = { from: Date.parse(view.started), to: view.ended ? Date.parse(view.ended) : now };
  return <Nodes nodes={nodes} span={span} now={now} />;
}

function Nodes({ nodes, span, now }: { nodes: readonly StepNode[]; span: Span; now: number }) {
  return (
    <ul className="steps">
      {nodes.map((node) => (
        <li key={node.path}>
          <Row node={node} span={span} now={now} />
          {node.children.length > 0 && <Nodes nodes={node.children} span={span} now={now} />}
        </li>
      ))}
    </ul>
  );
}

const KINDS: Readonly<Record<string, string>> = { group_chat: "group chat", agent: "" };

function Row({ node, span, now }: { node: StepNode; span: Span; now: number }) {
  const { path, name, agent, kind = "", state, started, ended, turns } = node;
  return (
    <div className={`step step-${state}`} title={path}>
      <div className="step-line">
        <StepIcon state={state} />
        <span className="step-name">{name}</span>
        {agent !== undefined && <Avatar name={agent} small />}
        <span className="step-kind">{agent ?? KINDS[kind] ?? kind}</span>
        <span className="step-time">{state === "skipped" ? "skipped" : duration(elapsed(started, ended, now))}</span>
      </div>
      {state !== "skipped" && <Bar node={node} span={span} now={now} />}
      {turns.length > 0 && <Turns turns={turns} />}
    </div>
  );
}

function Bar({ node: { started, ended }, span, now }: { node: StepNode; span: Span; now: number }) {
  const whole = Math.max(1, span.to - span.from);
  const from = (Date.parse(started) - span.from) / whole;
  const length = elapsed(started, ended, now) / whole;
  return (
    <div className="bar" aria-hidden="true">
      <i style={{ left: percent(from), width: percent(Math.min(length, 1 - from)) }} />
    </div>
  );
}

function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}

/** A chat's turns as a row of its speakers; each leads to what was said. */
function Turns({ turns }: { turns: StepNode["turns"] }) {
  return (
    <div className="dots">
      {turns.map((call) => (
        <button
          key={call.key}
          type="button"
          className={`dot dot-${call.state}`}
          title={`Turn ${call.turn ?? ""}: ${call.agent}`}
          onClick={() => document.getElementById(turnId(call.key))?.scrollIntoView({ block: "center" })}
        >
          <Avatar name={call.agent} small />
          <span className="visually-hidden">{`Turn ${call.turn ?? ""}: ${call.agent}`}</span>
        </button>
      ))}
    </div>
  );
}

const ICONS: Readonly<Record<NodeState, string>> = {
  running: "",
  completed: "✓",
  failed: "✕",
  skipped: "–",
  stopped: "■",
};

/** A shape besides the colour, and a word for those who see neither. */
function StepIcon({ state }: { state: NodeState }) {
  return (
    <span className={`step-icon step-icon-${state}`}>
      <span aria-hidden="true">{ICONS[state]}</span>
      <span className="visually-hidden">{state}: </span>
    </span>
  );
}
