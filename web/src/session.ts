import { createContext, useContext } from "react";

import type { Api } from "./api/client";
import type { Me } from "./api/types";

/** Who is signed in, and the API as they may use it. */
export interface Session {
  api: Api;
  me: Me;
  signOut: () => void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error("This screen is shown only to those signed in.");
  return session;
}
