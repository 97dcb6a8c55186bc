/** Files that options name, such as `--password-file FILE`. */
import { readFileSync } from "node:fs";
import { decodeText } from "../text/decode_text.ts";
import { fileErrorReason } from "../text/file_error.ts";

/**
 * Reads the text of a file that the option `flag` names.
 *
 * @throws {Error} `cannot read FLAG "file": why`
 */
export function readOptionFile(flag: string, file: string): string {
  try {
    return decodeText(readFileSync(file));
  } catch (cause) {
    throw new Error(`cannot read ${flag} "${file}": ${fileErrorReason(cause)}`, { cause });
  }
}

/**
 * Reads the secret of a file that the option `flag` names, without the line ends at its end.
 *
 * @throws {Error} if it cannot be read, or is empty
 */
export function readSecretFile(flag: string, file: string): string {
  const secret = readOptionFile(flag, file).replace(/[\r\n]+$/, "");
  if (secret === "") throw new Error(`cannot use ${flag} "${file}": the file is empty`);
  return secret;
}
