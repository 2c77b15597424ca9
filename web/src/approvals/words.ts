/** Questions and decisions in words; what we do not know is shown as it came. */
const BUTTONS: Readonly<Record<string, string>> = {
  approve: "Approve",
  reject: "Reject",
  retry: "Try again",
  skip: "Skip the step",
  fail: "Let it fail",
  say: "Say it",
  pass: "Pass",
  carried_out: "It was carried out",
  call_again: "It was not: call again",
};

const ICONS: Readonly<Record<string, string>> = { approve: "✓", reject: "✕", retry: "↻", skip: "–", fail: "✕", say: "❝", pass: "–", carried_out: "✓", call_again: "↻" };

const DECIDED: Readonly<Record<string, string>> = {
  approve: "Approved",
  reject: "Rejected",
  retry: "To be tried again",
  skip: "Skipped",
  fail: "Left to fail",
  say: "Said",
  pass: "Passed",
  carried_out: "Found to have been carried out",
  call_again: "To be called again",
};

const OTHERWISE: Readonly<Record<string, string>> = {
  approve: "it counts as approved",
  reject: "it counts as rejected",
  fail: "the step fails",
  retry: "the step is tried again",
  skip: "the step is skipped",
  pass: "the turn is passed",
};

export function buttonOf(option: string): { label: string; icon: string } {
  return { label: BUTTONS[option] ?? option, icon: ICONS[option] ?? "" };
}

export function decided(decision: string): string {
  return DECIDED[decision] ?? `Decided: ${decision}`;
}

/** What counts when nobody answers in time. */
export function defaultOutcome(otherwise: string | null): string {
  return otherwise === null ? "what the workflow says counts" : (OTHERWISE[otherwise] ?? `it counts as “${otherwise}”`);
}

/** `an operator`, `an author or an operator`. */
export function anyOf(roles: readonly string[]): string {
  return roles.map((role) => `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`).join(" or ");
}
