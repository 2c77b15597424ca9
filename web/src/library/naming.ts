/** Names of documents, and sizes. */

/** Bytes that a document may have. */
export const MOST_BYTES = 10_000_000;

/** What a file is called in its collection, and in citations: letters, digits, dots, hyphens and underscores. */
export function nameFor(file: string): string {
  const plain = file.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  const name = plain.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 128);
  return name === "" ? "document" : name;
}

/** `950 B`, `12 kB`, `3.4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function mark(document: string, number: number): string {
  return `[${document}#${number}]`;
}
