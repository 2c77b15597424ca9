// What is shown where, and when it is asked for again.

import * as api from "./api.js";
import { openForm } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { EntitiesView } from "./entities.js";
import { count } from "./format.js";
import { FunctionsView } from "./functions.js";
import { InstanceView } from "./instance.js";
import { InstancesView } from "./instances.js";
import { PendingView } from "./pending.js";

const POLL_MS = 2000;
const AWAY_MS = 5000;

const VIEWS = { instances: InstancesView, pending: PendingView, entities: EntitiesView, functions: FunctionsView };

const page = {
  functions: [],
  counts: { statuses: {}, tasks: {}, waits: 0, operations: 0 },
  wake: () => {},
  stale: false,
  refreshNow() {
    page.stale = true; // what is being fetched now may be from before
    page.wake();
  },
  /** Changes the filter in the address without a new view; `step`: so that “back” comes back. */
  replaceQuery(query, step = false) {
    const address = `#/${route().name}?${new URLSearchParams(Object.entries(query).filter(([, value]) => value))}`;
    history[step ? "pushState" : "replaceState"](null, "", address);
    page.refreshNow();
  },
};

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...id] = path.split("/");
  return { name: name in VIEWS ? name : "instances", id: id.length ? decode(id.join("/")) : null, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}

let current = new AbortController();

function go() {
  current.abort();
  current = new AbortController();
  const { name, id, query } = route();
  const view = name === "instances" && id ? new InstanceView(id, page) : new VIEWS[name](query, page);
  document.title = `${view.title} – devhost`;
  document.getElementById("main").replaceChildren(view.element);
  scrollTo(0, 0);
  follow(view, current.signal);
}

async function follow(view, signal) {
  while (!signal.aborted) {
    let wait = POLL_MS;
    page.stale = false;
    if (!document.hidden) {
      try {
        await renew(view, signal);
        alarm(null);
      } catch (error) {
        if (signal.aborted) return;
        wait = AWAY_MS;
        alarm(error);
      }
    }
    if (!page.stale) await sleep(wait, signal);
  }
}

async function renew(view, signal) {
  if (!page.functions.length) page.functions = (await api.askJson("functions", {}, signal)).functions;
  page.counts = await api.askJson("counts", {}, signal);
  showNavigation();
  await view.refresh(signal);
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    page.wake = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", page.wake, { once: true });
  });
}

function showNavigation() {
  const { name } = route();
  const { statuses, tasks, waits, operations } = page.counts;
  const pending = Object.values(tasks).reduce((sum, number) => sum + number, 0) + waits + operations;
  const link = (view, text, number) =>
    h("a", { href: `#/${view}`, key: view, "aria-current": view === name ? "page" : null }, text, number > 0 && [" ", h("b", {}, count(number))]);
  fill(
    document.getElementById("nav"),
    link("instances", "Instances", Object.values(statuses).reduce((sum, number) => sum + number, 0)),
    link("pending", "Pending", pending),
    link("entities", "Entities", 0),
    link("functions", "Functions", page.functions.length),
  );
}

/** Says in words why nothing new comes, and that it is tried again. */
function alarm(error) {
  const live = document.getElementById("live");
  live.className = error ? "live away" : "live";
  fill(live, error ? "not live" : "live");
  fill(document.getElementById("alarm"), error && h("p", { role: "alert" }, error.message, error.status === 401 ? "" : " Trying again…"));
  if (error && !(error instanceof api.Problem)) reportError(error); // a fault of this page
}

function askForKey() {
  if (document.getElementById("field-key")) return;
  openForm({
    title: "The host wants its master key",
    text: "It was started with --keys, and said then in which file they are. This tab keeps the key until it is closed.",
    fields: [{ name: "key", label: "Master key", secret: true, required: true }],
    button: "Go on",
    submit: async ({ key }) => {
      await api.saveKey(key);
      page.refreshNow();
    },
  });
}

const THEMES = ["auto", "light", "dark"];

function showTheme() {
  const theme = localStorage.getItem("devhost.theme") ?? "auto";
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
  button.title = `Colours: ${theme}`;
  return theme;
}

document.getElementById("theme").addEventListener("click", () => {
  localStorage.setItem("devhost.theme", THEMES[(THEMES.indexOf(showTheme()) + 1) % THEMES.length]);
  showTheme();
});
document.addEventListener("visibilitychange", () => !document.hidden && page.refreshNow());
addEventListener("keywanted", askForKey);
addEventListener("hashchange", go);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the route
  document.getElementById("main").focus();
});
api.takeKeyFromAddress();
showTheme();
go();
