import type { WorkflowStep } from "../api/types";
import { plural } from "../ui/format";
import { Avatar } from "../ui/parts";

/** What a workflow will do, step by step. */
export function Outline({ steps }: { steps: readonly WorkflowStep[] }) {
  return (
    <section className="outline" aria-labelledby="outline-title">
      <h2 id="outline-title">What happens</h2>
      <Steps steps={steps} />
    </section>
  );
}

function Steps({ steps }: { steps: readonly WorkflowStep[] }) {
  return (
    <ol>
      {steps.map((step) => (
        <li key={step.id}>
          <span className="outline-step">{step.id}</span> <span className="muted">{kindOf(step)}</span>
          <span className="outline-agents">
            {agentsOf(step).map((agent) => (
              <span key={agent} className="outline-agent">
                <Avatar name={agent} small /> {agent}
              </span>
            ))}
          </span>
          {childrenOf(step).length > 0 && <Steps steps={childrenOf(step)} />}
        </li>
      ))}
    </ol>
  );
}

function kindOf(step: WorkflowStep): string {
  if (step.sequential) return "one after the other";
  if (step.concurrent) return "at the same time";
  if (step.map) return "for each item";
  if (step.group_chat) return "group chat";
  if (step.handoff) return "whoever can answer";
  if (step.loop) return `again, at most ${plural(step.loop.most, "time")}`;
  if (step.switch) return "one of these";
  if (step.approval) return "a human decides";
  if (step.wait) return "wait";
  if (step.tool !== undefined) return `tool ${step.tool}`;
  if (step.workflow !== undefined) return `workflow ${step.workflow}`;
  return "";
}

/** Everyone who takes part, in the order written, once each. */
function agentsOf({ agent, group_chat: chat, handoff }: WorkflowStep): string[] {
  const said = chat?.participants.map((who) => (typeof who === "string" ? who : who.human));
  const passed = handoff && [handoff.start, ...Object.entries(handoff.may_pass).flat(2)];
  const used = said ?? passed ?? [agent ?? []].flat();
  return [...new Set(used.map((reference) => reference.replace(/@\d+$/, "")))];
}

function childrenOf({ sequential, concurrent, map, loop, switch: choice }: WorkflowStep): WorkflowStep[] {
  if (sequential) return sequential;
  if (concurrent) return Array.isArray(concurrent) ? concurrent : concurrent.branches;
  if (loop) return loop.steps;
  if (choice) return [...choice.cases.map(({ step }) => step), choice.otherwise ?? []].flat();
  return map ? [map.step] : [];
}
