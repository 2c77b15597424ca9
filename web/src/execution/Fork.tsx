import { createContext, useContext } from "react";

import { ForkIcon } from "../ui/icons";

/** Opens the dialog for a step; undefined where there is none. */
export const ForkContext = createContext<((step: string) => void) | undefined>(undefined);

export function ForkButton({ step }: { step: string }) {
  const open = useContext(ForkContext);
  if (open === undefined) return null;
  return (
    <button type="button" className="fork-button" title="Fork from here" onClick={() => open(step)}>
      <ForkIcon />
      <span className="visually-hidden">Fork from {step}</span>
    </button>
  );
}
