/**
 * Text that may hold any bytes: file names, arguments, environments. They are bytes on the wire and
 * on POSIX systems, and strings here. A byte that is not valid UTF-8 becomes the lone surrogate
 * U+DC00 plus the byte, so that each survives the round trip (the scheme of Python's PEP 383).
 * Pure.
 *
 * @module
 */

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** What a byte is added to; only bytes from 0x80 on occur. */
const ESCAPE = 0xdc00;

/** The length of the UTF-8 sequence at `start` (RFC 3629, section 4); 0 if it is not valid. */
function sequenceLength(bytes: Uint8Array, start: number): number {
  const first = bytes[start]!;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  // The second byte rules out overlong forms, surrogates and code points beyond U+10FFFF.
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    if (byte < (i === 1 ? lowest : 0x80) || byte > (i === 1 ? highest : 0xbf)) return 0;
  }
  return length;
}

/** The string for a name of any bytes. */
export function decodeBytes(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    // Not UTF-8 as a whole.
  }
  let name = "";
  for (let i = 0; i < bytes.length;) {
    const length = sequenceLength(bytes, i);
    name += length === 0
      ? String.fromCharCode(ESCAPE + bytes[i]!)
      : strictDecoder.decode(bytes.subarray(i, i + length));
    i += length || 1;
  }
  return name;
}

/** The bytes of a name from {@link decodeBytes}, or of any other string as UTF-8. */
export function encodeBytes(name: string): Uint8Array<ArrayBuffer> {
  if (name.isWellFormed()) return encoder.encode(name);
  const bytes: number[] = [];
  for (const character of name) {
    const code = character.codePointAt(0)!;
    if (code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) bytes.push(code - ESCAPE);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}
