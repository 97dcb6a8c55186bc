import { withoutControlCharacters } from "./control_characters.ts";

/** The message of anything thrown, on one line. */
export function errorMessage(error: unknown): string {
  return withoutControlCharacters(
    error instanceof Error ? error.message || error.name : String(error),
  );
}
