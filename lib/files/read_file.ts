/**
 * The one way to read a file that an option names or that lies where anyone may put something:
 * within limits of size and time, and never waiting for another program.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { formatBytes, formatDuration } from "../../templates/assets/shared/format.js";
import { delay, within } from "../wire/delay.ts";

export interface ReadOptions {
  /** The most bytes that the file may have. */
  maxBytes: number;
  /** Takes a pipe as well, such as a shell's `<(command)`, up to its end. @default false */
  allowPipe?: boolean;
  /** How long it may take, in milliseconds. @default 30 s */
  timeout?: number;
}

const TIMEOUT_MS = 30_000;

/** How much is read at once, in bytes. */
const PIECE = 64 * 1024;

/** How often a pipe is looked at, in milliseconds. */
const PIPE_EVERY_MS = 20;

/**
 * Opening a pipe that nobody writes to, or a terminal, must not block. Windows has no such flags.
 */
const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

/**
 * Reads a whole file.
 *
 * @throws {Error} why it cannot be read, for fileErrorReason()
 */
export async function readFile(path: string, options: ReadOptions): Promise<Uint8Array> {
  const { timeout = TIMEOUT_MS } = options;
  const tooLate = new AbortController();
  try {
    const bytes = await within(timeout, read(path, options, tooLate.signal));
    if (bytes) return bytes;
    throw new Error(`reading took longer than ${formatDuration(timeout)}`);
  } finally {
    tooLate.abort();
  }
}

/**
 * Reads a whole file of text in UTF-8.
 *
 * @throws {Error} why it cannot be read, for fileErrorReason()
 */
export async function readText(path: string, options: ReadOptions): Promise<string> {
  return new TextDecoder().decode(await readFile(path, options));
}

async function read(path: string, options: ReadOptions, signal: AbortSignal) {
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    const { maxBytes, allowPipe = false } = options;
    const stats = await file.stat();
    const isPipe = stats.isFIFO() && allowPipe;
    if (!isPipe) checkKind(stats);
    const pieces: Uint8Array[] = [];
    let size = stats.size;
    for (let length = 0; size <= maxBytes; size = length) {
      const piece = await readPiece(file, isPipe && length === 0, signal);
      if (piece.length === 0) return Buffer.concat(pieces);
      pieces.push(piece);
      length += piece.length;
    }
    throw new Error(`it is larger than ${formatBytes(maxBytes)}`);
  } finally {
    await file.close();
  }
}

/**
 * Throws for all but regular files: reading a device may never end, or do something.
 */
function checkKind(stats: Stats): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory() ? "directory" : stats.isFIFO() ? "pipe" : "device";
  throw new Error(`it is a ${kind}`);
}

/**
 * Reads what comes next, nothing at the end.
 *
 * @param wait whether an end at once only means that nobody has written yet
 */
async function readPiece(
  file: FileHandle,
  wait: boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const piece = new Uint8Array(PIECE);
  while (!signal.aborted) {
    const count = await readSome(file, piece);
    if (count !== undefined && (count > 0 || !wait)) return piece.subarray(0, count);
    await delay(PIPE_EVERY_MS, signal);
  }
  return new Uint8Array();
}

/** @returns how many bytes, undefined if a pipe has none for now */
async function readSome(file: FileHandle, into: Uint8Array): Promise<number | undefined> {
  try {
    return (await file.read(into, 0, into.length, null)).bytesRead;
  } catch (error) {
    if (Object(error).code !== "EAGAIN") throw error;
    return undefined;
  }
}
