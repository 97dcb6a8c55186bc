import { readFile } from "../../files/read_file.ts";
import { type AuthorizedKeys, parseAuthorizedKeys } from "./authorized_keys.ts";

/** The longest file that is read, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads a file in the format of authorized_keys.
 *
 * @throws {Error} why it cannot be read, for fileErrorReason()
 */
export async function readAuthorizedKeys(path: string): Promise<AuthorizedKeys> {
  return parseAuthorizedKeys(await readFile(path, { maxBytes: MAX_BYTES }));
}
