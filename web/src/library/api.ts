/** The library: documents in collections, sent, searched, taken away. */
import { type Api, query } from "../api/client";
import type { Page, Problem } from "../api/types";
import { allPages } from "../ui/hooks";

export interface Collection {
  name: string;
  documents: number;
  ready: number;
  passages: number;
  bytes: number;
}

export interface LibraryDocument {
  collection: string;
  name: string;
  title: string | null;
  media_type: string;
  bytes: number;
  status: "indexing" | "ready" | "failed" | "deleting";
  error: Problem | null;
  passages: number;
  embedded: number;
  tokens: number;
  cost_usd: string | null;
  by: string;
  created: string;
  updated: string;
}

export interface Hit {
  document: string;
  number: number;
  title: string | null;
  page: number | null;
  text: string;
  score: number;
}

export interface Found {
  items: Hit[];
  usage: { tokens: number; cost_usd: string | null };
}

export const MODES = ["hybrid", "text", "vector"] as const;
export type Mode = (typeof MODES)[number];

const at = (collection: string, below = ""): string => `/library/${encodeURIComponent(collection)}${below}`;

export async function collectionsOf(api: Api): Promise<Collection[]> {
  return (await api.json<{ items: Collection[] }>("/library")).items;
}

export function documentsOf(api: Api, collection: string): Promise<LibraryDocument[]> {
  return allPages((continuation) => api.json<Page<LibraryDocument>>(at(collection, `/documents${query({ limit: 200, continuation })}`)));
}

export function send(api: Api, collection: string, name: string, file: Blob): Promise<LibraryDocument> {
  return api.json(at(collection, `/documents/${encodeURIComponent(name)}`), { method: "PUT", body: file });
}

export async function removeDocument(api: Api, collection: string, name: string): Promise<void> {
  await api.send(at(collection, `/documents/${encodeURIComponent(name)}`), { method: "DELETE" });
}

/** As it was sent. */
export async function contentOf(api: Api, collection: string, name: string): Promise<Blob> {
  return (await api.send(at(collection, `/documents/${encodeURIComponent(name)}/content`), {})).blob();
}

export function search(api: Api, collection: string, asked: { query: string; mode: Mode; top: number }): Promise<Found> {
  return api.json(at(collection, "/search"), { method: "POST", body: asked });
}
