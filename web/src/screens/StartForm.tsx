import { useCallback, useRef, useState } from "react";

import { ApiError } from "../api/client";
import type { FieldError, Json, Stored, Workflow } from "../api/types";
import {
  type Drafts,
  fieldsOf,
  initialDrafts,
  inputErrors,
  otherErrors,
  parseDrafts,
  parseInput,
} from "../form/fields";
import { SchemaForm } from "../form/SchemaForm";
import { href, navigate } from "../router";
import { useSession } from "../session";
import { asError, useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading, Notice } from "../ui/parts";
import { uuid4 } from "../ui/uuid";
import { Outline } from "./Outline";

/** The start of one workflow: its input as a form, or as JSON. */
export function StartForm({ name }: { name: string }) {
  useTitle(`Start ${name}`);
  const { api } = useSession();
  const { value: stored, error, reload } = useLoad(useCallback(() => api.workflow(name), [api, name]));
  return (
    <>
      <p className="crumbs">
        <a href={href(["start"])}>← Workflows</a>
      </p>
      {error && <ErrorNotice error={error} retry={reload} />}
      {stored && <Loaded stored={stored} />}
      {!stored && !error && <Loading what="the workflow" />}
    </>
  );
}

function Loaded({ stored: { definition, version } }: { stored: Stored<Workflow> }) {
  return (
    <>
      <h1>
        {definition.name} <span className="muted">version {version}</span>
      </h1>
      {definition.description !== "" && <p className="lead">{definition.description}</p>}
      <div className="start">
        <InputForm workflow={definition} />
        <Outline steps={definition.steps} />
      </div>
    </>
  );
}

function InputForm({ workflow }: { workflow: Workflow }) {
  const fields = fieldsOf(workflow.input);
  const [drafts, setDrafts] = useState<Drafts>(() => initialDrafts(fields ?? []));
  const [text, setText] = useState("{}");
  const [asJson, setAsJson] = useState(fields === null);
  const { start, busy, errors, problem, setErrors } = useStart(workflow.name);
  const shown = fields !== null && !asJson ? fields : null;

  const submit = (): void => {
    const parsed = shown ? parseDrafts(shown, drafts) : parseInput(text);
    setErrors(parsed.errors ?? []);
    if (parsed.errors === null || parsed.errors.length === 0) void start(parsed.input);
  };
  const editAsJson = (): void => {
    const parsed = shown ? parseDrafts(shown, drafts) : null;
    if (parsed?.input) setText(JSON.stringify(parsed.input, null, 2));
    setAsJson(!asJson);
  };

  return (
    <form
      className="card form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <FormErrors problem={problem} errors={shown ? otherErrors(shown, errors) : errors} />
      {shown?.length === 0 && <p className="muted">This workflow needs no input.</p>}
      {shown ? (
        <SchemaForm fields={shown} drafts={drafts} errors={errors} onChange={setDrafts} />
      ) : (
        <JsonField text={text} onChange={setText} />
      )}
      <div className="form-actions">
        <button type="submit" className="button button-primary" disabled={busy}>
          {busy ? "Starting …" : "Start"}
        </button>
        {fields !== null && (
          <button type="button" className="button button-quiet" onClick={editAsJson}>
            {asJson ? "Edit as form" : "Edit as JSON"}
          </button>
        )}
      </div>
    </form>
  );
}

interface Start {
  start: (input: Json) => Promise<void>;
  busy: boolean;
  errors: FieldError[];
  problem: Error | undefined;
  setErrors: (errors: FieldError[]) => void;
}

/** Starts an execution and goes to it. What was sent before without an answer is not started twice. */
function useStart(workflow: string): Start {
  const { api } = useSession();
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const [problem, setProblem] = useState<Error>();
  const sent = useRef({ body: "", key: "" });

  const start = async (input: Json): Promise<void> => {
    const body = JSON.stringify(input);
    if (sent.current.body !== body) sent.current = { body, key: uuid4() };
    setBusy(true);
    setProblem(undefined);
    try {
      const execution = await api.start(workflow, input, sent.current.key);
      navigate(href(["executions", execution.id]));
    } catch (reason) {
      if (reason instanceof ApiError && reason.errors.length > 0) setErrors(inputErrors(reason.errors));
      else setProblem(asError(reason));
      setBusy(false);
    }
  };
  return { start, busy, errors, problem, setErrors };
}

function FormErrors({ problem, errors }: { problem: Error | undefined; errors: FieldError[] }) {
  return (
    <>
      {problem && <ErrorNotice error={problem} />}
      {errors.length > 0 && <Notice title="The input is not accepted as it is." details={errors} />}
    </>
  );
}

function JsonField({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  return (
    <div className="field">
      <label htmlFor="input">Input</label>
      <textarea
        id="input"
        className="code"
        rows={12}
        spellCheck={false}
        value={text}
        onChange={(event) => onChange(event.target.value)}
      />
      <p className="hint">As JSON.</p>
    </div>
  );
}
