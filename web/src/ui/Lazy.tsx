/** Long lists of which only what is near the window is in the page. */
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { flushSync } from "react-dom";

const CHUNK = 50;
/** Up to so many items all are there: a search of the browser finds them. */
const FEW = 200;
const NEAR = "1200px 0px";
const REVEAL = "meta-agents:reveal";
/** Things that are drawn on demand, within each other. */
const DEEPEST = 8;

interface Props<Item> {
  items: readonly Item[];
  /** Pixels that an item is likely to take. */
  estimate: number;
  className?: string;
  as?: "div" | "ol";
  /** Whether the element of this id is in the item, for `reveal`. */
  has?: (item: Item, id: string) => boolean;
  children: (item: Item) => React.ReactNode;
}

/** Chunks of items. Items are only ever added at the end. */
export function Lazy<Item>({ items, estimate, className = "", as: Element = "div", has, children: draw }: Props<Item>) {
  if (items.length <= FEW) return <Element className={className}>{items.map(draw)}</Element>;
  const chunks = Array.from({ length: Math.ceil(items.length / CHUNK) }, (_, index) =>
    items.slice(index * CHUNK, (index + 1) * CHUNK),
  );
  return chunks.map((chunk, index) => (
    <Chunk
      key={index}
      element={Element}
      className={className}
      estimate={estimate * chunk.length}
      holds={(id) => chunk.some((item) => has?.(item, id))}
      atOnce={index === 0 || index === chunks.length - 1}
    >
      {() => chunk.map(draw)}
    </Chunk>
  ));
}

interface ChunkProps {
  element: "div" | "ol";
  className: string;
  estimate: number;
  holds: (id: string) => boolean;
  /** It is likely to be looked at first. */
  atOnce: boolean;
  children: () => React.ReactNode;
}

function Chunk({ element: Element, className, estimate, holds, atOnce, children: draw }: ChunkProps) {
  const box = useRef<HTMLElement>(null);
  const [{ near, height }, setPlace] = useState({ near: atOnce, height: estimate });
  useEffect(() => {
    const watched = box.current;
    if (watched === null) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry === undefined) return;
        // What somebody types must not be lost when they look elsewhere.
        const isKept = watched.querySelector("textarea") !== null;
        setPlace((old) => ({
          near: entry.isIntersecting || isKept,
          height: old.near ? entry.boundingClientRect.height : old.height,
        }));
      },
      { rootMargin: NEAR },
    );
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  const look = useEffectEvent((id: string) => {
    if (holds(id)) flushSync(() => setPlace((old) => ({ ...old, near: true })));
  });
  useEffect(() => onReveal((id) => look(id)), []);
  const hold = (element: HTMLElement | null): void => void (box.current = element);
  return (
    <Element ref={hold} className={className} style={near ? undefined : { height }}>
      {near && draw()}
    </Element>
  );
}

/** Calls `look` with the id of each element that somebody wants to see and that is not drawn. Returns what ends that. */
export function onReveal(look: (id: string) => void): () => void {
  const asked = (event: Event): void => {
    if (event instanceof CustomEvent) look(String(event.detail));
  };
  addEventListener(REVEAL, asked);
  return () => removeEventListener(REVEAL, asked);
}

/** Scrolls to the element, also when it is in a list that has not drawn it yet. Returns it. */
export function reveal(id: string): HTMLElement | null {
  // What holds it may itself be in something that is not drawn yet.
  for (let depth = 0; depth < DEEPEST && document.getElementById(id) === null; depth += 1) {
    dispatchEvent(new CustomEvent(REVEAL, { detail: id }));
  }
  const element = document.getElementById(id);
  element?.scrollIntoView({ block: "center" });
  // At once, and not with the next frame, so that whoever keeps the window at its end knows.
  dispatchEvent(new Event("scroll"));
  return element;
}
