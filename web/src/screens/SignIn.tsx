import { useState } from "react";

import { Api, ApiError } from "../api/client";
import { asError, useTitle } from "../ui/hooks";
import { ErrorNotice, Notice } from "../ui/parts";

interface Props {
  /** The token that was used is no longer accepted. */
  expired: boolean;
  onSignIn: (token: string) => void;
}

export function SignIn({ expired, onSignIn }: Props) {
  useTitle("Sign in");
  const [token, setToken] = useState("");
  const [error, setError] = useState<Error>();
  const [busy, setBusy] = useState(false);

  const submit = async (): Promise<void> => {
    setBusy(true);
    try {
      await new Api(token.trim()).me();
      onSignIn(token.trim());
    } catch (reason) {
      setError(asError(reason));
      setBusy(false);
    }
  };

  return (
    <main className="sign-in">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <h1>Meta-Agents</h1>
        <p className="muted">Teams of agents as durable workflows.</p>
        {expired && error === undefined && (
          <Notice title="You were signed out." action="The server no longer accepts the token. Enter the current one." />
        )}
        {error !== undefined && <SignInError error={error} />}
        <div className="field">
          {/* Password managers want to know whose password it is. */}
          <input type="text" autoComplete="username" value="access token" readOnly hidden />
          <label htmlFor="token">Access token</label>
          <input
            id="token"
            type="password"
            autoComplete="current-password"
            autoFocus
            value={token}
            onChange={(event) => setToken(event.target.value)}
            aria-describedby="token-hint"
          />
          <p id="token-hint" className="hint">
            On your own machine it is in <code>.local/token</code>. It stays in this tab.
          </p>
        </div>
        <button type="submit" className="button button-primary" disabled={busy || token.trim() === ""}>
          {busy ? "Signing in …" : "Sign in"}
        </button>
      </form>
    </main>
  );
}

function SignInError({ error }: { error: Error }) {
  if (error instanceof ApiError && error.status === 401) {
    return <Notice title="This token is not accepted." action="Copy it whole, without spaces or quotes." />;
  }
  return <ErrorNotice error={error} />;
}
