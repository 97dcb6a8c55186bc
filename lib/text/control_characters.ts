/** C0, DEL and C1 controls, line and paragraph separators, and what turns the direction of text. */
const CONTROLS = /\s*[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+\s*/gu;

/**
 * The text on one line, fit for a terminal and a log: names and messages from the network can
 * neither forge a line nor drive a terminal. Each run of control characters becomes one space, none
 * at the ends.
 */
export function withoutControlCharacters(text: string): string {
  return text.replaceAll(CONTROLS, " ").trim();
}
