import { memo, useMemo, useState } from "react";

import type { ExecutionView } from "../log/view";
import { type StepNode, stepTree } from "../log/tree";
import { duration, elapsed, plural } from "../ui/format";
import { reveal } from "../ui/Lazy";
import { Avatar } from "../ui/parts";
import { askedId } from "./AskedCard";
import { ForkButton } from "./Fork";
import { turnId } from "./callParts";
import { StepIcon } from "./StepIcon";
import { waitWords } from "./words";

/** The steps as a tree, each with a bar on the clock they share. */
export function Steps({ view, now }: { view: ExecutionView; now: number }) {
  const { steps, calls, approvals, started, ended } = view;
  const nodes = useMemo(() => stepTree({ steps, calls, approvals, ended }), [steps, calls, approvals, ended]);
  if (started === undefined || nodes.length === 0) return <p className="muted">No step has begun yet.</p>;
  // The bars are drawn in milliseconds of this clock: when it goes on, nothing else has to be made anew.
  const clock = { "--whole": Math.max(1, elapsed(started, ended, now)) } as React.CSSProperties;
  return (
    <div className="steps-clock" style={clock}>
      <Nodes nodes={nodes} began={Date.parse(started)} now={now} quiet={false} />
    </div>
  );
}

/** More than this are not shown without being asked for. */
const MANY = 60;

interface NodesProps {
  nodes: readonly StepNode[];
  began: number;
  now: number;
  /** Why they were canceled is told of the step around them. */
  quiet: boolean;
}

function Nodes({ nodes, began, now, quiet }: NodesProps) {
  const [all, setAll] = useState(false);
  const shown = all || nodes.length <= MANY ? nodes : notable(nodes);
  return (
    <ul className="steps">
      {shown.map((node) => (
        <li key={node.path}>
          <Row node={node} began={began} now={node.ended === undefined ? now : 0} quiet={quiet} />
          {node.children.length > 0 && (
            <Nodes nodes={node.children} began={began} now={now} quiet={quiet || node.state === "canceled"} />
          )}
        </li>
      ))}
      {shown.length < nodes.length && (
        <li>
          <button type="button" className="link steps-more" onClick={() => setAll(true)}>
            Show all {nodes.length}
          </button>
        </li>
      )}
    </ul>
  );
}

/** Of many, those that did not just complete; without any, the first ones. */
function notable(nodes: readonly StepNode[]): readonly StepNode[] {
  const found = nodes.filter(({ state }) => state !== "completed" && state !== "skipped");
  return (found.length > 0 ? found : nodes.slice(0, 10)).slice(0, MANY);
}

const KINDS: Readonly<Record<string, string>> = {
  group_chat: "group chat",
  map: "for each",
  approval: "a human decides",
  agent: "",
  tool: "",
  round: "",
};

/** `now` matters to those alone that have not ended. */
const Row = memo(function Row({ node, began, now, quiet }: Omit<NodesProps, "nodes"> & { node: StepNode }) {
  const { path, name, agent, tool, kind = "", state, started, ended, turns, wait, round, reason } = node;
  const rounds = round !== undefined && (ended === undefined ? `round ${round}` : plural(round, "round"));
  const what = [agent ?? tool ?? KINDS[kind] ?? kind, rounds].filter(Boolean);
  return (
    <div className={`step step-${state}`} title={path}>
      <div className="step-line">
        <StepIcon state={state} asks={wait?.for === "approval"} />
        <span className="step-name">{name}</span>
        {agent !== undefined && <Avatar name={agent} small />}
        <span className="step-kind">{what.join(", ")}</span>
        {kind !== "round" && <ForkButton step={path} />}
        <span className="step-time">{state === "skipped" ? "skipped" : duration(elapsed(started, ended, now))}</span>
      </div>
      {wait !== undefined && <p className="step-note">{waitWords(wait, now)}</p>}
      {state === "canceled" && !quiet && <p className="step-note">canceled: {reason}</p>}
      {state !== "skipped" && <Bar node={node} began={began} now={now} />}
      {turns.length > 0 && <Turns turns={turns} />}
    </div>
  );
});

function Bar({ node: { started, ended }, began, now }: { node: StepNode; began: number; now: number }) {
  const place = { "--from": Math.max(0, Date.parse(started) - began), "--length": Math.max(0, elapsed(started, ended, now)) };
  return (
    <div className="bar" aria-hidden="true">
      <i style={place as React.CSSProperties} />
    </div>
  );
}

/** A chat's turns as a row of its speakers, the latest ones of many; each leads to what was said. */
function Turns({ turns }: { turns: StepNode["turns"] }) {
  const [all, setAll] = useState(false);
  const shown = all ? turns : turns.slice(-MANY);
  return (
    <div className="dots">
      {shown.length < turns.length && (
        <button type="button" className="link steps-more" onClick={() => setAll(true)}>
          {turns.length - shown.length} earlier …
        </button>
      )}
      {shown.map((turn) => (
        <Dot key={turn.key} turn={turn} />
      ))}
    </div>
  );
}

const Dot = memo(function Dot({ turn: { key, isHuman, state, number, who } }: { turn: StepNode["turns"][number] }) {
  const name = `Turn ${number}: ${who}`;
  const show = (): unknown => reveal(isHuman ? askedId(key) : turnId(key));
  return (
    <button type="button" className={`dot dot-${state}`} title={name} onClick={show}>
      <Avatar name={who} small />
      <span className="visually-hidden">{name}</span>
    </button>
  );
});
