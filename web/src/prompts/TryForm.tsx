import { useCallback, useId, useState } from "react";

import type { Stored } from "../api/types";
import { href, navigate } from "../router";
import { allWorkflows } from "../screens/WorkflowsScreen";
import { useSession } from "../session";
import { useAction, useLoad } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { type Prompt, type TryRequest, tryPrompt, usesOf } from "./api";

/** What would an agent have answered in the past under this prompt? */
export function TryForm({ name, stored }: { name: string; stored: Stored<Prompt> }) {
  const { api } = useSession();
  const load = useCallback(async () => {
    const [uses, workflows] = await Promise.all([usesOf(api, name), allWorkflows(api)]);
    const touched = uses.filter(({ kind }) => kind === "workflow").map((use) => use.name);
    const others = workflows.map((workflow) => workflow.name).filter((each) => !touched.includes(each));
    return { agents: uses.filter(({ kind, direct }) => kind === "agent" && direct).map((use) => use.name), workflows: [...touched, ...others] };
  }, [api, name]);
  const { value: known, error, reload } = useLoad(load);
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (known === undefined) return <Loading what="who uses it" />;
  return <Form name={name} stored={stored} agents={known.agents} workflows={known.workflows} />;
}

interface Props {
  name: string;
  stored: Stored<Prompt>;
  agents: readonly string[];
  /** Those first that it is used in. */
  workflows: readonly string[];
}

function Form({ name, stored: { definition, version }, agents, workflows }: Props) {
  const id = useId();
  const { api } = useSession();
  const { busy, error, run } = useAction();
  const [agent, setAgent] = useState(agents[0] ?? "");
  const [text, setText] = useState(definition.template);
  const [on, setOn] = useState<"workflow" | "executions">(workflows.length > 0 ? "workflow" : "executions");
  const [workflow, setWorkflow] = useState(workflows[0] ?? "");
  const [last, setLast] = useState("10");
  const [ids, setIds] = useState("");
  const isDraft = text !== definition.template;
  const listed = ids.split(/[\s,]+/).filter(Boolean);
  const isWhole = agent.trim() !== "" && (on === "workflow" ? workflow !== "" && Number(last) >= 1 : listed.length > 0);
  const start = async (): Promise<void> => {
    const request: TryRequest = {
      agent: agent.trim(),
      executions: on === "workflow" ? { workflow, last: Number(last) } : listed,
      ...(isDraft ? { draft: { template: text, ...(definition.variables && { variables: definition.variables }) } } : { version }),
    };
    await run(async () => {
      const { id, skipped } = await tryPrompt(api, name, request);
      navigate(href(["evaluations", id], { skipped: skipped.length > 0 ? String(skipped.length) : undefined }));
    });
  };
  return (
    <form
      className="card form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole) void start();
      }}
    >
      <p>
        Asks the model again what an agent was asked in past executions, under this text, and shows the answers and their costs beside those of
        the time. Only the model is asked, and paid: no tool is called, and nothing that came after is done.
      </p>
      <div className="field">
        <label htmlFor={`${id}-text`}>
          Text {isDraft ? <span className="chip chip-warning">a draft, not stored</span> : <span className="muted">version {version}</span>}
        </label>
        <textarea id={`${id}-text`} className="code" rows={8} value={text} onChange={(event) => setText(event.target.value)} />
      </div>
      <div className="field">
        <label htmlFor={`${id}-agent`}>Agent</label>
        <input id={`${id}-agent`} list={`${id}-agents`} value={agent} onChange={(event) => setAgent(event.target.value)} />
        <datalist id={`${id}-agents`}>
          {agents.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
        <p className="hint">Whose calls are made again; it need not use this prompt yet.</p>
      </div>
      <fieldset className="plain">
        <legend>On</legend>
        <label className="check">
          <input type="radio" name={`${id}-on`} checked={on === "workflow"} onChange={() => setOn("workflow")} /> the latest executions of a workflow
        </label>
        <label className="check">
          <input type="radio" name={`${id}-on`} checked={on === "executions"} onChange={() => setOn("executions")} /> these executions
        </label>
        {on === "workflow" ? (
          <div className="filters">
            <label>
              last <input type="number" min={1} max={100} value={last} onChange={(event) => setLast(event.target.value)} />
            </label>
            <label>
              of{" "}
              <select value={workflow} onChange={(event) => setWorkflow(event.target.value)}>
                {workflows.map((each) => (
                  <option key={each}>{each}</option>
                ))}
              </select>
            </label>
          </div>
        ) : (
          <textarea aria-label="Ids of executions" className="code" rows={3} value={ids} placeholder="Ids, with spaces or lines between" onChange={(event) => setIds(event.target.value)} />
        )}
      </fieldset>
      {error && <ErrorNotice error={error} />}
      <div className="form-actions">
        <button type="submit" className="button button-primary" aria-disabled={busy || !isWhole}>
          {busy ? "Starting …" : "Try it"}
        </button>
        <a className="button" href={href(["evaluations"], { kind: "trial" })}>
          Earlier trials
        </a>
      </div>
    </form>
  );
}
