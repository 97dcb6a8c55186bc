/**
 * Follows a program's output to its terminal as far as it matters for inserting messages: whether
 * the alternate screen is on, whether the cursor is saved, and whether the output so far ends in
 * the middle of a sequence or character.
 *
 * The grammar is ECMA-48's (C0, ESC, CSI, and strings of OSC, DCS, SOS, PM and APC) over UTF-8, the
 * private modes are xterm's.
 *
 * @module
 */

const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const ESC = 0x1b;

/** Private modes that switch to the alternate screen. */
const ALTERNATE_SCREEN = ["47", "1047", "1049"];

/** The most characters of parameters that are kept; no sequence of interest has so many. */
const MAX_PARAMETERS = 64;

type Place = "text" | "escape" | "intermediate" | "csi" | "osc" | "string";

/** The state of a terminal, from the output it was given. */
export class TerminalState {
  /** Whether the alternate screen is on, for a full-screen program. */
  alternate = false;
  /** Whether the program has saved the cursor and not restored it yet. */
  cursorSaved = false;
  #place: Place = "text";
  /** Parameters and intermediates of the control sequence so far. */
  #parameters = "";
  /** How many bytes the UTF-8 character at the end lacks. */
  #missing = 0;

  /** Whether other bytes can follow without breaking a sequence or a character. */
  get atBoundary(): boolean {
    return this.#place === "text" && this.#missing === 0;
  }

  /** Takes the next bytes of the output, in pieces of any size. */
  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#place === "text") {
        const escape = bytes.indexOf(ESC, at);
        const end = escape < 0 ? bytes.length : escape;
        this.#missing = escape < 0 ? missingBytes(bytes, at, this.#missing) : 0;
        if (escape >= 0) this.#place = "escape";
        at = end + 1;
      } else {
        this.#step(bytes[at]!);
        at++;
      }
    }
  }

  /** Takes one byte that is not text. */
  #step(byte: number): void {
    if (byte === CAN || byte === SUB) {
      this.#place = "text";
    } else if (byte === ESC) {
      this.#place = "escape";
    } else if (this.#place === "escape") {
      this.#escape(byte);
    } else if (this.#place === "intermediate") {
      if (byte >= 0x30) this.#place = "text";
    } else if (this.#place === "csi") {
      this.#controlSequence(byte);
    } else if (this.#place === "osc" && byte === BEL) {
      this.#place = "text";
    }
  }

  /** The byte after ESC. */
  #escape(byte: number): void {
    const character = String.fromCharCode(byte);
    if (character === "[") {
      this.#parameters = "";
      this.#place = "csi";
    } else if (character === "]") {
      this.#place = "osc";
    } else if ("PX^_".includes(character)) {
      this.#place = "string";
    } else if (byte >= 0x20 && byte < 0x30) {
      this.#place = "intermediate";
    } else if (byte >= 0x30) {
      this.#place = "text";
      if (character === "7") this.cursorSaved = true;
      if (character === "8") this.cursorSaved = false;
      if (character === "c") this.alternate = this.cursorSaved = false;
    }
  }

  /** A byte after CSI; control characters there take effect by themselves. */
  #controlSequence(byte: number): void {
    if (byte >= 0x20 && byte < 0x40) {
      // Only those of private modes matter.
      const wanted = this.#parameters === "" || this.#parameters.startsWith("?");
      if (wanted && this.#parameters.length < MAX_PARAMETERS) {
        this.#parameters += String.fromCharCode(byte);
      }
    } else if (byte >= 0x40) {
      this.#place = "text";
      this.#finish(String.fromCharCode(byte));
    }
  }

  /** A control sequence is complete. */
  #finish(final: string): void {
    const parameters = this.#parameters;
    if ((final === "h" || final === "l") && parameters.startsWith("?")) {
      const modes = parameters.slice(1).split(";");
      if (modes.some((mode) => ALTERNATE_SCREEN.includes(mode))) this.alternate = final === "h";
    } else if (parameters === "" && final === "s") {
      this.cursorSaved = true;
    } else if (parameters === "" && final === "u") {
      this.cursorSaved = false;
    }
  }
}

/** The length of the UTF-8 character that starts with `byte`; 0 if it is ASCII or invalid. */
function characterLength(byte: number): number {
  if (byte >= 0xf0) return byte < 0xf5 ? 4 : 0;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc2 ? 2 : 0;
}

/**
 * How many bytes the character at the end of `bytes` lacks.
 *
 * @param start the index at which the text starts
 * @param missing how many bytes the character before it lacked
 */
function missingBytes(bytes: Uint8Array, start: number, missing: number): number {
  let at = start;
  while (missing > 0 && at < bytes.length && (bytes[at]! & 0xc0) === 0x80) {
    at++;
    missing--;
  }
  if (at === bytes.length) return missing;
  for (let last = bytes.length - 1; last >= Math.max(at, bytes.length - 3); last--) {
    const byte = bytes[last]!;
    if ((byte & 0xc0) === 0x80) continue;
    return Math.max(0, characterLength(byte) - (bytes.length - last));
  }
  return 0;
}
