import { createContext, useCallback, useContext, useId, useState } from "react";

import type { Agent } from "../api/types";
import type { ExecutionView } from "../log/view";
import { href, navigate } from "../router";
import { useSession } from "../session";
import { Dialog } from "../ui/Dialog";
import { asError, useLoad } from "../ui/hooks";
import { ForkIcon } from "../ui/icons";
import { ErrorNotice } from "../ui/parts";
import { agentsIn, type Edits, outputOf, type Recorded, requestOf, textOf } from "./forking";

/** Opens the dialog for a step; undefined where there is none. */
export const ForkContext = createContext<((step: string) => void) | undefined>(undefined);

export function ForkButton({ step }: { step: string }) {
  const open = useContext(ForkContext);
  if (open === undefined) return null;
  return (
    <button type="button" className="fork-button" title="Fork from here" onClick={() => open(step)}>
      <ForkIcon />
      <span className="visually-hidden">Fork from {step}</span>
    </button>
  );
}

interface Props {
  execution: string;
  step: string;
  view: ExecutionView;
  onClose: () => void;
}

/** Another execution from this step on: with what changed? */
export function ForkDialog({ execution, step, view, onClose }: Props) {
  const { api } = useSession();
  // As it was when it was opened: what comes meanwhile must not disturb what is typed.
  const [{ output, agents, input }] = useState(() => ({
    output: outputOf(view, step),
    agents: agentsIn(view, step),
    input: { value: view.input, artifact: view.inputArtifact },
  }));
  const [edits, setEdits] = useState<Edits>({});
  const [outputIsText, setOutputIsText] = useState(false);
  const [errors, setErrors] = useState<{ input?: string; output?: string }>({});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Error>();

  const submit = async (): Promise<void> => {
    if (busy) return;
    const made = requestOf(step, edits, outputIsText);
    setErrors(made.errors ?? {});
    if (made.request === null) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const { id } = await api.fork(execution, made.request);
      onClose();
      navigate(href(["executions", id]));
    } catch (reason) {
      setProblem(asError(reason));
      setBusy(false);
    }
  };

  return (
    <Dialog title="Fork from here" onClose={onClose}>
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p>
          Starts another execution. What was finished before <code>{step}</code> is taken over and not paid for again;{" "}
          {edits.output === undefined ? "it and what follows is done anew." : "it gives what you write, and what follows is done anew."}
        </p>
        <fieldset>
          <legend>Change</legend>
          <Part
            label="the input"
            error={errors.input}
            hint="As JSON. Steps that see something else than before are done anew, too."
            execution={execution}
            recorded={input}
            text={edits.input}
            onText={(text) => setEdits({ ...edits, input: text })}
          />
          <Part
            label="this step's output"
            error={errors.output}
            hint={outputIsText ? "As text." : "As JSON; a text in quotes."}
            execution={execution}
            recorded={output}
            text={edits.output}
            onText={(text, isText) => {
              setEdits({ ...edits, output: text });
              if (isText !== undefined) setOutputIsText(isText);
            }}
          />
          <AgentPart agents={agents} agent={edits.agent} onAgent={(agent) => setEdits({ ...edits, agent })} />
        </fieldset>
        {problem && <ErrorNotice error={problem} />}
        <div className="form-actions">
          <button type="submit" className="button button-primary" aria-disabled={busy} disabled={edits.agent?.instructions.trim() === ""}>
            {busy ? "Starting …" : "Start the fork"}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

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

function Part({ label, hint, error, execution, recorded, text, onText }: PartProps) {
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
  agents: readonly string[];
  agent: Edits["agent"];
  onAgent: (agent: Edits["agent"]) => void;
}

function AgentPart({ agents, agent, onAgent }: AgentProps) {
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
          <Instructions key={chosen} reference={chosen} agent={agent} onAgent={onAgent} />
        </div>
      )}
    </div>
  );
}

function Instructions({ reference, agent, onAgent }: Pick<AgentProps, "agent" | "onAgent"> & { reference: string }) {
  const { api } = useSession();
  const load = useCallback(() => api.agent(reference), [api, reference]);
  const { value: stored, error, reload } = useLoad(load);
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (stored === undefined) return <p className="muted">Loading …</p>;
  const definition: Agent = stored.definition;
  return (
    <>
      <textarea
        aria-label={`Instructions of ${reference}`}
        rows={7}
        value={agent?.instructions ?? definition.instructions}
        onChange={(event) => onAgent({ reference, definition, instructions: event.target.value })}
      />
      <p className="hint">Begins with version {stored.version}; the stored agent stays as it is.</p>
    </>
  );
}
