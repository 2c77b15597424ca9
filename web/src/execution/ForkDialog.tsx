import { useState } from "react";

import { isTurn } from "../log/paths";
import type { ExecutionView } from "../log/view";
import { href, navigate } from "../router";
import { useSession } from "../session";
import { Dialog } from "../ui/Dialog";
import { asError } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";
import { agentsIn, type Edits, outputOf, requestOf } from "./forking";
import { AgentPart, JsonPart } from "./forkParts";

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
          <JsonPart
            label="the input"
            error={errors.input}
            hint="As JSON. Steps that see something else than before are done anew, too."
            execution={execution}
            recorded={input}
            text={edits.input}
            onText={(text) => setEdits({ ...edits, input: text })}
          />
          {!isTurn(step) && (
            <JsonPart
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
          )}
          <AgentPart
            execution={execution}
            agents={agents}
            agent={edits.agent}
            onAgent={(agent) => setEdits({ ...edits, agent })}
          />
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
