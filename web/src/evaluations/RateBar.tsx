import type { Interval } from "./api";
import { intervalWords, percent } from "./words";

/** A rate as a bar, with what it may be in truth as a whisker across its end. */
export function RateBar({ rate, interval, certain = true }: { rate: number; interval: Interval | null; certain?: boolean }) {
  const x = (part: number): number => 2 + part * 196;
  return (
    <svg className="rate" viewBox="0 0 200 18" role="img" aria-label={`${percent(rate)}${interval ? `, in truth ${intervalWords(interval)}` : ""}`}>
      <rect className="rate-ground" x="2" y="5" width="196" height="8" rx="3" />
      <rect className={certain ? "rate-bar" : "rate-bar rate-past"} x="2" y="5" width={rate * 196} height="8" rx="3" />
      {interval && (
        <path className="rate-interval" d={`M${x(interval.low)} 2v14M${x(interval.high)} 2v14M${x(interval.low)} 9H${x(interval.high)}`} />
      )}
    </svg>
  );
}

/** A difference around nought, with its interval; both from −1 to 1. */
export function DifferenceBar({ difference, interval }: { difference: number; interval: Interval | null }) {
  const x = (part: number): number => 100 + part * 98;
  const [from, to] = difference < 0 ? [difference, 0] : [0, difference];
  return (
    <svg className="rate" viewBox="0 0 200 18" aria-hidden="true">
      <rect className="rate-ground" x="2" y="5" width="196" height="8" rx="3" />
      <rect className={difference < 0 ? "rate-bar rate-lost" : "rate-bar"} x={x(from)} y="5" width={Math.max(0, x(to) - x(from))} height="8" />
      {interval && (
        <path className="rate-interval" d={`M${x(interval.low)} 2v14M${x(interval.high)} 2v14M${x(interval.low)} 9H${x(interval.high)}`} />
      )}
      <path className="rate-nought" d="M100 0v18" />
    </svg>
  );
}
