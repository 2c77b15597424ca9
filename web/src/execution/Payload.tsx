import { useCallback } from "react";

import type { Json } from "../api/types";
import { useSession } from "../session";
import { useLoad } from "../ui/hooks";
import { CopyButton } from "../ui/parts";
import { Cited } from "./citations";

interface Props {
  execution: string;
  value: Json;
  /** Where the value is, when it is too large for the log. */
  artifact: string | null;
  copy?: boolean;
}

/** What an event carries: text as text, data as data. */
export function Payload({ execution, value, artifact, copy = false }: Props) {
  if (artifact !== null) return <Artifact execution={execution} reference={artifact} copy={copy} />;
  return <Value value={value} copy={copy} />;
}

function Artifact({ execution, reference, copy }: { execution: string; reference: string; copy: boolean }) {
  const { api } = useSession();
  const { value, error, reload } = useLoad(
    useCallback(() => api.artifact(execution, reference), [api, execution, reference]),
  );
  if (value !== undefined) return <Value value={value} copy={copy} />;
  if (error === undefined) return <p className="muted">Loading …</p>;
  return (
    <p className="muted">
      {error.message}{" "}
      <button type="button" className="button button-quiet" onClick={reload}>
        Load again
      </button>
    </p>
  );
}

function Value({ value, copy }: { value: Json; copy: boolean }) {
  return (
    <>
      {copy && <CopyButton text={typeof value === "string" ? value : JSON.stringify(value, null, 2)} />}
      <Shown value={value} />
    </>
  );
}

function Shown({ value }: { value: Json }) {
  if (typeof value === "string") {
    return (
      <div className="prose">
        <Cited text={value} />
      </div>
    );
  }
  if (value === null) return <p className="muted">Nothing.</p>;
  if (isFlat(value)) return <Facts facts={value} />;
  return (
    <pre className="json">
      <code>{JSON.stringify(value, null, 2)}</code>
    </pre>
  );
}

function Facts({ facts }: { facts: Facts }) {
  return (
    <dl className="facts">
      {Object.entries(facts).map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd className="prose">
            <Cited text={String(value)} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

type Facts = Record<string, string | number | boolean>;

/** An object of plain values reads better as a list of facts than as JSON. */
function isFlat(value: Json): value is Facts {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  const values = Object.values(value);
  return values.length > 0 && values.every((each) => each !== null && typeof each !== "object");
}
