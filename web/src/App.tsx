import { useCallback, useMemo, useState } from "react";

import { Api, ApiError } from "./api/client";
import { forgetToken, savedToken, saveToken } from "./api/session";
import { href, type Route, useRoute } from "./router";
import { ExecutionScreen } from "./screens/ExecutionScreen";
import { ExecutionsScreen } from "./screens/ExecutionsScreen";
import { SignIn } from "./screens/SignIn";
import { StartForm } from "./screens/StartForm";
import { WorkflowsScreen } from "./screens/WorkflowsScreen";
import { SessionContext, useSession } from "./session";
import { useLoad } from "./ui/hooks";
import { ErrorNotice, Loading, Notice } from "./ui/parts";

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
      <Shell />
    </SessionContext>
  );
}

function Shell() {
  const { me, signOut } = useSession();
  const route = useRoute();
  return (
    <>
      <header className="topbar">
        <a className="brand" href={href([])}>
          <img src="/favicon.svg" alt="" width="24" height="24" /> Meta-Agents
        </a>
        <nav aria-label="Main">
          <a href={href([])} aria-current={route.path[0] === "start" ? undefined : "page"}>
            Executions
          </a>
          <a href={href(["start"])} aria-current={route.path[0] === "start" ? "page" : undefined}>
            Start
          </a>
        </nav>
        <span className="topbar-user muted" title={`Tenant ${me.tenant}; roles: ${me.roles.join(", ")}`}>
          {me.principal}
        </span>
        <button type="button" className="button button-quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main className="page">
        <Screen route={route} />
      </main>
    </>
  );
}

function Screen({ route: { path, query } }: { route: Route }) {
  const [first, second] = path;
  if (first === undefined) return <ExecutionsScreen query={query} />;
  if (first === "executions" && second !== undefined) return <ExecutionScreen key={second} id={second} query={query} />;
  if (first === "start" && second !== undefined) return <StartForm key={second} name={second} />;
  if (first === "start") return <WorkflowsScreen />;
  return <Notice title="There is no such page." action="Choose one above." />;
}
