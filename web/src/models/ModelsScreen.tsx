import { useCallback } from "react";

import { useSession } from "../session";
import { ago, count, moment } from "../ui/format";
import { useLoad, useNow, useTitle } from "../ui/hooks";
import { ErrorNotice, Loading, Notice } from "../ui/parts";
import { type Model, modelsOf } from "./api";

/** What the aliases that agents name stand for. They are changed in the deployment, or by the command line. */
export function ModelsScreen() {
  useTitle("Models");
  const { api } = useSession();
  const { value: models, error, reload } = useLoad(useCallback(() => modelsOf(api), [api]));
  return (
    <>
      <h1>Models</h1>
      <p className="lead">
        An agent names a model by an alias; the deployment says what that stands for. An admin stores another with{" "}
        <code>meta-agents model apply</code>.
      </p>
      {error && <ErrorNotice error={error} retry={reload} />}
      {models === undefined && !error && <Loading what="models" />}
      {models?.length === 0 && (
        <p className="empty">
          There is none: set <code>MODEL_NAME</code>, or <code>MODELS_FILE</code> to a file of aliases.
        </p>
      )}
      <ul className="models">
        {(models ?? []).map((model) => (
          <ModelCard key={model.alias} model={model} />
        ))}
      </ul>
    </>
  );
}

const SOURCES = { settings: "from the settings", file: "from the models file", stored: "stored" } as const;

function ModelCard({ model: { alias, source, model, context_window: window, price, updated, by, mistakes = [] } }: { model: Model }) {
  const now = useNow(true, 60_000);
  const facts: [string, React.ReactNode][] = [
    ...endpointOf(model),
    ["Window", window === null ? "not known" : `${count(window)} tokens of request and answer`],
    ["Price", price === null ? <Unpriced key="unpriced" model={model} /> : `$${money(price.input)} in, $${money(price.output)} out, a million tokens`],
    ...(price ? ([["Price from", sourceOf(price.source)]] as [string, string][]) : []),
    ...limitsOf(model),
  ];
  return (
    <li className="card model-card">
      <h2>
        <code>{alias}</code>{" "}
        <span className="chip" title={updated === null ? undefined : moment(updated)}>
          {[SOURCES[source] + (by === null ? "" : ` by ${by}`), updated === null ? "" : ago(updated, now)].filter(Boolean).join(", ")}
        </span>
      </h2>
      {model.description && <p>{model.description}</p>}
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {mistakes.length > 0 && <Notice title="It no longer fits:" details={mistakes} action="Correct it where it is kept, or store another." />}
    </li>
  );
}

function endpointOf({ provider, model, base_url: address, cascade, fallback = [] }: Model["model"]): [string, React.ReactNode][] {
  if (cascade) {
    const rules = [cascade.accept, cascade.accept_schema !== undefined && "it fits a schema"].filter(Boolean).join(", and ");
    return [
      ["Asks first", <code key="first">{cascade.first}</code>],
      ["Keeps its answer if", rules === "" ? "it fits what the agent must give" : <code key="rules">{rules}</code>],
      ["Else asks", <code key="then">{cascade.then}</code>],
    ];
  }
  return [
    ["Provider", provider ?? "?"],
    ["Model", <code key="model">{model}</code>],
    ...(address === undefined ? [] : ([["Address", <code key="address">{address}</code>]] as [string, React.ReactNode][])),
    ...(fallback.length === 0 ? [] : ([["When it is down", `asks ${fallback.join(", then ")}`]] as [string, string][])),
  ];
}

function limitsOf({ max_concurrency: calls, requests_per_minute: requests, tokens_per_minute: tokens, cache, timeout, tool_calls: tools }: Model["model"]): [string, string][] {
  const limits = [
    calls !== undefined && `${calls} calls at once`,
    requests !== undefined && `${requests} requests a minute`,
    tokens !== undefined && `${count(tokens)} tokens a minute`,
  ].filter(Boolean);
  const found: [string, string | false][] = [
    ["Limits", limits.length > 0 && `${limits.join(", ")}, of each process`],
    ["Answers kept for", cache ?? false],
    ["Given up after", timeout ?? false],
    ["Tools", tools === "schema" && "chosen by JSON schema, one at a time"],
  ];
  return found.filter((each): each is [string, string] => each[1] !== false);
}

function Unpriced({ model }: { model: Model["model"] }) {
  if (model.cascade) return "that of the one that is asked";
  return (
    <>
      not known: what it costs is not counted, and budgets in dollars refuse it. Give it in <code>prices</code> or <code>MODEL_PRICES</code>.
    </>
  );
}

function money(dollars: string): string {
  return Number(dollars).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
}

function sourceOf(source: string): string {
  return source === "alias" ? "the alias itself" : source;
}
