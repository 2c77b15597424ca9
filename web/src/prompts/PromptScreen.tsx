import { useCallback } from "react";

import type { JsonSchema, Stored } from "../api/types";
import { href } from "../router";
import { useSession } from "../session";
import { ago, moment } from "../ui/format";
import { useLoad, useNow, useTitle } from "../ui/hooks";
import { CopyButton, ErrorNotice, Loading } from "../ui/parts";
import { labelsOf, type Labels, type Prompt, promptOf, type Version, versionsOf } from "./api";
import { Changes } from "./Changes";
import { LabelList } from "./LabelList";
import { TryForm } from "./TryForm";
import { Uses } from "./Uses";

const VIEWS = [
  ["text", "Text"],
  ["changes", "Changes"],
  ["uses", "Used by"],
  ["try", "Try it"],
] as const;

/** One prompt: its versions and where its labels are, what a version says, what changed, who uses it. */
export function PromptScreen({ name, query }: { name: string; query: URLSearchParams }) {
  useTitle(`Prompt ${name}`);
  const { api } = useSession();
  const asked = Number(query.get("version")) || undefined;
  const view = VIEWS.find(([each]) => each === query.get("view"))?.[0] ?? "text";
  const { value: prompt, error, reload } = useLoad(useCallback(() => promptOf(api, name, asked), [api, name, asked]));
  const { value: versions, error: noVersions } = useLoad(useCallback(() => versionsOf(api, name), [api, name]));
  const { value: labels, error: noLabels, reload: readLabels } = useLoad(useCallback(() => labelsOf(api, name), [api, name]));
  const failed = error ?? noVersions ?? noLabels;
  return (
    <>
      <p className="crumbs">
        <a href={href(["prompts"])}>← Prompts</a>
      </p>
      <h1>
        {name} {prompt && <span className="muted">version {prompt.version}</span>}
      </h1>
      {prompt?.definition.description && <p className="lead">{prompt.definition.description}</p>}
      {failed && <ErrorNotice error={failed} retry={reload} />}
      {!failed && (prompt === undefined || versions === undefined || labels === undefined) && <Loading what="the prompt" />}
      {prompt && versions && labels && (
        <div className="story">
          <aside className="prompt-side" aria-label="Versions and labels">
            <LabelList name={name} labels={labels.items} versions={versions} onMoved={readLabels} />
            <Versions name={name} versions={versions} labels={labels} shown={prompt.version} view={view} />
          </aside>
          <div className="story-main">
            <nav className="segments" aria-label="View">
              {VIEWS.map(([each, words]) => (
                <a
                  key={each}
                  href={href(["prompts", name], { version: asked === undefined ? undefined : String(asked), view: each === "text" ? undefined : each })}
                  aria-current={each === view ? "true" : undefined}
                >
                  {words}
                </a>
              ))}
            </nav>
            {view === "text" && <Text stored={prompt} />}
            {view === "changes" && <Changes name={name} query={query} to={prompt.version} versions={versions} labels={labels.items} />}
            {view === "uses" && <Uses name={name} />}
            {view === "try" && <TryForm key={prompt.version} name={name} stored={prompt} />}
          </div>
        </div>
      )}
    </>
  );
}

interface VersionsProps {
  name: string;
  versions: readonly Version[];
  labels: Labels;
  shown: number;
  view: string;
}

function Versions({ name, versions, labels: { items, moves }, shown, view }: VersionsProps) {
  const now = useNow(true, 60_000);
  return (
    <section className="card prompt-versions" aria-labelledby="versions-title">
      <h2 id="versions-title">Versions</h2>
      <ol>
        {versions.map(({ version, updated }) => (
          <li key={version}>
            <a
              href={href(["prompts", name], { version: String(version), view: view === "text" ? undefined : view })}
              aria-current={version === shown ? "true" : undefined}
            >
              {version}
            </a>
            <span className="muted" title={moment(updated)}>
              {ago(updated, now)}
            </span>
            {items
              .filter((label) => label.version === version)
              .map(({ label }) => (
                <span key={label} className="chip chip-label">
                  {label}
                </span>
              ))}
          </li>
        ))}
      </ol>
      {moves.length > 0 && (
        <details>
          <summary>Moves of labels</summary>
          <ol className="moves">
            {moves.map((move) => (
              <li key={move.at + move.label}>
                <b>{move.label}</b> {movedWords(move.from, move.to)} by {move.by},{" "}
                <span title={moment(move.at)}>{ago(move.at, now)}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </section>
  );
}

function movedWords(from: number | null, to: number | null): string {
  if (to === null) return `taken away from ${from ?? "?"}`;
  return from === null ? `put on ${to}` : `from ${from} to ${to}`;
}

function Text({ stored: { definition } }: { stored: Stored<Prompt> }) {
  const variables = Object.entries(definition.variables ?? {});
  return (
    <>
      <section className="card prompt-text" aria-label="Text">
        <CopyButton text={definition.template} />
        <pre>
          <code>{definition.template}</code>
        </pre>
      </section>
      <h2>Variables</h2>
      {variables.length === 0 ? (
        <p className="muted">None: it says the same to every agent.</p>
      ) : (
        <dl className="facts card prompt-variables">
          {variables.map(([name, schema]) => (
            <div key={name}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>{variableWords(schema)}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}

function variableWords(schema: JsonSchema): string {
  const { type, enum: values, default: otherwise, description } = schema;
  const kind = values ? `one of ${values.map((each) => JSON.stringify(each)).join(", ")}` : ([type].flat().join(" or ") || "anything");
  const need = otherwise === undefined ? "must be given" : `${JSON.stringify(otherwise)} unless given`;
  return [`${kind}; ${need}`, description].filter(Boolean).join(". ");
}
