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
    const why = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new Error(`cannot use --ca-file "${path}": ${why}`, { cause });
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) {
    throw new Error(`cannot use --ca-file "${path}": there is no PEM certificate in it`);
  }
  return text;
}
