import { useCallback } from "react";

import { partsOf } from "../execution/budget";
import { Standing } from "../execution/BudgetCard";
import { useSession } from "../session";
import { moment } from "../ui/format";
import { useLoad } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";
import { budgetsOf, type TenantBudget } from "./api";

/** The tenant's budgets, and how they stand in the period that it is. */
export function Budgets() {
  const { api } = useSession();
  const { value: budgets, error, reload } = useLoad(useCallback(() => budgetsOf(api), [api]));
  return (
    <section className="budgets" aria-labelledby="budgets-title">
      <h2 id="budgets-title">Budgets</h2>
      {error && <ErrorNotice error={error} retry={reload} />}
      {budgets?.length === 0 && (
        <p className="muted">
          None: nothing bounds what the tenant spends. An admin sets one with{" "}
          <code>meta-agents budget set all --cost-usd 500 --period month</code>.
        </p>
      )}
      <ul className="budget-list">
        {(budgets ?? []).map((budget) => (
          <li key={budget.definition.name} className="card budget">
            <h3>{budget.definition.name}</h3>
            <p className="muted">{wordsOf(budget)}</p>
            <Standing parts={partsOf({ what: "", cap: budget.definition, spent: budget.spent, reserved: budget.reserved })} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function wordsOf({ definition: { scope = "tenant", of, at_cap: atCap }, period, ends }: TenantBudget): string {
  const whose = scope === "tenant" ? "All calls" : `Calls of the ${scope} ${of ?? ""}`;
  const until = ends === null ? "for ever" : `in ${period}, until ${moment(ends)}`;
  return `${whose} ${until}. When it is used up, ${atCap === "fail" ? "calls fail" : "executions pause"}.`;
}
