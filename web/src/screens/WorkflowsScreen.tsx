import { useCallback } from "react";

import type { Api } from "../api/client";
import type { DefinitionItem } from "../api/types";
import { href } from "../router";
import { useSession } from "../session";
import { useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { NoWorkflows } from "./empty";

/** Every workflow of the tenant. */
export async function allWorkflows(api: Api): Promise<DefinitionItem[]> {
  const items: DefinitionItem[] = [];
  let continuation: string | null = null;
  do {
    const page = await api.workflows(continuation);
    items.push(...page.items);
    continuation = page.continuation;
  } while (continuation !== null);
  return items;
}

/** Where a start begins: which workflow? */
export function WorkflowsScreen() {
  useTitle("Start");
  const { api } = useSession();
  const { value: workflows, error, reload } = useLoad(useCallback(() => allWorkflows(api), [api]));
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (workflows === undefined) return <Loading what="workflows" />;
  if (workflows.length === 0) return <NoWorkflows />;
  return (
    <>
      <h1>Start a workflow</h1>
      <ul className="workflows">
        {workflows.map(({ name, version, description }) => (
          <li key={name} className="card">
            <a className="cover" href={href(["start", name])}>
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
