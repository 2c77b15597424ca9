// Times, sizes and JSON texts as people read them.

const UNITS = [
  [86_400_000, "d", 3_600_000, "h"],
  [3_600_000, "h", 60_000, "min"],
  [60_000, "min", 1000, "s"],
];

/** Milliseconds as `3 d 4 h`, `12.3 s` or `5 ms`. */
export function duration(ms) {
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms < 1) return "0 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9950 ? 2 : 1)} s`;
  for (const [large, unit, small, part] of UNITS) {
    if (ms < large) continue;
    const rest = Math.floor((ms % large) / small);
    return `${Math.floor(ms / large)} ${unit}${rest ? ` ${rest} ${part}` : ""}`;
  }
  return `${Math.round(ms / 1000)} s`;
}

export const millis = (text) => Date.parse(text);

/** How long ago, seen from the host's clock. */
export function ago(text, now) {
  const passed = now - millis(text);
  if (passed < 1500) return passed < -1500 ? `in ${coarse(-passed)}` : "now";
  return `${coarse(passed)} ago`;
}

function coarse(ms) {
  return ms < 59_500 ? `${Math.round(ms / 1000)} s` : duration(ms);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** Local time of day with milliseconds. */
export function clock(text) {
  return `${CLOCK.format(millis(text))}.${String(new Date(text).getMilliseconds()).padStart(3, "0")}`;
}

export function moment(text) {
  return `${DAY.format(millis(text))}, ${clock(text)}`;
}

export const count = (number) => number.toLocaleString("en").replaceAll(",", " ");

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function size(characters) {
  return characters < 10_000 ? `${count(characters)} characters` : `${count(Math.round(characters / 1000))} kB`;
}

/** The string that a JSON text holds, or the text itself. */
export function plain(text) {
  const value = parse(text);
  return typeof value === "string" ? value : text;
}

/**
 * Takes off the strings around a JSON text: the SDK sends JSON text inside a JSON string.
 * `cut` texts end anywhere; `scalars` takes a string that holds a number for a number. Returns the text and how many
 * strings were around it.
 */
export function unwrap(text, { cut = false, scalars = false } = {}) {
  let wrapped = 0;
  while (text.startsWith('"')) {
    const inner = parse(cut ? closed(text) : text);
    if (typeof inner !== "string" || !(scalars || /^\s*["[{]/.test(inner)) || !(cut || parse(inner) !== undefined)) break;
    text = inner;
    wrapped += 1;
  }
  return { text, wrapped };
}

const closed = (text) => `${text.replace(/\\(u[\da-f]{0,3})?$/i, "")}"`;

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const TOKENS = /"(?:[^"\\]|\\.)*(?:"|$)|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * A JSON text as `[kind, text]` pieces with line breaks and indents. Numbers stay as they were written, which parsing
 * and printing would not keep; of strings only the escapes are undone.
 */
export function pieces(text) {
  const out = [];
  let indent = 0;
  let before = "";
  const line = () => out.push(["", `\n${"  ".repeat(indent)}`]);
  const tokens = text.match(TOKENS) ?? [];
  tokens.forEach((token, at) => {
    const closes = token === "}" || token === "]";
    if (closes) {
      indent = Math.max(0, indent - 1);
      if (before !== "{" && before !== "[") line();
    } else if (before === "{" || before === "[" || before === ",") {
      line();
    }
    if (token === "{" || token === "[") indent += 1;
    out.push([kindOf(token, tokens[at + 1]), token === ":" ? ": " : readable(token)]);
    before = token;
  });
  return out;
}

function kindOf(token, next) {
  if (token[0] === '"') return next === ":" ? "key" : "string";
  return /^[{}[\],:]$/.test(token) ? "" : "literal";
}

function readable(token) {
  const value = token[0] === '"' && token.includes("\\") ? parse(token) : undefined;
  return value === undefined ? token : JSON.stringify(value);
}
