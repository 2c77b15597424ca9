import { useCallback, useId, useState } from "react";

import { href, navigate } from "../router";
import { useSession } from "../session";
import { plural } from "../ui/format";
import { useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { collectionsOf } from "./api";
import { size } from "./naming";

/** The collections of the tenant. */
export function LibraryScreen() {
  useTitle("Library");
  const { api } = useSession();
  const { value: collections, error, reload } = useLoad(useCallback(() => collectionsOf(api), [api]));
  return (
    <>
      <h1>Library</h1>
      {error && <ErrorNotice error={error} retry={reload} />}
      {collections === undefined && !error && <Loading what="the library" />}
      {collections?.length === 0 && <NoCollections />}
      <ul className="workflows">
        {(collections ?? []).map(({ name, documents, ready, passages, bytes }) => (
          <li key={name} className="card">
            <a className="cover" href={href(["library", name])}>
              {name}
            </a>
            <p>
              {plural(documents, "document")}
              {ready < documents && `, ${ready} of them ready`}, {plural(passages, "passage")}, {size(bytes)}
            </p>
          </li>
        ))}
      </ul>
      {collections && <NewCollection />}
    </>
  );
}

function NewCollection() {
  const id = useId();
  const [name, setName] = useState("");
  const isName = /^[a-z0-9][a-z0-9-]{0,62}$/.test(name);
  return (
    <form
      className="budget-raise"
      onSubmit={(event) => {
        event.preventDefault();
        if (isName) navigate(href(["library", name]));
      }}
    >
      <div className="field">
        <label htmlFor={id}>Another collection</label>
        <input id={id} value={name} placeholder="handbook" aria-describedby={`${id}-hint`} onChange={(event) => setName(event.target.value.trim())} />
        <p id={`${id}-hint`} className="hint">
          {name !== "" && !isName ? "Lower-case letters, digits and hyphens." : "It is there with its first document."}
        </p>
      </div>
      <button type="submit" className="button" aria-disabled={!isName}>
        Add documents
      </button>
    </form>
  );
}

function NoCollections() {
  return (
    <section className="empty">
      <h2>The library is empty</h2>
      <p>
        Documents in it are searched by agents while they work, by words and by meaning, and cited in their answers. Begin with a collection below,
        or from a terminal:
      </p>
      <pre>
        <code>{'meta-agents library add handbook docs/*.md\nmeta-agents library search handbook "When is money paid back?"'}</code>
      </pre>
      <p>
        A tool with <code>{"library: {collection: handbook}"}</code> gives it to agents.
      </p>
    </section>
  );
}
