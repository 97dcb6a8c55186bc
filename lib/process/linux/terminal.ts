/** A terminal on Linux: its pair of descriptors, its size and its modes. */
import type { WindowSize } from "../process.ts";
import { libc, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR } from "./libc.ts";

/** The request of ioctl(2), the same on x86-64 and ARM64. */
const TIOCSWINSZ = 0x5414n;

const TCSANOW = 0;

/** Of access(2). */
const R_OK = 4;

/**
 * struct termios of glibc: four words of flags, the line discipline, the characters, two speeds.
 */
const TERMIOS_SIZE = 60, CHARACTERS_AT = 17;

/** Where the control characters are, by opcode (RFC 4254, section 8). */
const CHARACTERS: Record<number, number> = {
  1: 0, // VINTR
  2: 1, // VQUIT
  3: 2, // VERASE
  4: 3, // VKILL
  5: 4, // VEOF
  6: 11, // VEOL
  7: 16, // VEOL2
  8: 8, // VSTART
  9: 9, // VSTOP
  10: 10, // VSUSP
  12: 12, // VREPRINT
  13: 14, // VWERASE
  14: 15, // VLNEXT
  16: 7, // VSWTC
  18: 13, // VDISCARD
};

/** What stands for "no character" in SSH, and in Linux. */
const SSH_DISABLED = 255, LINUX_DISABLED = 0;

/** The offsets of the flag fields in struct termios. */
const INPUT = 0, OUTPUT = 4, CONTROL = 8, LOCAL = 12;

/** The words and bits of flags, by opcode. */
const FLAGS: Record<number, [word: number, bit: number]> = {
  30: [INPUT, 0o4], // IGNPAR
  31: [INPUT, 0o10], // PARMRK
  32: [INPUT, 0o20], // INPCK
  33: [INPUT, 0o40], // ISTRIP
  34: [INPUT, 0o100], // INLCR
  35: [INPUT, 0o200], // IGNCR
  36: [INPUT, 0o400], // ICRNL
  37: [INPUT, 0o1000], // IUCLC
  38: [INPUT, 0o2000], // IXON
  39: [INPUT, 0o4000], // IXANY
  40: [INPUT, 0o10000], // IXOFF
  41: [INPUT, 0o20000], // IMAXBEL
  42: [INPUT, 0o40000], // IUTF8 (RFC 8160)
  50: [LOCAL, 0o1], // ISIG
  51: [LOCAL, 0o2], // ICANON
  52: [LOCAL, 0o4], // XCASE
  53: [LOCAL, 0o10], // ECHO
  54: [LOCAL, 0o20], // ECHOE
  55: [LOCAL, 0o40], // ECHOK
  56: [LOCAL, 0o100], // ECHONL
  57: [LOCAL, 0o200], // NOFLSH
  58: [LOCAL, 0o400], // TOSTOP
  59: [LOCAL, 0o100000], // IEXTEN
  60: [LOCAL, 0o1000], // ECHOCTL
  61: [LOCAL, 0o4000], // ECHOKE
  62: [LOCAL, 0o40000], // PENDIN
  70: [OUTPUT, 0o1], // OPOST
  71: [OUTPUT, 0o2], // OLCUC
  72: [OUTPUT, 0o4], // ONLCR
  73: [OUTPUT, 0o10], // OCRNL
  74: [OUTPUT, 0o20], // ONOCR
  75: [OUTPUT, 0o40], // ONLRET
  92: [CONTROL, 0o400], // PARENB
  93: [CONTROL, 0o1000], // PARODD
};

/** The mode by which a terminal erases whole characters of UTF-8. */
const UTF8_INPUT = 42;

/** The character sizes, of which the one that is on counts, and their bits in the control word. */
const SIZES: Record<number, number> = { 90: 0o40, 91: 0o60 };
const SIZE_MASK = 0o60;

/** Changes a struct termios as encoded modes say; what Linux does not know is left out. */
export function applyModes(termios: DataView, modes: Record<number, number>): void {
  const change = (word: number, mask: number, bits: number) =>
    termios.setUint32(word, (termios.getUint32(word, true) & ~mask | bits) >>> 0, true);
  for (const [key, value] of Object.entries(modes)) {
    const opcode = Number(key);
    const index = CHARACTERS[opcode];
    const flag = FLAGS[opcode];
    const size = SIZES[opcode];
    if (index !== undefined) {
      const character = value >= SSH_DISABLED ? LINUX_DISABLED : value;
      termios.setUint8(CHARACTERS_AT + index, character);
    } else if (flag !== undefined) change(flag[0], flag[1], value === 0 ? 0 : flag[1]);
    else if (size !== undefined && value !== 0) change(CONTROL, SIZE_MASK, size);
  }
}

/** A terminal that was just opened. */
export interface OpenTerminal {
  /** Our end; does not block. */
  master: number;
  /** The path of the programs' end, as a C string. */
  path: Uint8Array<ArrayBuffer>;
}

/**
 * Opens a terminal with a size and modes.
 *
 * @throws {Error} if the system has none to give
 */
export function openTerminal(size: WindowSize, modes: Record<number, number>): OpenTerminal {
  const master = libc.posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  const path = new Uint8Array(64);
  if (
    master < 0 || libc.grantpt(master) !== 0 || libc.unlockpt(master) !== 0 ||
    libc.ptsname_r(master, path, BigInt(path.length)) !== 0 || libc.access(path, R_OK) !== 0
  ) {
    if (master >= 0) libc.close(master);
    throw new Error("cannot open a terminal: /dev/ptmx or /dev/pts is missing, or all are in use");
  }
  const termios = new Uint8Array(TERMIOS_SIZE);
  libc.tcgetattr(master, termios);
  applyModes(new DataView(termios.buffer), { [UTF8_INPUT]: 1, ...modes });
  libc.tcsetattr(master, TCSANOW, termios);
  resizeTerminal(master, size);
  return { master, path };
}

/**
 * Checks that terminals can be opened.
 *
 * @throws {Error} if not
 */
export function checkTerminal(): void {
  libc.close(openTerminal({ columns: 80, rows: 24 }, {}).master);
}

/** Sets a terminal's size; its programs get SIGWINCH. */
export function resizeTerminal(master: number, { columns, rows }: WindowSize): void {
  const size = Uint16Array.of(clamp(rows, 24), clamp(columns, 80), 0, 0); // struct winsize
  libc.ioctl(master, TIOCSWINSZ, new Uint8Array(size.buffer));
}

function clamp(size: number, fallback: number): number {
  return size > 0 ? Math.min(Math.floor(size), 65535) : fallback;
}
