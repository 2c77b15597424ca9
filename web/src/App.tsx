import { lazy, Suspense, useCallback, useMemo, useState } from "react";

import { Api, ApiError } from "./api/client";
import { forgetToken, savedToken, saveToken } from "./api/session";
import { PendingProvider, usePending } from "./approvals/pending";
import { href, type Route, useRoute } from "./router";
import { ApprovalsScreen } from "./screens/ApprovalsScreen";
import { CompareScreen } from "./screens/CompareScreen";
import { CompareWithScreen } from "./screens/CompareWithScreen";
import { ExecutionScreen } from "./screens/ExecutionScreen";
import { ExecutionsScreen } from "./screens/ExecutionsScreen";
import { SignIn } from "./screens/SignIn";
import { StartForm } from "./screens/StartForm";
import { WorkflowsScreen } from "./screens/WorkflowsScreen";
import { SessionContext, useSession } from "./session";
import { Failing } from "./ui/Failing";
import { useLoad } from "./ui/hooks";
import { ErrorNotice, Loading, Notice } from "./ui/parts";

// Loaded when somebody goes there: whoever watches an execution does not wait for them.
const PromptsScreen = lazy(() => import("./prompts/PromptsScreen").then((module) => ({ default: module.PromptsScreen })));
const PromptScreen = lazy(() => import("./prompts/PromptScreen").then((module) => ({ default: module.PromptScreen })));
const EvaluationsScreen = lazy(() => import("./evaluations/EvaluationsScreen").then((module) => ({ default: module.EvaluationsScreen })));
const EvaluationScreen = lazy(() => import("./evaluations/EvaluationScreen").then((module) => ({ default: module.EvaluationScreen })));
const CompareEvaluations = lazy(() => import("./evaluations/CompareEvaluations").then((module) => ({ default: module.CompareEvaluations })));
const LibraryScreen = lazy(() => import("./library/LibraryScreen").then((module) => ({ default: module.LibraryScreen })));
const CollectionScreen = lazy(() => import("./library/CollectionScreen").then((module) => ({ default: module.CollectionScreen })));
const ModelsScreen = lazy(() => import("./models/ModelsScreen").then((module) => ({ default: module.ModelsScreen })));
const ToolsScreen = lazy(() => import("./models/ToolsScreen").then((module) => ({ default: module.ToolsScreen })));
const ToolScreen = lazy(() => import("./models/ToolScreen").then((module) => ({ default: module.ToolScreen })));
const UsageScreen = lazy(() => import("./usage/UsageScreen").then((module) => ({ default: module.UsageScreen })));

export function App() {
  const [token, setToken] = useState(savedToken);
  const [expired, setExpired] = useState(false);
  const signIn = useCallback((accepted: string) => {
    saveToken(accepted);
    setExpired(false);
    setToken(accepted);
  }, []);
  const leave = useCallback((because401: boolean) => {
    forgetToken();
    setExpired(because401);
    setToken(null);
  }, []);
  if (token === null) return <SignIn expired={expired} onSignIn={signIn} />;
  return <SignedIn key={token} token={token} onLeave={leave} />;
}

function SignedIn({ token, onLeave }: { token: string; onLeave: (because401: boolean) => void }) {
  const api = useMemo(() => new Api(token, () => onLeave(true)), [token, onLeave]);
  const { value: me, error, reload } = useLoad(useCallback(() => api.me(), [api]));
  const session = useMemo(() => me && { api, me, signOut: () => onLeave(false) }, [api, me, onLeave]);
  if (error && !(error instanceof ApiError && error.status === 401)) {
    return (
      <main className="page">
        <ErrorNotice error={error} retry={reload} />
      </main>
    );
  }
  if (session === undefined) return <Loading what="the page" />;
  return (
    <SessionContext value={session}>
      <PendingProvider>
        <Shell />
      </PendingProvider>
    </SessionContext>
  );
}

const MORE: readonly (readonly [string, string])[] = [
  ["prompts", "Prompts"],
  ["evaluations", "Evaluations"],
  ["library", "Library"],
  ["tools", "Tools"],
  ["models", "Models"],
  ["usage", "Usage"],
];

function Shell() {
  const { me, signOut } = useSession();
  const route = useRoute();
  const here = route.path[0] ?? "";
  const place = (...places: string[]) => (places.includes(here) ? "page" : undefined);
  const rest = MORE.map(([path, name]) => (
    <a key={path} href={href([path])} aria-current={place(path)}>
      {name}
    </a>
  ));
  return (
    <>
      <header className="topbar">
        <a className="brand" href={href([])}>
          <img src="/favicon.svg" alt="" width="24" height="24" /> <span>Meta-Agents</span>
        </a>
        <nav aria-label="Main">
          <a href={href([])} aria-current={place("", "executions", "compare")}>
            Executions
          </a>
          <a href={href(["approvals"])} aria-current={place("approvals")}>
            Approvals <PendingCount />
          </a>
          <a href={href(["start"])} aria-current={place("start")}>
            Start
          </a>
          <span className="nav-wide">{rest}</span>
          {/* Made anew, and so closed, wherever one goes. */}
          <details key={location.hash} className="nav-narrow">
            <summary>{MORE.find(([path]) => path === here)?.[1] ?? "More"}</summary>
            <div>
              {rest}
              <button type="button" className="link nav-out" onClick={signOut}>
                Sign out
              </button>
            </div>
          </details>
        </nav>
        <span className="topbar-user muted" title={`Tenant ${me.tenant}; roles: ${me.roles.join(", ")}`}>
          {me.principal}
        </span>
        <button type="button" className="button button-quiet topbar-out" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main className="page">
        <Failing key={here}>
          <Suspense fallback={<Loading what="the screen" />}>
            <Screen route={route} />
          </Suspense>
        </Failing>
      </main>
    </>
  );
}

/** How many questions wait, wherever one is on the page. */
function PendingCount() {
  const { approvals = [], hasMore } = usePending();
  if (approvals.length === 0) return null;
  return (
    <span className="count">
      {approvals.length}
      {hasMore && "+"}
      <span className="visually-hidden"> waiting</span>
    </span>
  );
}

function Screen({ route: { path, query } }: { route: Route }) {
  const [first, second, third] = path;
  if (first === undefined) return <ExecutionsScreen query={query} />;
  if (first === "executions" && second !== undefined) return <ExecutionScreen key={second} id={second} query={query} />;
  if (first === "approvals") return <ApprovalsScreen />;
  if (first === "compare" && second !== undefined && third !== undefined) {
    return <CompareScreen key={`${second} ${third}`} left={second} right={third} />;
  }
  if (first === "compare" && second !== undefined) return <CompareWithScreen key={second} id={second} />;
  if (first === "start" && second !== undefined) return <StartForm key={second} name={second} />;
  if (first === "start") return <WorkflowsScreen />;
  if (first === "prompts" && second !== undefined) return <PromptScreen key={second} name={second} query={query} />;
  if (first === "prompts") return <PromptsScreen />;
  if (first === "evaluations" && second !== undefined && path[3] !== undefined) {
    return <CompareEvaluations key={`${second} ${path[3]}`} left={second} right={path[3]} />;
  }
  if (first === "evaluations" && second !== undefined) return <EvaluationScreen key={second} id={second} query={query} />;
  if (first === "evaluations") return <EvaluationsScreen query={query} />;
  if (first === "library" && second !== undefined) return <CollectionScreen key={second} name={second} query={query} />;
  if (first === "library") return <LibraryScreen />;
  if (first === "models") return <ModelsScreen />;
  if (first === "tools" && second !== undefined) return <ToolScreen key={second} name={second} />;
  if (first === "tools") return <ToolsScreen />;
  if (first === "usage") return <UsageScreen query={query} />;
  return <Notice title="There is no such page." action="Choose one above." />;
}
