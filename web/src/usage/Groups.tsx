import { count, duration } from "../ui/format";
import type { Figures } from "./api";
import { amountOf, type Group, type Measure, shown, spentOf } from "./sums";

interface Props {
  caption: string;
  /** Of the first column. */
  of: string;
  groups: readonly Group[];
  total: Figures;
  /** What the bars are of. */
  measure: Measure;
  nameOf?: (group: Group) => React.ReactNode;
  /** Executions are known of the whole tenant only. */
  executions?: boolean;
}

/** Sums by name, with a bar for the part of each. */
export function Groups({ caption, of, groups, total, measure, nameOf, executions = false }: Props) {
  const most = Math.max(0, ...groups.map(({ figures }) => amountOf(figures, measure)));
  return (
    <div className="figures-scroll card" tabIndex={0} role="group" aria-label={caption}>
      <table className="figures-table">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{of}</th>
            {executions && <th scope="col">Executions</th>}
            <th scope="col">Model calls</th>
            <th scope="col">Tokens</th>
            <th scope="col">Tool calls</th>
            <th scope="col">Failed</th>
            <th scope="col">Time</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr key={group.name}>
              <th scope="row">
                {nameOf ? nameOf(group) : group.name === "" ? <span className="muted">none</span> : group.name}
                <span
                  className="share"
                  aria-hidden="true"
                  title={shown(amountOf(group.figures, measure), measure)}
                  style={{ width: `${most === 0 ? 0 : (100 * amountOf(group.figures, measure)) / most}%` }}
                />
              </th>
              <Cells figures={group.figures} executions={executions} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">In all</th>
            <Cells figures={total} executions={executions} />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Cells({ figures, executions }: { figures: Figures; executions: boolean }) {
  const { executions: begun, executions_failed: failed, model_calls: calls, reused, tokens_in: given, tokens_out: said } = figures;
  return (
    <>
      {executions && <td title={failed > 0 ? `${failed} failed` : undefined}>{begun}</td>}
      <td title={reused > 0 ? `and ${reused} taken over` : undefined}>{calls}</td>
      <td title={`${given} in, ${said} out`}>{count(given + said)}</td>
      <td>{figures.tool_calls}</td>
      <td>{figures.failures}</td>
      <td>{Number(figures.seconds) === 0 ? "–" : duration(Number(figures.seconds) * 1000)}</td>
      <td title={figures.unpriced > 0 ? `without ${figures.unpriced} calls whose price is not known` : undefined}>
        {spentOf(figures)}
      </td>
    </>
  );
}
