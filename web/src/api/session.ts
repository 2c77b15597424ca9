import { decoded } from "../router";

/** Where the access token lives: this tab's session storage, and nowhere else. */
const KEY = "meta-agents.token";

export function savedToken(): string | null {
  return sessionStorage.getItem(KEY);
}

export function saveToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}

/**
 * Takes the token from a link such as `/#token=…` and removes it from the address bar and the history entry, so that
 * neither a screenshot nor a shared address gives it away. Tells whether there was one.
 */
export function takeTokenFromAddress(): boolean {
  const match = /^#token=([^&]+)$/.exec(location.hash);
  if (match?.[1] === undefined) return false;
  saveToken(decoded(match[1]));
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  return true;
}
