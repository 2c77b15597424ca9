import { useLayoutEffect, useRef, useState } from "react";

import { roundUp } from "./sums";

interface Props {
  title: string;
  days: readonly string[];
  /** One for each day. */
  amounts: readonly number[];
  show: (amount: number) => string;
}

const HEIGHT = 200;
const LEFT = 56;
const BOTTOM = 22;
const TOP = 8;

/** Bars by day. For those who do not see it, the table below says the same. */
export function Chart({ title, days, amounts, show }: Props) {
  const box = useRef<SVGSVGElement>(null);
  const [wide, setWide] = useState(720);
  useLayoutEffect(() => {
    if (box.current === null) return undefined;
    // As wide as it is shown, so that its texts are as large as others.
    const observer = new ResizeObserver(([entry]) => entry && setWide(Math.max(240, Math.round(entry.contentRect.width))));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const top = roundUp(Math.max(...amounts));
  const step = (wide - LEFT) / days.length;
  const width = Math.max(1, Math.min(28, step * 0.72));
  const y = (amount: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - amount / top);
  const every = Math.ceil((days.length * 70) / wide);
  return (
    <svg ref={box} className="chart" height={HEIGHT} viewBox={`0 0 ${wide} ${HEIGHT}`} role="img" aria-label={`${title} by day; the same as a table below`}>
      {[0, 0.5, 1].map((part) => (
        <g key={part}>
          <line className="chart-line" x1={LEFT} x2={wide} y1={y(top * part)} y2={y(top * part)} />
          <text className="chart-scale" x={LEFT - 6} y={y(top * part) + 4} textAnchor="end">
            {show(top * part)}
          </text>
        </g>
      ))}
      {days.map((day, index) => {
        const amount = amounts[index] ?? 0;
        const x = LEFT + step * (index + 0.5);
        return (
          <g key={day}>
            {amount > 0 && (
              <rect className="chart-bar" x={x - width / 2} y={y(amount)} width={width} height={Math.max(1, y(0) - y(amount))} rx={Math.min(3, width / 3)}>
                <title>{`${day}: ${show(amount)}`}</title>
              </rect>
            )}
            {index % every === 0 && (
              <text className="chart-day" x={x} y={HEIGHT - 6} textAnchor="middle">
                {shortDay(day)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** `27 Nov`; a day is a day of UTC. */
export function shortDay(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
}
