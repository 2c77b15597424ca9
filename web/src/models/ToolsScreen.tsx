import { useCallback } from "react";

import { href } from "../router";
import { useSession } from "../session";
import { useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { toolsOf } from "./api";

/** Every tool of the tenant. */
export function ToolsScreen() {
  useTitle("Tools");
  const { api } = useSession();
  const { value: tools, error, reload } = useLoad(useCallback(() => toolsOf(api), [api]));
  return (
    <>
      <h1>Tools</h1>
      {error && <ErrorNotice error={error} retry={reload} />}
      {tools === undefined && !error && <Loading what="tools" />}
      {tools?.length === 0 && <NoTools />}
      <ul className="workflows">
        {(tools ?? []).map(({ name, version, description }) => (
          <li key={name} className="card">
            <a className="cover" href={href(["tools", name])}>
              {name}
            </a>
            <span className="muted"> version {version}</span>
            <p>{description}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function NoTools() {
  return (
    <section className="empty">
      <h2>No tools yet</h2>
      <p>
        A tool is something that steps and agents may call: an HTTP request, a Python function, a tool of an MCP server, a search of the library, a
        workflow or an agent. Write one, or import those of an OpenAPI document:
      </p>
      <pre>
        <code>{"meta-agents apply tools/\nmeta-agents tool import openapi.json"}</code>
      </pre>
    </section>
  );
}
