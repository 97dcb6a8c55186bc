/**
 * Encoded terminal modes (RFC 4254, section 8) as words for stty. Pure.
 *
 * @module
 */

const CHARACTERS: Record<number, string> = {
  1: "intr",
  2: "quit",
  3: "erase",
  4: "kill",
  5: "eof",
  6: "eol",
  7: "eol2",
  8: "start",
  9: "stop",
  10: "susp",
  11: "dsusp",
  12: "rprnt",
  13: "werase",
  14: "lnext",
  16: "swtch",
  17: "status",
  18: "discard",
};

const FLAGS: Record<number, string> = {
  30: "ignpar",
  31: "parmrk",
  32: "inpck",
  33: "istrip",
  34: "inlcr",
  35: "igncr",
  36: "icrnl",
  37: "iuclc",
  38: "ixon",
  39: "ixany",
  40: "ixoff",
  41: "imaxbel",
  42: "iutf8",
  50: "isig",
  51: "icanon",
  52: "xcase",
  53: "echo",
  54: "echoe",
  55: "echok",
  56: "echonl",
  57: "noflsh",
  58: "tostop",
  59: "iexten",
  60: "echoctl",
  61: "echoke",
  70: "opost",
  71: "olcuc",
  72: "onlcr",
  73: "ocrnl",
  74: "onocr",
  75: "onlret",
  92: "parenb",
  93: "parodd",
};

/** Character sizes, of which only the one that is on counts. */
const SIZES: Record<number, string> = { 90: "cs7", 91: "cs8" };

/** What stands for "no character" in {@link CHARACTERS}. */
const DISABLED = 255;

/**
 * Reads encoded modes: opcodes with a uint32 each, up to 0 or an opcode from 160 on, as the RFC
 * says.
 */
export function decodeModes(bytes: Uint8Array): Record<number, number> {
  const modes: Record<number, number> = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 5 <= bytes.length; at += 5) {
    const opcode = view.getUint8(at);
    if (opcode === 0 || opcode >= 160) break;
    modes[opcode] = view.getUint32(at + 1);
  }
  return modes;
}

/** The settings for stty, each its own group of words; modes that stty lacks are left out. */
export function sttySettings(modes: Record<number, number>): string[][] {
  return Object.entries(modes).flatMap(([key, value]) => {
    const opcode = Number(key);
    if (opcode in CHARACTERS) return [[CHARACTERS[opcode]!, characterWord(value)]];
    if (opcode in FLAGS) return [[(value === 0 ? "-" : "") + FLAGS[opcode]!]];
    return opcode in SIZES && value !== 0 ? [[SIZES[opcode]!]] : [];
  });
}

function characterWord(value: number): string {
  if (value >= DISABLED) return "undef";
  if (value < 32) return `^${String.fromCharCode(64 + value)}`;
  if (value === 127) return "^?";
  return value < 127 ? String.fromCharCode(value) : `0x${value.toString(16)}`;
}
