import type { WorkflowStep } from "../api/types";
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
  return "";
}

function agentsOf({ agent, group_chat: chat }: WorkflowStep): string[] {
  const used = chat ? chat.participants : [agent ?? []].flat();
  return used.map((reference) => reference.replace(/@\d+$/, ""));
}

function childrenOf({ sequential, concurrent, map }: WorkflowStep): WorkflowStep[] {
  if (sequential) return sequential;
  if (concurrent) return Array.isArray(concurrent) ? concurrent : concurrent.branches;
  return map ? [map.step] : [];
}
