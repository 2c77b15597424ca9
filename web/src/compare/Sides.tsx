import type { Side, Usage } from "../api/types";
import { href } from "../router";
import { cost, count, duration, shortId, stopReason } from "../ui/format";
import { StatusBadge } from "../ui/parts";
import { signed } from "./words";

/** The two as a whole: how they ended, what they cost and how long they took, and by how much that differs. */
export function Sides({ left, right }: { left: Side; right: Side }) {
  const rows: [string, string, string, string][] = [
    ["Time", duration(left.seconds * 1000), duration(right.seconds * 1000), time(right.seconds - left.seconds)],
    ["Cost", cost(left.usage), cost(right.usage), money(left.usage, right.usage)],
    ...(["model_calls", "tokens_in", "tokens_out"] as const).map((key): [string, string, string, string] => {
      const difference = signed(right.usage[key] - left.usage[key], count);
      return [FIGURES[key], count(left.usage[key]), count(right.usage[key]), difference];
    }),
  ];
  return (
    <table className="sides card">
      <thead>
        <tr>
          <td />
          <th scope="col">
            <SideHead side={left} where="Left" />
          </th>
          <th scope="col">
            <SideHead side={right} where="Right" />
          </th>
          <th scope="col">Difference</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, one, other, difference]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{one}</td>
            <td>{other}</td>
            <td className="difference">{difference}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const FIGURES = { model_calls: "Model calls", tokens_in: "Tokens in", tokens_out: "Tokens out" };

function SideHead({ side, where }: { side: Side; where: string }) {
  const { id, workflow, workflow_version: version, status, stop_reason: reason, error } = side;
  const why = error ?? (reason === null || reason === "finished" || reason === status ? "" : stopReason(reason));
  return (
    <>
      <span className="visually-hidden">{where}: </span>
      <a href={href(["executions", id])}>
        {version === null ? workflow : `${workflow}@${version}`} <span className="id">{shortId(id)}</span>
      </a>{" "}
      <StatusBadge status={status} />
      {why !== "" && <span className="muted why">{why}</span>}
    </>
  );
}

function time(seconds: number): string {
  return signed(seconds * 1000, duration);
}

function money(left: Usage, right: Usage): string {
  if (left.cost_usd === null || right.cost_usd === null) return "";
  const difference = Number(right.cost_usd) - Number(left.cost_usd);
  return signed(difference, (size) => cost({ ...left, cost_usd: String(size) }));
}
