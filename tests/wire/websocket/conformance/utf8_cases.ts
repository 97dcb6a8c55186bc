/** Section 6 of the cases: texts that are UTF-8 and texts that are not (RFC 3629). */

/** One text message, in fragments. */
export interface Utf8Case {
  id: string;
  parts: Uint8Array[];
  valid: boolean;
}

type Bytes = Uint8Array | number[];

/** The pattern of UTF-8 for any number of bytes from 1 to 6, allowed or not. */
function encode(codePoint: number, length: number): number[] {
  if (length === 1) return [codePoint];
  const tail = Array.from({ length: length - 1 }, (_, i) => {
    return 0x80 | Math.floor(codePoint / 64 ** (length - 2 - i)) % 64;
  });
  return [(0xff << (8 - length) & 0xff) | Math.floor(codePoint / 64 ** (length - 1)), ...tail];
}

/** The largest code point that the pattern of `length` bytes holds. */
function last(length: number): number {
  return [0x7f, 0x7ff, 0xffff, 0x1fffff, 0x3ffffff, 0x7fffffff][length - 1]!;
}

/** The smallest code point that needs `length` bytes. */
function first(length: number): number {
  return length === 1 ? 0 : last(length - 1) + 1;
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const single = (content: Bytes) => Array.from(content, (byte) => Uint8Array.of(byte));

/** Eleven bytes; whole characters end after these many of them. */
const WORD = utf8("ä€öüß");
const WORD_ENDS = [2, 5, 7, 9, 11];

const MIXED = utf8("Grüße, ¿qué? ½ €");
const HALF = MIXED.findIndex((byte) => byte === 0xc2);
const SURROGATE = [...utf8("wörter"), ...encode(0xd800, 3), ...utf8("mehr")];
/** A start that is valid, a code point behind the last one, and a rest that is valid. */
const BEYOND = [...WORD, ...encode(0x110000, 4), ...utf8("mehr")];
/** Where {@link BEYOND} can no longer become valid: behind its second impossible byte. */
const FATAL = WORD.length + 1;
const cut = (
  at: number,
  to: number,
) => [BEYOND.slice(0, at), BEYOND.slice(at, to), BEYOND.slice(to)];

const surrogates = [0xd800, 0xdb7f, 0xdb80, 0xdbff, 0xdc00, 0xdf80, 0xdfff];
const pairs = surrogates.slice(0, 4).flatMap((high) =>
  [0xdc00, 0xdfff].map((low) => [...encode(high, 3), ...encode(low, 3)])
);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const three = (codePoints: number[]) => codePoints.map((codePoint) => encode(codePoint, 3));
const incomplete = [
  ...[2, 3, 4, 5, 6].map((n) => encode(0, n)),
  ...[2, 3, 4, 5, 6].map((n) => {
    return encode(last(n), n);
  }),
].map((sequence) => sequence.slice(0, -1));
const nonCharacters = [
  ...three([0xfffe, 0xffff]),
  ...range(1, 17).flatMap((plane) =>
    [0xfffe, 0xffff].map((low) => encode(plane * 0x10000 + low, 4))
  ),
];

/** Sections 6.5 to 6.23: one message each, and whether it is valid. */
const SECTIONS: [valid: boolean | ((index: number) => boolean), messages: Bytes[]][] = [
  [true, [..."$¢€𤭢"].map((character) => utf8(`vor${character}nach`)).concat(WORD)],
  [(index) => WORD_ENDS.includes(index + 1), range(1, 12).map((n) => WORD.subarray(0, n))],
  [true, [1, 2, 3, 4].map((n) => encode(first(n), n))],
  [false, [5, 6].map((n) => encode(first(n), n))],
  [true, [encode(last(1), 1), encode(last(2), 2), encode(last(3), 3), encode(0x10ffff, 4)]],
  [false, [4, 5, 6].map((n) => encode(last(n), n))],
  [(index) => index < 4, [
    ...three([0xd7ff, 0xe000, 0xfffd]),
    encode(0x10ffff, 4),
    encode(0x110000, 4),
  ]],
  [false, [
    [0x80],
    [0xbf],
    ...range(2, 7).map((n) => range(0, n).map((i) => 0x80 | i % 2 * 0x3f)),
    range(0x80, 0xc0),
  ]],
  [
    false,
    [[0xc0, 0xe0], [0xe0, 0xf0], [0xf0, 0xf8], [0xf8, 0xfc], [0xfc, 0xfe]].map(([from, to]) =>
      range(from!, to!).flatMap((lead) => [lead, 0x20])
    ),
  ],
  [false, incomplete],
  [false, [incomplete.flat()]],
  [false, [[0xfe], [0xff], [0xfe, 0xfe, 0xff, 0xff]]],
  [false, [2, 3, 4, 5, 6].map((n) => encode(0x2f, n))],
  [false, [2, 3, 4, 5, 6].map((n) => encode(last(n - 1), n))],
  [false, [2, 3, 4, 5, 6].map((n) => encode(0, n))],
  [false, three(surrogates)],
  [false, pairs],
  [true, nonCharacters],
  [true, three(range(0xfff9, 0x10000))],
];

/** All of section 6. */
export const UTF8_CASES: Utf8Case[] = [
  { id: "6.1.1", parts: [[]], valid: true },
  { id: "6.1.2", parts: [[], [], []], valid: true },
  { id: "6.1.3", parts: [[], utf8("in the middle"), []], valid: true },
  { id: "6.2.1", parts: [MIXED], valid: true },
  { id: "6.2.2", parts: [MIXED.subarray(0, HALF), MIXED.subarray(HALF)], valid: true },
  { id: "6.2.3", parts: single(MIXED), valid: true },
  { id: "6.2.4", parts: single(WORD), valid: true },
  { id: "6.3.1", parts: [SURROGATE], valid: false },
  { id: "6.3.2", parts: single(SURROGATE), valid: false },
  // That suite waits between the parts to see how early it fails, which is not required.
  { id: "6.4.1", parts: cut(WORD.length, WORD.length + 4), valid: false },
  { id: "6.4.2", parts: cut(FATAL, FATAL + 1), valid: false },
  { id: "6.4.3", parts: [BEYOND], valid: false },
  { id: "6.4.4", parts: [BEYOND], valid: false },
  ...SECTIONS.flatMap(([valid, messages], section) =>
    messages.map((message, i) => ({
      id: `6.${section + 5}.${i + 1}`,
      parts: [message],
      valid: typeof valid === "boolean" ? valid : valid(i),
    }))
  ),
].map(({ parts, ...rest }) => ({ ...rest, parts: parts.map((part) => Uint8Array.from(part)) }));
