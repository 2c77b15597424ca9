import { useState } from "react";

import { readJson } from "../form/json";
import { useSession } from "../session";
import { Dialog } from "../ui/Dialog";
import { asError } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";

/** Sends an execution the event that a step of it waits for. */
export function SignalDialog({ execution, name, onClose }: { execution: string; name: string; onClose: () => void }) {
  const { api } = useSession();
  const [text, setText] = useState("{}");
  const [busy, setBusy] = useState(false);
  const [mistake, setMistake] = useState<string>();
  const [problem, setProblem] = useState<Error>();
  const send = async (): Promise<void> => {
    if (busy) return;
    const { value, error } = readJson(text);
    setMistake(error);
    if (error !== undefined) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await api.signal(execution, name, value);
      onClose();
    } catch (reason) {
      setProblem(asError(reason));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Send the event “${name}”`} onClose={onClose}>
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div className="field">
          <label htmlFor="signal">What comes with it</label>
          <textarea
            id="signal"
            className="code"
            rows={6}
            spellCheck={false}
            aria-invalid={mistake !== undefined}
            aria-describedby="signal-hint signal-error"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <p id="signal-hint" className="hint">
            As JSON. It becomes the step&apos;s output.
          </p>
          <p id="signal-error" className="field-error">
            {mistake}
          </p>
        </div>
        {problem && <ErrorNotice error={problem} />}
        <div className="form-actions">
          <button type="submit" className="button button-primary" aria-disabled={busy}>
            {busy ? "Sending …" : "Send it"}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
