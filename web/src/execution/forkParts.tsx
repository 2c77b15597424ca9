/** What may be changed in a fork, each with its place to type in. */
import { useCallback, useId, useState } from "react";

import type { Recorded } from "../log/view";
import { useSession } from "../session";
import { asError, useLoad } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";
import { definitionOf, type Edits, textOf } from "./forking";

interface PartProps {
  label: string;
  hint: string;
  error: string | undefined;
  execution: string;
  /** What it was: the text begins with it. */
  recorded: Recorded | undefined;
  text: string | undefined;
  /** `isText` is said with the first text alone. */
  onText: (text: string | undefined, isText?: boolean) => void;
}

export function JsonPart({ label, hint, error, execution, recorded, text, onText }: PartProps) {
  const id = useId();
  const { api } = useSession();
  const [failure, setFailure] = useState<Error>();
  const choose = async (chosen: boolean): Promise<void> => {
    setFailure(undefined);
    if (!chosen || recorded === undefined) {
      onText(chosen ? "" : undefined, false);
      return;
    }
    try {
      const { artifact } = recorded;
      const value = artifact === null ? recorded.value : await api.artifact(execution, artifact);
      onText(textOf(value), typeof value === "string");
    } catch (reason) {
      setFailure(asError(reason));
    }
  };
  return (
    <div className="fork-part">
      <label>
        <input type="checkbox" checked={text !== undefined} onChange={(event) => choose(event.target.checked)} /> {label}
      </label>
      {failure && <ErrorNotice error={failure} />}
      {text !== undefined && (
        <div className="field">
          <textarea
            className="code"
            aria-label={`Change ${label}`}
            aria-invalid={error !== undefined}
            aria-describedby={`${id}-hint ${id}-error`}
            rows={7}
            spellCheck={false}
            value={text}
            onChange={(event) => onText(event.target.value)}
          />
          <p id={`${id}-hint`} className="hint">
            {hint}
          </p>
          <p id={`${id}-error`} className="field-error">
            {error}
          </p>
        </div>
      )}
    </div>
  );
}

interface AgentProps {
  execution: string;
  agents: readonly string[];
  agent: Edits["agent"];
  onAgent: (agent: Edits["agent"]) => void;
}

export function AgentPart({ execution, agents, agent, onAgent }: AgentProps) {
  const [chosen, setChosen] = useState<string>();
  const first = agents[0];
  if (first === undefined) return null;
  const choose = (reference: string | undefined): void => {
    setChosen(reference);
    onAgent(undefined);
  };
  return (
    <div className="fork-part">
      <label>
        <input
          type="checkbox"
          checked={chosen !== undefined}
          onChange={(event) => choose(event.target.checked ? first : undefined)}
        />{" "}
        an agent&apos;s instructions
      </label>
      {chosen !== undefined && (
        <div className="field">
          <select aria-label="Agent" value={chosen} onChange={(event) => choose(event.target.value)}>
            {agents.map((reference) => (
              <option key={reference}>{reference}</option>
            ))}
          </select>
          <Instructions key={chosen} execution={execution} reference={chosen} agent={agent} onAgent={onAgent} />
        </div>
      )}
    </div>
  );
}

function Instructions({ execution, reference, agent, onAgent }: Omit<AgentProps, "agents"> & { reference: string }) {
  const { api } = useSession();
  const load = useCallback(() => definitionOf(api, execution, reference), [api, execution, reference]);
  const { value: found, error, reload } = useLoad(load);
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (found === undefined) return <p className="muted">Loading …</p>;
  const { definition, whence } = found;
  return (
    <>
      <textarea
        aria-label={`Instructions of ${reference}`}
        rows={7}
        value={agent?.instructions ?? definition.instructions}
        onChange={(event) => onAgent({ reference, definition, instructions: event.target.value })}
      />
      <p className="hint">{whence} The stored agent stays as it is.</p>
    </>
  );
}
