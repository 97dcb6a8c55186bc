/** The file in which ssh keeps the host keys of the jobs that people logged in to. */
import { Buffer } from "node:buffer";
import { readText } from "../../files/read_file.ts";
import { fileErrorReason, isMissing } from "../../text/file_error.ts";
import { replaceText } from "../setup/replace_file.ts";

/** The longest file, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * The file without the keys of `host` other than `key`; undefined if there are none. Pure.
 *
 * @param key as SSH sends it
 */
export function withoutOtherKeys(
  text: string,
  host: string,
  key: Uint8Array,
): string | undefined {
  const base64 = Buffer.from(key).toString("base64");
  const lines = text.split("\n");
  const kept = lines.filter((line) => {
    const [name, , known] = line.trim().split(/\s+/);
    // ssh keeps names in lower case.
    return name !== host.toLowerCase() || known === base64;
  });
  return kept.length === lines.length ? undefined : kept.join("\n");
}

/**
 * Removes the keys of earlier runs of a job, so that ssh asks about the new one.
 *
 * @returns whether there were any
 * @throws {Error} if the file cannot be read or written
 */
export async function forgetOtherKeys(
  path: string,
  host: string,
  key: Uint8Array,
): Promise<boolean> {
  try {
    const text = withoutOtherKeys(await readText(path, { maxBytes: MAX_BYTES }), host, key);
    if (text === undefined) return false;
    await replaceText(path, text);
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw new Error(`cannot update "${path}": ${fileErrorReason(cause)}`, { cause });
  }
}
