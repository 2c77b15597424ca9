/** A budget in numbers, and what it can be raised to. */
import type { Amounts, Reached } from "../api/types";
import { cost, count } from "../ui/format";

export interface BudgetPart {
  key: keyof Amounts;
  label: string;
  /** Of the field for its new cap. */
  field: string;
  cap: number;
  spent: number;
  reserved: number;
  show: (amount: number) => string;
}

/** The parts that are capped. Dollars need no Decimal here: what is sent is what was typed. */
export function partsOf({ cap = {}, spent, reserved }: Reached): BudgetPart[] {
  const tokens = (usage: typeof spent): number => (usage?.tokens_in ?? 0) + (usage?.tokens_out ?? 0);
  const all: (Omit<BudgetPart, "cap"> & { cap: string | number | undefined })[] = [
    {
      key: "cost_usd",
      label: "",
      field: "US dollars in all",
      cap: cap.cost_usd,
      spent: Number(spent?.cost_usd ?? 0),
      reserved: Number(reserved?.cost_usd ?? 0),
      show: (amount) => cost({ cost_usd: String(amount) }),
    },
    { key: "tokens", label: "tokens", field: "Tokens in all", cap: cap.tokens, spent: tokens(spent), reserved: tokens(reserved), show: count },
    {
      key: "model_calls",
      label: "model calls",
      field: "Model calls in all",
      cap: cap.model_calls,
      spent: spent?.model_calls ?? 0,
      reserved: reserved?.model_calls ?? 0,
      show: String,
    },
  ];
  return all.flatMap((part) => (part.cap === undefined ? [] : [{ ...part, cap: Number(part.cap) }]));
}

/** Twice as much of what is used up; what has room left stays. */
export function suggestionFor({ cap, spent, reserved }: BudgetPart): string {
  return String(spent + reserved >= cap ? Math.max(cap * 2, spent * 1.5) : cap);
}

interface Raised {
  /** Undefined while something is wrong, or nothing is raised. */
  to: Amounts | undefined;
  mistakes: Partial<Record<keyof Amounts, string>>;
}

export function raisedTo(parts: readonly BudgetPart[], textOf: (part: BudgetPart) => string): Raised {
  const to: Amounts = {};
  const mistakes: Raised["mistakes"] = {};
  for (const part of parts) {
    const text = textOf(part).trim();
    const amount = Number(text);
    const isMoney = part.key === "cost_usd";
    if (text === "" || !Number.isFinite(amount) || (!isMoney && !Number.isInteger(amount))) {
      mistakes[part.key] = isMoney ? "Write a number, such as 2.50." : "Write a whole number.";
    } else if (amount < part.cap) mistakes[part.key] = `It can only be raised: it is ${part.show(part.cap)} now.`;
    else if (amount > part.cap) Object.assign(to, { [part.key]: isMoney ? text : amount });
  }
  const isWhole = Object.keys(mistakes).length === 0 && Object.keys(to).length > 0;
  return { to: isWhole ? to : undefined, mistakes };
}
