import type { Json } from "../api/types";

/** The JSON that was typed, or in the parser's own words why it is none. */
export function readJson(text: string): { value: Json; error: string | undefined } {
  try {
    return { value: JSON.parse(text) as Json, error: undefined };
  } catch (error) {
    return { value: null, error: `This is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
