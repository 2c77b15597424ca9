import { useCallback } from "react";

import { href } from "../router";
import { useSession } from "../session";
import { ago, moment } from "../ui/format";
import { useLoad, useNow, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { promptsOf } from "./api";

/** Every prompt of the tenant. */
export function PromptsScreen() {
  useTitle("Prompts");
  const { api } = useSession();
  const { value: prompts, error, reload } = useLoad(useCallback(() => promptsOf(api), [api]));
  const now = useNow(true, 60_000);
  return (
    <>
      <h1>Prompts</h1>
      {error && <ErrorNotice error={error} retry={reload} />}
      {prompts === undefined && !error && <Loading what="prompts" />}
      {prompts?.length === 0 && <NoPrompts />}
      <ul className="workflows">
        {(prompts ?? []).map(({ name, version, description, updated }) => (
          <li key={name} className="card">
            <a className="cover" href={href(["prompts", name])}>
              {name}
            </a>
            <span className="muted" title={moment(updated)}>
              {" "}
              version {version}, {ago(updated, now)}
            </span>
            <p>{description}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function NoPrompts() {
  return (
    <section className="empty">
      <h2>No prompts yet</h2>
      <p>
        A prompt is an agent’s instructions as a definition of its own: a text with variables, in versions that never change. A label, such as{" "}
        <code>production</code>, says which version agents use, and is moved here. Write one, and apply it:
      </p>
      <pre>
        <code>
          {"name: greet\ntemplate: |\n  You greet guests in ${language}.\nvariables:\n  language: {type: string, default: English}\n\n"}
          {"meta-agents apply greet.yaml   # an agent then has `prompt: greet` instead of `instructions`"}
        </code>
      </pre>
    </section>
  );
}
