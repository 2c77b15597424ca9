import { useCallback, useRef, useState } from "react";

import { ApiError } from "../api/client";
import type { FieldError, Json, Stored } from "../api/types";
import { Payload } from "../execution/Payload";
import { type Drafts, draftOf, type Field, fieldsOf, initialDrafts, otherErrors, parseDrafts, parseInput } from "../form/fields";
import { SchemaForm } from "../form/SchemaForm";
import { href } from "../router";
import { useSession } from "../session";
import { duration } from "../ui/format";
import { asError, useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading, Notice, ProblemNotice } from "../ui/parts";
import { uuid4 } from "../ui/uuid";
import { type Called, callTool, type Tool, toolOf } from "./api";

/** One tool: what it is, and a bench to call it by hand. */
export function ToolScreen({ name }: { name: string }) {
  useTitle(`Tool ${name}`);
  const { api } = useSession();
  const { value: stored, error, reload } = useLoad(useCallback(() => toolOf(api, name), [api, name]));
  return (
    <>
      <p className="crumbs">
        <a href={href(["tools"])}>← Tools</a>
      </p>
      {error && <ErrorNotice error={error} retry={reload} />}
      {stored === undefined && !error && <Loading what="the tool" />}
      {stored && <Loaded stored={stored} />}
    </>
  );
}

function Loaded({ stored }: { stored: Stored<Tool> }) {
  const { definition: tool, version } = stored;
  return (
    <>
      <h1>
        {tool.name} <span className="muted">version {version}</span>
      </h1>
      {tool.description && <p className="lead">{tool.description}</p>}
      <div className="start">
        {tool.workflow === undefined && tool.agent === undefined ? (
          <Bench tool={tool} version={version} />
        ) : (
          <p className="empty">
            What is behind it is {tool.workflow === undefined ? `the agent ${tool.agent ?? ""}` : `the workflow ${tool.workflow}`}, which is not called alone.
            {tool.workflow !== undefined && (
              <>
                {" "}
                <a href={href(["start", tool.workflow.split("@")[0] ?? ""])}>Start it</a> instead.
              </>
            )}
          </p>
        )}
        <Facts tool={tool} />
      </div>
    </>
  );
}

function Facts({ tool: { http, function: called, mcp, library, workflow, agent, approval, delivery = "at_most_once" } }: { tool: Tool }) {
  const facts: [string, React.ReactNode][] = [
    ...(http ? ([["Request", <code key="http">{`${http.method ?? "POST"} ${http.url}`}</code>]] as [string, React.ReactNode][]) : []),
    ...Object.entries({ "Python function": called, Workflow: workflow, Agent: agent, Library: library?.collection, "MCP server": mcp && `${mcp.server}, ${mcp.tool}` }).filter(
      (each): each is [string, string] => each[1] !== undefined,
    ),
    ["If a call is cut off", DELIVERIES[delivery] ?? delivery],
    ["Agents ask first", approval ? (approval.when === undefined ? "always" : <code key="when">{`where ${approval.when}`}</code>) : "no"],
  ];
  return (
    <section aria-label="About it">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="prose">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const DELIVERIES: Readonly<Record<string, string>> = {
  at_most_once: "a human is asked what became of it",
  at_least_once: "it is called again",
  idempotent: "it is called again, with the same key",
};

/** What is typed, what came of it, and before that the warning that it is done for real. */
function Bench({ tool, version }: { tool: Tool; version: number }) {
  const { api } = useSession();
  const fields = fieldsOf(tool.input);
  const [drafts, setDrafts] = useState<Drafts>(() => firstDrafts(fields ?? [], tool.examples?.[0]?.arguments));
  const [text, setText] = useState(() => JSON.stringify(tool.examples?.[0]?.arguments ?? {}, null, 2));
  const [asJson, setAsJson] = useState(fields === null);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const [problem, setProblem] = useState<Error>();
  const [busy, setBusy] = useState(false);
  const [called, setCalled] = useState<Called>();
  const sent = useRef({ body: "", key: "" });
  const shown = fields !== null && !asJson ? fields : null;

  const call = async (given: Json): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    setCalled(undefined);
    // Sent again after no answer came, it is the same call.
    const body = JSON.stringify(given);
    if (sent.current.body !== body) sent.current = { body, key: uuid4() };
    try {
      setCalled(await callTool(api, tool.name, version, given, sent.current.key));
      sent.current = { body: "", key: "" };
    } catch (reason) {
      if (reason instanceof ApiError && reason.errors.length > 0) setErrors(argumentErrors(reason.errors));
      else setProblem(asError(reason));
    }
    setBusy(false);
  };
  const submit = (): void => {
    if (busy) return;
    const parsed = shown ? parseDrafts(shown, drafts) : parseInput(text);
    setErrors(parsed.errors ?? []);
    if (parsed.errors === null || parsed.errors.length === 0) void call(parsed.input);
  };
  return (
    <div className="bench">
      <form
        className="card form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <p className="asked asked-paused">⚠ This really calls it, with all that it does: it sends, pays, deletes for real, and no human is asked first.</p>
        {problem && <ErrorNotice error={problem} />}
        <Wrong fields={shown} errors={errors} />
        {shown?.length === 0 && <p className="muted">It takes no arguments.</p>}
        {shown ? (
          <SchemaForm fields={shown} drafts={drafts} errors={errors} onChange={setDrafts} />
        ) : (
          <div className="field">
            <label htmlFor="arguments">Arguments</label>
            <textarea id="arguments" className="code" rows={8} spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
            <p className="hint">As JSON.</p>
          </div>
        )}
        <div className="form-actions">
          <button type="submit" className="button button-primary" aria-disabled={busy}>
            {busy ? "Calling …" : "Call it for real"}
          </button>
          {fields !== null && (
            <button type="button" className="button button-quiet" onClick={() => setAsJson(!asJson)}>
              {asJson ? "As a form" : "As JSON"}
            </button>
          )}
        </div>
      </form>
      {called && <Outcome called={called} />}
    </div>
  );
}

/** As the tool's first example has it. */
function firstDrafts(fields: readonly Field[], example: Json | undefined): Drafts {
  const given = example !== null && typeof example === "object" && !Array.isArray(example) ? example : {};
  const filled = fields.filter(({ name }) => given[name] !== undefined).map((field) => [field.name, draftOf(field, given[field.name])] as const);
  return { ...initialDrafts(fields), ...Object.fromEntries(filled) };
}

/** The API points at what is wrong from the request; the form knows the arguments alone. */
function argumentErrors(errors: readonly FieldError[]): FieldError[] {
  return errors.map(({ pointer, message }) => ({ pointer: pointer.replace(/^\/arguments/, ""), message }));
}

function Wrong({ fields, errors }: { fields: readonly Field[] | null; errors: FieldError[] }) {
  const others = fields ? otherErrors(fields, errors) : errors;
  return others.length === 0 ? null : <Notice title="The tool does not take this." details={others} />;
}

function Outcome({ called: { seconds, result, error } }: { called: Called }) {
  if (error !== null) return <ProblemNotice problem={error} what={`After ${duration(seconds * 1000)} it`} />;
  return (
    <section className="result card" aria-labelledby="gave-title" role="status">
      <h2 id="gave-title">
        Gave <span className="muted">after {duration(seconds * 1000)}</span>
      </h2>
      <Payload execution="" value={result} artifact={null} copy />
    </section>
  );
}
