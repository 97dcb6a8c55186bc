/** What the tests of processes on POSIX systems share. */
import { Buffer } from "node:buffer";
import type { ByteSource, ProcessOptions } from "../../lib/process/process.ts";

/** Reads up to end of file. */
export async function readBytes(source: ByteSource): Promise<Uint8Array> {
  const chunks = [];
  for (let bytes = await source.read(); bytes !== null; bytes = await source.read()) {
    chunks.push(Buffer.from(bytes));
  }
  return Buffer.concat(chunks);
}

/** Reads text up to end of file. */
export async function readAll(source: ByteSource): Promise<string> {
  return new TextDecoder().decode(await readBytes(source));
}

/** Reads until something is there. @returns all up to then */
export async function readUntil(source: ByteSource, pattern: RegExp): Promise<string> {
  let text = "";
  while (!pattern.test(text)) {
    const bytes = await source.read();
    if (bytes === null) throw new Error(`ended without ${pattern}: ${text}`);
    text += new TextDecoder().decode(bytes);
  }
  return text;
}

/** A command for a shell with a small environment. */
export function sh(command: string, env: Record<string, string> = {}): ProcessOptions {
  return {
    file: "/bin/sh",
    args: ["-c", command],
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", ...env },
  };
}

/** A size of terminals. */
export const SIZE = { columns: 90, rows: 20 };
