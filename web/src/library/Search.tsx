import { useCallback, useId, useState } from "react";

import { href, navigate } from "../router";
import { useSession } from "../session";
import { cost, plural } from "../ui/format";
import { useLoad } from "../ui/hooks";
import { CopyButton, ErrorNotice, Loading } from "../ui/parts";
import { type Found, type Hit, type Mode, MODES, search } from "./api";
import { mark } from "./naming";

const WORDS: Readonly<Record<Mode, string>> = { hybrid: "by words and meaning", text: "by words", vector: "by meaning" };

/** What an agent would find. The address keeps what is looked for. */
export function Search({ collection, query }: { collection: string; query: URLSearchParams }) {
  const id = useId();
  const asked = query.get("q") ?? "";
  const mode = MODES.find((each) => each === query.get("mode")) ?? "hybrid";
  const [text, setText] = useState(asked);
  const go = (change: { q?: string; mode?: Mode }): void => {
    const next = { q: text.trim(), mode, ...change };
    navigate(href(["library", collection], { q: next.q || undefined, mode: next.mode === "hybrid" ? undefined : next.mode }));
  };
  return (
    <section className="library-search" aria-label="Search">
      <form
        role="search"
        className="filters"
        onSubmit={(event) => {
          event.preventDefault();
          go({});
        }}
      >
        <input id={id} type="search" aria-label="What is looked for" placeholder="When is money paid back?" maxLength={2_000} value={text} onChange={(event) => setText(event.target.value)} />
        <select aria-label="How" value={mode} onChange={(event) => go({ mode: event.target.value as Mode })}>
          {MODES.map((each) => (
            <option key={each} value={each}>
              {WORDS[each]}
            </option>
          ))}
        </select>
        <button type="submit" className="button button-primary" aria-disabled={text.trim() === ""}>
          Search
        </button>
      </form>
      {asked !== "" && <Results key={`${asked} ${mode}`} collection={collection} asked={asked} mode={mode} />}
    </section>
  );
}

function Results({ collection, asked, mode }: { collection: string; asked: string; mode: Mode }) {
  const { api } = useSession();
  const load = useCallback(() => search(api, collection, { query: asked, mode, top: 10 }), [api, collection, asked, mode]);
  const { value: found, error, reload } = useLoad(load);
  if (error) return <ErrorNotice error={error} retry={reload} />;
  if (found === undefined) return <Loading what="passages" />;
  return (
    <>
      <p className="muted" role="status">
        {found.items.length === 0 ? "No passage says anything about it. Try other words, or by meaning." : plural(found.items.length, "passage")}
        {paid(found)}
      </p>
      <ol className="passages">
        {found.items.map((hit) => (
          <Passage key={mark(hit.document, hit.number)} hit={hit} />
        ))}
      </ol>
    </>
  );
}

function paid({ usage: { cost_usd: spent } }: Found): string {
  if (spent === null || Number(spent) === 0) return "";
  return `, for ${cost({ cost_usd: spent })}`;
}

function Passage({ hit: { document, number, title, page, text } }: { hit: Hit }) {
  return (
    <li className="card passage">
      <header>
        <b>{title ?? document}</b>
        <code className="muted">{mark(document, number)}</code>
        {page !== null && <span className="muted">page {page}</span>}
        <CopyButton text={mark(document, number)} label="Copy the mark" />
      </header>
      <div className="prose">{text}</div>
    </li>
  );
}
