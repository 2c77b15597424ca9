import { useCallback, useState } from "react";

import { href, navigate } from "../router";
import { useSession } from "../session";
import { count, plural } from "../ui/format";
import { useLoad, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading } from "../ui/parts";
import { DIMENSIONS, type Dimension, type Sums, usageOf } from "./api";
import { Budgets } from "./Budgets";
import { Chart, shortDay } from "./Chart";
import { Groups } from "./Groups";
import { added, amountOf, dayOf, daysBetween, type Group, grouped, MEASURE_WORDS, type Measure, MEASURES, NOTHING, shown, spentOf } from "./sums";

const RANGES = [7, 30, 90];
const DAY = 86_400_000;

/** What is looked at, as the address has it. */
interface Look {
  from: string;
  to: string;
  by: Dimension;
  /** Undefined: the cost, or tokens where no price is known. */
  measure: Measure | undefined;
  /** The one of `by` that alone counts. */
  only: string | undefined;
}

function lookOf(query: URLSearchParams, today: string): Look {
  const isDay = (text: string | null): text is string => text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
  const [from, to] = [query.get("from"), query.get("to")];
  const last = isDay(to) ? to : today;
  return {
    from: isDay(from) && from <= last ? from : dayOf(Date.parse(last) - 29 * DAY),
    to: last,
    by: DIMENSIONS.find((each) => each === query.get("by")) ?? "workflow",
    measure: MEASURES.find((each) => each === query.get("measure")),
    only: query.get("only") ?? undefined,
  };
}

function addressOf(look: Look): string {
  return href(["usage"], { ...look });
}

/** What the tenant's executions have used, by day and by one other thing. */
export function UsageScreen({ query }: { query: URLSearchParams }) {
  useTitle("Usage");
  const { api } = useSession();
  const [today] = useState(() => dayOf(Date.now()));
  const look = lookOf(query, today);
  const { from, to, by } = look;
  const { value: sums, error, reload } = useLoad(useCallback(() => usageOf(api, from, to, by), [api, from, to, by]));
  const measure = look.measure ?? (sums && sums.total.unpriced > 0 && Number(sums.total.cost_usd) === 0 ? "tokens" : "cost");
  return (
    <>
      <h1>Usage</h1>
      <Filters look={look} measure={measure} today={today} />
      {error && <ErrorNotice error={error} retry={reload} />}
      {sums === undefined && !error && <Loading what="the usage" />}
      {sums && (sums.items.length === 0 ? <NoUsage look={look} /> : <Loaded look={look} measure={measure} sums={sums} />)}
      <Budgets />
    </>
  );
}

function Filters({ look, measure: shownMeasure, today }: { look: Look; measure: Measure; today: string }) {
  const { from, to } = look;
  const go = (change: Partial<Look>): void => navigate(addressOf({ ...look, ...change }));
  return (
    <div className="filters">
      <nav className="segments" aria-label="Days">
        {RANGES.map((days) => {
          const first = dayOf(Date.parse(today) - (days - 1) * DAY);
          return (
            <a
              key={days}
              href={addressOf({ ...look, from: first, to: today })}
              aria-current={from === first && to === today ? "true" : undefined}
            >
              {days} days
            </a>
          );
        })}
      </nav>
      <label>
        from <input type="date" value={from} max={to} onChange={(event) => event.target.value !== "" && go({ from: event.target.value })} />
      </label>
      <label>
        to <input type="date" value={to} min={from} onChange={(event) => event.target.value !== "" && go({ to: event.target.value })} />
      </label>
      <label>
        of{" "}
        <select value={shownMeasure} onChange={(event) => go({ measure: event.target.value as Measure })}>
          {MEASURES.map((measure) => (
            <option key={measure} value={measure}>
              {MEASURE_WORDS[measure]}
            </option>
          ))}
        </select>
      </label>
      <nav className="segments" aria-label="By">
        {DIMENSIONS.map((by) => (
          <a key={by} href={addressOf({ ...look, by, only: undefined })} aria-current={by === look.by ? "true" : undefined}>
            by {by}
          </a>
        ))}
      </nav>
    </div>
  );
}

function Loaded({ look, measure, sums: { items } }: { look: Look; measure: Measure; sums: Sums }) {
  const { by, only } = look;
  const counted = only === undefined ? items : items.filter((item) => (item[by] ?? "") === only);
  const total = counted.reduce(added, NOTHING);
  const byDay = new Map(grouped(counted, "day", measure).map((group) => [group.name, group]));
  const days = daysBetween(look.from, look.to);
  const daily = days.map((day): Group => byDay.get(day) ?? { name: day, figures: NOTHING });
  const groups = grouped(items, by, measure);
  const words = MEASURE_WORDS[measure];
  return (
    <>
      <Totals total={total} />
      <section className="chart-card card" aria-labelledby="chart-title">
        <h2 id="chart-title">
          {words} by day{only !== undefined && ` of ${only || `no ${by}`}`}
        </h2>
        <Chart title={words} days={days} amounts={daily.map(({ figures }) => amountOf(figures, measure))} show={(amount) => shown(amount, measure)} />
      </section>
      <div className="title-row">
        <h2>By {by}</h2>
        {only !== undefined && (
          <a className="button" href={addressOf({ ...look, only: undefined })}>
            Show all {by}s
          </a>
        )}
      </div>
      <Groups
        caption={`By ${by}`}
        of={by}
        groups={groups}
        total={items.reduce(added, NOTHING)}
        measure={measure}
        executions={by === "workflow"}
        nameOf={({ name }) => (
          <a href={addressOf({ ...look, only: name })} aria-current={name === only ? "true" : undefined}>
            {name === "" ? `no ${by}` : name}
          </a>
        )}
      />
      <details className="by-day">
        <summary>The days as a table</summary>
        <Groups
          caption="By day"
          of="Day (UTC)"
          groups={daily.toReversed()}
          total={total}
          measure={measure}
          executions={by === "workflow"}
          nameOf={({ name }) => <time dateTime={name}>{shortDay(name)}</time>}
        />
      </details>
    </>
  );
}

function Totals({ total }: { total: Sums["total"] }) {
  const figures: [string, string, (string | undefined)?][] = [
    ["Cost", spentOf(total), total.unpriced > 0 ? `without ${plural(total.unpriced, "call")} whose price is not known` : undefined],
    ["Model calls", count(total.model_calls), total.reused > 0 ? `${total.reused} more were taken over` : undefined],
    ["Tokens in", count(total.tokens_in)],
    ["Tokens out", count(total.tokens_out)],
    ["Tool calls", count(total.tool_calls)],
    ["Failed attempts", count(total.failures)],
  ];
  return (
    <dl className="summary-figures">
      {figures.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note !== undefined && <dd className="figure-note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}

function NoUsage({ look: { from, to } }: { look: Look }) {
  return (
    <section className="empty">
      <h2>
        Nothing was used from {shortDay(from)} to {shortDay(to)}
      </h2>
      <p>
        Each model and tool call counts on the day (UTC) on which it ended: its tokens, its cost at the <a href={href(["models"])}>model’s prices</a>,
        how long it took. Choose other days above, or <a href={href(["start"])}>start something</a>.
      </p>
    </section>
  );
}
