import type { Call, Choice, Entry, ExecutionView } from "../log/view";
import { type Inside, toolUse } from "../log/tools";
import { agentStyle, Avatar } from "../ui/parts";
import { placeOf, StateChips, turnId, TurnFigures, WhyChip } from "./callParts";
import { ForkButton } from "./Fork";
import { Payload } from "./Payload";
import { ToolUseRow } from "./ToolUse";
import { CallBody } from "./Turn";

interface Props {
  execution: string;
  view: ExecutionView;
  /** The call that began it. */
  head: Call;
  choice: Choice | undefined;
  inside: Inside;
  draw: (entry: Entry) => React.ReactNode;
}

/** An agent's go with tools: what it said, what it called and what that gave, and in the end its answer. */
export function ToolTurn({ execution, view, head, choice, inside, draw }: Props) {
  const { agent, step, role } = head;
  const told = (inside.get(step) ?? []).flatMap((entry) => (entry.kind === "call" ? (view.calls[entry.key] ?? []) : []));
  const rounds = [head, ...told.filter((call) => call.step === step)];
  return (
    <article id={turnId(head.key)} className="turn" style={agentStyle(agent)} aria-label={`${agent}, ${step}`}>
      <Avatar name={agent} />
      <header>
        <span className="turn-agent">{agent}</span>
        <span className="turn-step">{placeOf(head)}</span>
        {choice && <WhyChip choice={choice} />}
        <TurnFigures calls={rounds} />
        {role === undefined && <ForkButton step={step} />}
      </header>
      <div className="tool-turn">
        {rounds.map((call, place) => (
          <div key={call.key} className="tool-round" id={call === head ? undefined : turnId(call.key)}>
            <p className="tool-chips">
              <StateChips call={call} stopped={isStopped(call, view)} />
            </p>
            {call.state === "asked" ? (
              <>
                <Said execution={execution} call={call} />
                <ul className="tool-uses" aria-label={`Tools that ${agent} calls`}>
                  {call.asks.map((ask) => (
                    <li key={ask.path}>
                      <ToolUseRow
                        execution={execution}
                        view={view}
                        use={toolUse(ask, inside, view, place < rounds.length - 1)}
                        draw={draw}
                      />
                    </li>
                  ))}
                </ul>
              </>
            ) : (
              <CallBody execution={execution} call={call} writing={view.writing[call.key]} stopped={isStopped(call, view)} />
            )}
          </div>
        ))}
      </div>
    </article>
  );
}

function isStopped(call: Call, view: ExecutionView): boolean {
  return view.ended !== undefined && call.ended === undefined;
}

/** Its words before it called anything; where the log has no room for the answer, all of that on demand. */
function Said({ execution, call: { value, artifact } }: { execution: string; call: Call }) {
  if (artifact === null) return value === null || value === "" ? null : <Payload execution={execution} value={value} artifact={null} />;
  return (
    <details className="tool-asked">
      <summary>What it said and asked for</summary>
      <Payload execution={execution} value={null} artifact={artifact} />
    </details>
  );
}
