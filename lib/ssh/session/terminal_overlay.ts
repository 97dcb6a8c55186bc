/**
 * Shows messages in a terminal that a program is using.
 *
 * - On the main screen a message gets lines of its own above the cursor's line, which keeps its
 *   text and its place: a half-typed command stays whole.
 * - On the alternate screen nothing is drawn over the program: the message goes to the window's
 *   title, with a bell; the old title comes back when the program leaves that screen.
 * - Nothing is inserted in the middle of an escape sequence or a character.
 *
 * @module
 */

import { withoutControlCharacters } from "../../text/control_characters.ts";
import { TerminalState } from "./terminal_state.ts";

/**
 * How a message is drawn on the main screen.
 *
 * - `lines`: above the cursor's line.
 * - `plain`: as ordinary lines, for terminals without escape sequences.
 * - `top`: over the topmost line. For Windows, where the console behind a pseudoconsole keeps its
 *   own copy of the screen, and later overwrites lines that moved without it.
 */
export type OverlayStyle = "lines" | "plain" | "top";

export interface TerminalOverlayOptions {
  style: OverlayStyle;
  /** The terminal's width in characters. */
  columns: number;
}

/** The state of a terminal that {@link warningBytes} draws for. */
export interface TerminalView {
  readonly style: OverlayStyle;
  readonly columns: number;
  readonly alternate: boolean;
  readonly cursorSaved: boolean;
  /** Whether the window's own title is already saved. */
  readonly titleSaved: boolean;
}

/** The most lines of a message; the rest is cut. */
const MAX_ROWS = 4;

/** Save and restore the title (xterm's window operations 22 and 23). */
const SAVE_TITLE = "\x1b[22;2t";
const RESTORE_TITLE = "\x1b[23;2t";

/**
 * Resets what a killed full-screen program may have left: the alternate screen, a hidden cursor,
 * mouse reports, bracketed paste, application keys, a scroll region, colours.
 */
const SANE =
  "\x1b[?1049l\x1b[?25h\x1b[?1000;1002;1003;1006l\x1b[?2004l\x1b[?1l\x1b>\x1b7\x1b[r\x1b8\x1b[0m";

const encoder = new TextEncoder();
const NOTHING = new Uint8Array();

/** How messages are drawn in a terminal of the given `TERM`. */
export function overlayStyle(term: string | undefined, os: typeof Deno.build.os): OverlayStyle {
  if (os === "windows") return "top";
  return term === undefined || term === "" || term === "dumb" || term === "unknown"
    ? "plain"
    : "lines";
}

/** The bytes that show `text` in a terminal whose output is at a boundary. */
export function warningBytes(view: TerminalView, text: string): Uint8Array {
  const words = withoutControlCharacters(text);
  const { style, alternate, cursorSaved, titleSaved } = view;
  if (style === "plain") return encoder.encode(`\r\n${words}\r\n`);
  if (alternate) {
    return encoder.encode(`${titleSaved ? "" : SAVE_TITLE}\x1b]2;${words}\x07\x07`);
  }
  // Saving the cursor would lose the place that the program has saved for itself.
  if (cursorSaved) return encoder.encode(`\r\n${words}\r\n`);
  const rows = wrap(words, Math.max(20, view.columns - 1)).map((row) => `\x1b[7m${row}\x1b[0m`);
  if (style === "top") {
    return encoder.encode(`\x1b7\x1b[H\x1b[0m${rows.join("\x1b[K\r\n")}\x1b[K\x1b8\x07`);
  }
  const count = rows.length;
  // Make room below first, scrolling if need be, so that the lines moved down are not lost.
  const room = `${"\n".repeat(count)}\x1b[${count}A\x1b7\x1b[0m\r\x1b[${count}L`;
  return encoder.encode(`${room}${rows.join("\r\n")}\x1b8\x1b[${count}B\x07`);
}

/** Inserts messages into a program's output. */
export class TerminalOverlay {
  readonly #state = new TerminalState();
  readonly #style: OverlayStyle;
  /** The terminal's width in characters. */
  columns: number;
  #titleSaved = false;
  /** The message that waits for a boundary; a newer one replaces it. */
  #waiting: string | undefined;

  constructor(options: TerminalOverlayOptions) {
    this.#style = options.style;
    this.columns = options.columns;
  }

  /**
   * Passes on the program's output.
   *
   * @returns what goes to the terminal instead: mostly `bytes` itself
   */
  pass(bytes: Uint8Array): Uint8Array {
    if (this.#waiting === undefined) {
      this.#state.feed(bytes);
      const inserted = this.#insert();
      return inserted.length > 0 ? concat([bytes, inserted]) : bytes;
    }
    for (let at = 1; at <= bytes.length; at++) {
      this.#state.feed(bytes.subarray(at - 1, at));
      // A saved cursor will mostly be restored within the same output.
      if (this.#state.cursorSaved && at < bytes.length) continue;
      const inserted = this.#insert();
      if (inserted.length === 0) continue;
      return concat([bytes.subarray(0, at), inserted, this.pass(bytes.subarray(at))]);
    }
    return bytes;
  }

  /**
   * Shows a message.
   *
   * @returns what goes to the terminal now: nothing if the output is not at a boundary
   */
  show(text: string): Uint8Array {
    this.#waiting = text;
    return this.#insert();
  }

  /**
   * Resets the terminal after the program has ended, and shows the last message.
   *
   * @returns what goes to the terminal now, even after half a sequence
   */
  finish(text: string): Uint8Array {
    const words = `\r\n${withoutControlCharacters(text)}\r\n`;
    if (this.#style === "plain") return encoder.encode(words);
    // CAN ends a sequence that was cut off.
    const abort = this.#state.atBoundary ? "" : "\x18";
    const restore = this.#state.alternate ? SANE : "\x1b[0m";
    return encoder.encode(`${abort}${restore}${this.#titleSaved ? RESTORE_TITLE : ""}${words}`);
  }

  /** What can be inserted at the current place of the output. */
  #insert(): Uint8Array {
    const { atBoundary, alternate, cursorSaved } = this.#state;
    if (!atBoundary) return NOTHING;
    const parts: Uint8Array[] = [];
    if (this.#titleSaved && !alternate) {
      parts.push(encoder.encode(RESTORE_TITLE));
      this.#titleSaved = false;
    }
    if (this.#waiting !== undefined) {
      const view = {
        style: this.#style,
        columns: this.columns,
        alternate,
        cursorSaved,
        titleSaved: this.#titleSaved,
      };
      parts.push(warningBytes(view, this.#waiting));
      this.#titleSaved = alternate && this.#style !== "plain";
      this.#waiting = undefined;
    }
    return concat(parts);
  }
}

/** Cuts text into rows of at most `columns` characters, between words if possible. */
function wrap(text: string, columns: number): string[] {
  const rows: string[] = [];
  let rest = text;
  while (rest !== "" && rows.length < MAX_ROWS) {
    const blank = rest.length > columns ? rest.lastIndexOf(" ", columns) : -1;
    const end = rest.length <= columns ? rest.length : blank > 0 ? blank : columns;
    rows.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return rows;
}

function concat(parts: Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
