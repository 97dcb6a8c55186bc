import { fileErrorReason } from "../../text/file_error.ts";

/**
 * Reads certificates of authorities to trust.
 *
 * @returns the text of the file, PEM
 * @throws {Error} `cannot use --ca-file "…": why`
 */
export async function readCaFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new Error(`cannot use --ca-file "${path}": ${fileErrorReason(cause)}`, { cause });
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Error(`cannot use --ca-file "${path}": it has no PEM certificate`);
  }
  return text;
}
