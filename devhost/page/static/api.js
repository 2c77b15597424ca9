// Talks to the host this page came from.

const DURABLE = "/runtime/webhooks/durabletask";
const SAVED_KEY = "devhost.key";

/** What went wrong, in words. `status` is 0 when the host did not answer at all. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const WORDS = {
  401: "The host wants its master key.",
  404: "It is not there any more.",
  409: "There is one of this id already, and it has not ended.",
  410: "It has ended already.",
  503: "The host is stopping.",
};

async function send(method, path, { query = {}, json, signal } = {}) {
  const headers = {};
  const key = sessionStorage.getItem(SAVED_KEY);
  if (key) headers["x-functions-key"] = key;
  if (json !== undefined) headers["content-type"] = "application/json";
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== ""));
  const address = parameters.size ? `${path}?${parameters}` : path;
  let response;
  let text;
  try {
    response = await fetch(address, { method, headers, body: json, signal });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The host does not answer. Is it stopped?");
  }
  if (response.status === 401) dispatchEvent(new Event("keywanted"));
  if (!response.ok) throw new Problem(response.status, told(text) ?? WORDS[response.status] ?? `The host answered ${response.status}.`);
  return text;
}

function told(text) {
  try {
    const answer = JSON.parse(text);
    return answer.ExceptionMessage ?? answer.message ?? answer.detail ?? null;
  } catch {
    return null;
  }
}

/** Keeps the master key until the tab is closed, if the host takes it. */
export async function saveKey(key) {
  const before = sessionStorage.getItem(SAVED_KEY) ?? "";
  sessionStorage.setItem(SAVED_KEY, key);
  try {
    await send("GET", "/admin/host/status");
  } catch (problem) {
    sessionStorage.setItem(SAVED_KEY, before);
    throw problem.status === 401 ? new Problem(401, "This is not the master key.") : problem;
  }
}

/** A key in the address, which is how the page is opened, leaves it at once. */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.search).get("code");
  if (key === null) return;
  sessionStorage.setItem(SAVED_KEY, key);
  history.replaceState(null, "", location.pathname + location.hash);
}

/** A question to the page's own API: the answer as text, which is cheap to compare with the one before. */
export const ask = (name, query, signal) => send("GET", `/devhost/api/${name}`, { query, signal });

export const askJson = async (name, query, signal) => JSON.parse(await ask(name, query, signal));

const instancePath = (id) => `${DURABLE}/instances/${encodeURIComponent(id)}`;

/** `terminate`, `suspend`, `resume` or `rewind`. */
export const operate = (id, operation, reason) => send("POST", `${instancePath(id)}/${operation}`, { query: { reason } });

export const raiseEvent = (id, name, json) =>
  send("POST", `${instancePath(id)}/raiseEvent/${encodeURIComponent(name)}`, { json });

export async function restart(id, newId) {
  const answer = await send("POST", `${instancePath(id)}/restart`, { query: { restartWithNewInstanceId: newId } });
  return JSON.parse(answer).id;
}

export const purge = (id) => send("DELETE", instancePath(id));

export async function start(name, id, json) {
  const path = `${DURABLE}/orchestrators/${encodeURIComponent(name)}`;
  return JSON.parse(await send("POST", id ? `${path}/${encodeURIComponent(id)}` : path, { json })).id;
}

/** An entity with the empty key is named `$` in addresses. */
export const signal = (name, key, op, json) =>
  send("POST", `${DURABLE}/entities/${encodeURIComponent(name)}/${encodeURIComponent(key || "$")}`, { query: { op }, json });

export const readEntity = (name, key) =>
  send("GET", `${DURABLE}/entities/${encodeURIComponent(name)}/${encodeURIComponent(key || "$")}`);

export const fire = (name, input) =>
  send("POST", `/admin/functions/${encodeURIComponent(name)}`, { json: JSON.stringify({ input }) });
