import type { NodeState } from "../log/tree";

const ICONS: Readonly<Record<NodeState, string>> = {
  running: "",
  waiting: "…",
  completed: "✓",
  failed: "✕",
  skipped: "–",
  canceled: "/",
  stopped: "■",
};

/** A shape besides the colour, and a word for those who see neither. */
export function StepIcon({ state, asks }: { state: NodeState; asks: boolean }) {
  return (
    <span className={`step-icon step-icon-${state}`}>
      <span aria-hidden="true">{asks ? "?" : ICONS[state]}</span>
      <span className="visually-hidden">{state}: </span>
    </span>
  );
}
