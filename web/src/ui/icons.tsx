/** Icons drawn here: their characters are missing from many fonts. */

/** A line that parts: a fork. */
export function ForkIcon() {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <path d="M8 14.5V9.5M8 9.5C8 6.5 3.5 7.5 3.5 3.5M8 9.5C8 6.5 12.5 7.5 12.5 3.5" />
      <path d="M1.5 4.5l2-2.5 2 2.5M10.5 4.5l2-2.5 2 2.5" />
    </svg>
  );
}
