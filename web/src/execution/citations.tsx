/** Marks in answers, `[refunds.md#3]`, and the passages that searches of the execution have found under them. */
import { createContext, useContext, useState } from "react";

import type { Found, Passage } from "../log/view";
import { href } from "../router";
import { Dialog } from "../ui/Dialog";

/** Undefined where answers are not looked at for marks. */
export const CitationContext = createContext<Found | undefined>(undefined);

const MARK = /(\[[A-Za-z0-9][A-Za-z0-9._-]{0,127}#[1-9][0-9]{0,5}\])/;

/** Text, in which each mark leads to its passage; one that nothing was found under is said to be unknown. */
export function Cited({ text }: { text: string }) {
  const found = useContext(CitationContext);
  const [shown, setShown] = useState<Passage>();
  if (found === undefined || !MARK.test(text) || Object.keys(found.passages).length === 0) return text;
  return (
    <>
      {text.split(MARK).map((part, index) => {
        if (index % 2 === 0) return part;
        const passage = found.passages[part];
        if (passage === undefined) {
          // Not all that was found can be seen here.
          if (!found.isWhole) return part;
          return (
            <span key={index} className="cite-unknown" title="No search of this execution has found such a passage.">
              {part}
              <span className="visually-hidden"> (unknown)</span>
            </span>
          );
        }
        return (
          <button key={index} type="button" className="cite" title={passage.title} onClick={() => setShown(passage)}>
            {part}
          </button>
        );
      })}
      {shown && <PassageDialog passage={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

function PassageDialog({ passage: { cite, collection, document, title, page, text }, onClose }: { passage: Passage; onClose: () => void }) {
  return (
    <Dialog title={title === "" ? document : title} onClose={onClose}>
      <div className="form">
        <p className="muted">
          <code>{cite}</code>
          {page !== undefined && `, page ${page}`}, as the agent found it in{" "}
          <a href={href(["library", collection])} onClick={onClose}>
            {collection}
          </a>
        </p>
        <blockquote className="prose">{text}</blockquote>
      </div>
    </Dialog>
  );
}
