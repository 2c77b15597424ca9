import type { Changes, Json } from "../api/types";
import { plural } from "../ui/format";

interface Props {
  title: string;
  changes: Changes;
}

const KINDS = { added: "+", removed: "−", changed: "≠" };

/** What differs between two JSON values, place by place. */
export function Changed({ title, changes: { items, left_out: more } }: Props) {
  if (items.length === 0) return null;
  return (
    <details className="changed card">
      <summary>
        {title} <span className="muted">{plural(items.length + more, "difference")}</span>
      </summary>
      <ul>
        {items.map(({ pointer, kind, left, right }) => (
          <li key={pointer + kind}>
            <p>
              <span aria-hidden="true">{KINDS[kind]}</span> <code>{pointer === "" ? "all of it" : pointer}</code>{" "}
              <span className="muted">{kind}</span>
            </p>
            <div className="changed-sides">
              <Value value={left} there={kind !== "added"} />
              <Value value={right} there={kind !== "removed"} />
            </div>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="muted">And {more} more.</p>}
    </details>
  );
}

function Value({ value, there }: { value: Json; there: boolean }) {
  if (!there) return <p className="muted">Not there.</p>;
  return (
    <pre className="json">
      <code>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</code>
    </pre>
  );
}
