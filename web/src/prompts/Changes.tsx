import { useCallback } from "react";

import { href, navigate } from "../router";
import { useSession } from "../session";
import { useLoad } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { type DiffLine, diffOf, type Label, type PromptDiff, type Version } from "./api";

interface Props {
  name: string;
  query: URLSearchParams;
  /** The version that is shown. */
  to: number;
  versions: readonly Version[];
  labels: readonly Label[];
}

/** What a version says that another did not. */
export function Changes({ name, query, to: shown, versions, labels }: Props) {
  const { api } = useSession();
  const to = query.get("to") ?? String(shown);
  const from = query.get("from") ?? undefined;
  const { value: diff, error, reload } = useLoad(useCallback(() => diffOf(api, name, from, to), [api, name, from, to]));
  const go = (side: { from?: string; to?: string }): void =>
    navigate(href(["prompts", name], { view: "changes", from: from ?? String(diff?.from.version ?? ""), to, ...side }));
  if (versions.length < 2) return <p className="empty">There is one version only. What the next one changes will stand here.</p>;
  return (
    <>
      <div className="filters">
        <Choice words="from" value={from ?? String(diff?.from.version ?? "")} versions={versions} labels={labels} onChoose={(side) => go({ from: side })} />
        <Choice words="to" value={to} versions={versions} labels={labels} onChoose={(side) => go({ to: side })} />
      </div>
      {error && <ErrorNotice error={error} retry={reload} />}
      {diff === undefined && !error && <Loading what="what changed" />}
      {diff && <Shown diff={diff} />}
    </>
  );
}

interface ChoiceProps {
  words: string;
  value: string;
  versions: readonly Version[];
  labels: readonly Label[];
  onChoose: (side: string) => void;
}

function Choice({ words, value, versions, labels, onChoose }: ChoiceProps) {
  return (
    <label>
      {words}{" "}
      <select value={value} onChange={(event) => onChoose(event.target.value)}>
        {versions.map(({ version }) => (
          <option key={version} value={String(version)}>
            version {version}
          </option>
        ))}
        {labels.flatMap(({ label, version }) => (version === null ? [] : <option key={label} value={label}>{`${label} (${version})`}</option>))}
      </select>
    </label>
  );
}

function Shown({ diff: { same, lines, variables } }: { diff: PromptDiff }) {
  if (same) return <p className="verdict">= They are the same.</p>;
  return (
    <>
      <div className="text-diff card" role="group" tabIndex={0} aria-label="Lines">
        {lines.map((line, index) => (
          <Line key={index} line={line} />
        ))}
      </div>
      {variables.length > 0 && (
        <>
          <h2>Variables</h2>
          <ul className="diff-variables">
            {variables.map(({ name, kind, before, after }) => (
              <li key={name}>
                <b>
                  <code>{name}</code> {kind}
                </b>
                {before !== null && <del>{JSON.stringify(before)}</del>} {after !== null && <ins>{JSON.stringify(after)}</ins>}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const SIGNS = { same: " ", removed: "−", added: "+", changed: "±" } as const;
const SAID = { same: "", removed: "removed: ", added: "added: ", changed: "changed: " } as const;

/** A changed line shows both: what is gone struck through, what is new marked. */
function Line({ line: { kind, before, after, text, pieces = [] } }: { line: DiffLine }) {
  return (
    <p className={`text-line text-line-${kind}`}>
      <span className="text-number" aria-hidden="true">
        {before}
      </span>
      <span className="text-number" aria-hidden="true">
        {after}
      </span>
      <span className="text-sign" aria-hidden="true">
        {SIGNS[kind]}
      </span>
      <span className="text-words">
        <span className="visually-hidden">{SAID[kind]}</span>
        {pieces.length === 0
          ? text
          : pieces.map((piece, index) =>
              piece.kind === "removed" ? <del key={index}>{piece.text}</del> : piece.kind === "added" ? <ins key={index}>{piece.text}</ins> : piece.text,
            )}
      </span>
    </p>
  );
}
