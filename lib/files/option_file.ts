/** Files that options name, such as `--password-file FILE`. */
import { decodeText } from "../text/decode_text.ts";
import { fileErrorReason } from "../text/file_error.ts";
import { readFile } from "./read_file.ts";

/** The most bytes that a secret or a file in PEM may have. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads the text of a file, or of a pipe, that the option `flag` names.
 *
 * @throws {Error} `cannot read FLAG "file": why`
 */
export async function readOptionFile(flag: string, file: string): Promise<string> {
  try {
    return decodeText(await readFile(file, { maxBytes: MAX_BYTES, allowPipe: true }));
  } catch (cause) {
    throw new Error(`cannot read ${flag} "${file}": ${fileErrorReason(cause)}`, { cause });
  }
}

/**
 * Reads the secret of a file that the option `flag` names, without the line ends at its end.
 *
 * @throws {Error} if it cannot be read, or is empty
 */
export async function readSecretFile(flag: string, file: string): Promise<string> {
  const secret = (await readOptionFile(flag, file)).replace(/[\r\n]+$/, "");
  if (secret === "") throw new Error(`cannot use ${flag} "${file}": the file is empty`);
  return secret;
}

/**
 * Reads the certificates of authorities to trust.
 *
 * @returns the text of the file, PEM
 * @throws {Error} `cannot use --ca-file "…": why`, or that it cannot be read
 */
export async function readCaFile(file: string): Promise<string> {
  const text = await readOptionFile("--ca-file", file);
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Error(`cannot use --ca-file "${file}": it has no PEM certificate`);
  }
  return text;
}
