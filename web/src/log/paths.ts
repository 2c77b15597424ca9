/** Paths of steps: `a/b[1]/c`. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** The paths of the steps around it, the nearest first: `a/b[1]/c` is in `a/b[1]`, that in `a/b`, that in `a`. */
export function around(path: string): string[] {
  const found: string[] = [];
  for (let end = path.length - 1; end > 0; end -= 1) {
    if (path[end] === "/" || path[end] === "[") found.push(path.slice(0, end));
  }
  return found;
}

/** A turn of a chat or a handoff, which has no step of its own. */
export function isTurn(path: string): boolean {
  return /\/turn\[\d+\]$/.test(path);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
