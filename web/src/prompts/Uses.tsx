import { useCallback } from "react";

import { useSession } from "../session";
import { plural } from "../ui/format";
import { useLoad } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { type Use, usesOf } from "./api";

/** What a change of the prompt would touch. */
export function Uses({ name }: { name: string }) {
  const { api } = useSession();
  const { value: uses, error, reload } = useLoad(useCallback(() => usesOf(api, name), [api, name]));
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (uses === undefined) return <Loading what="who uses it" />;
  if (uses.length === 0) {
    return (
      <p className="empty">
        Nobody uses it yet. An agent does with <code>prompt: {name}</code> in place of <code>instructions</code>.
      </p>
    );
  }
  const direct = uses.filter((use) => use.direct);
  const others = uses.filter((use) => !use.direct);
  return (
    <>
      <UseList title={`${plural(direct.length, "agent names", "agents name")} it`} uses={direct} />
      {others.length > 0 && <UseList title={`${plural(others.length, "other uses", "others use")} these`} uses={others} />}
    </>
  );
}

function UseList({ title, uses }: { title: string; uses: readonly Use[] }) {
  return (
    <>
      <h2>{title}</h2>
      <ul className="rows card">
        {uses.map(({ kind, name, version, references, through }) => (
          <li key={`${kind}/${name}`}>
            <b>{name}</b>
            <span className="muted">
              {kind}
              {version !== null && `, version ${version}`}
            </span>
            {references.map((reference) => (
              <code key={reference}>{reference}</code>
            ))}
            {through.length > 0 && <span className="muted">through {through.map((each) => each.replace("/", " ")).join(", ")}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}
