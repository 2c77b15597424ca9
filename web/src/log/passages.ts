/** What searches of the library have found, as tools tell it. */
import type { Json } from "../api/types";
import type { Passage } from "./view";

/** The passages of a tool's result; none of any other value. */
export function passagesIn(value: Json): Passage[] {
  if (value === null || typeof value !== "object" || Array.isArray(value) || !Array.isArray(value.passages)) return [];
  const text = (each: Json | undefined): string => (typeof each === "string" ? each : "");
  const collection = text(value.collection);
  return value.passages.flatMap((each) => {
    if (each === null || typeof each !== "object" || Array.isArray(each) || typeof each.cite !== "string") return [];
    const page = typeof each.page === "number" ? each.page : undefined;
    return [{ cite: each.cite, collection, document: text(each.document), title: text(each.title), text: text(each.text), page }];
  });
}
