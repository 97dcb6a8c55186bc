/**
 * The text of a file however a shell wrote it: UTF-8, or UTF-16 with the byte order mark that
 * PowerShell's `>` puts in front. The mark is left out.
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe
    ? "utf-16le"
    : bytes[0] === 0xfe && bytes[1] === 0xff
    ? "utf-16be"
    : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}
