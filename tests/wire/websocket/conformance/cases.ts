/**
 * The cases of the Autobahn test suite for websockets, by its numbers, with data of our own.
 *
 * What a case sends is a table here; what counts as passed is what that suite counts.
 * Not in it: 12 and 13, which are about compression; it is not offered.
 *
 * @module
 */
import { UTF8_CASES } from "./utf8_cases.ts";

export const Kind = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame to send. */
export interface SentFrame {
  opcode: number;
  payload: Uint8Array;
  /** @default true */
  final?: boolean;
  /** The three reserved bits, as a number. @default 0 */
  reserved?: number;
}

/** What the tested end sends back. */
export interface Reply {
  kind: "text" | "binary" | "pong";
  payload: Uint8Array;
}

export interface ConformanceCase {
  /** Its number in the Autobahn test suite. */
  id: string;
  frames: SentFrame[];
  /** How many bytes each write has. @default all */
  chop?: number;
  /** How often the frames are sent, each time after the replies. @default 1 */
  rounds?: number;
  /** What has to come back. */
  replies: Reply[];
  /** What may come back instead; less than strict. */
  lenient?: Reply[];
  /** Who closes: we once the replies are there, the tested end, or a frame of the case. */
  closedBy: "us" | "them" | "case";
  /** What the tested end may close with; 1005 is a close frame without a code. */
  codes: number[];
  /** Whether it may drop the connection without a close frame. */
  mayDrop: boolean;
  /** The standard says nothing about it. */
  informational?: boolean;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `length` bytes, letters for a text and all values otherwise. */
function filler(kind: "text" | "binary", length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => kind === "text" ? 97 + i % 23 : 255 - i % 251);
}

const text = (payload: Uint8Array, options: Partial<SentFrame> = {}): SentFrame => ({
  opcode: Kind.text,
  payload,
  ...options,
});

/** A frame with a payload in text. */
function frame(opcode: number, payload = "", options: Partial<SentFrame> = {}): SentFrame {
  return { opcode, payload: bytes(payload), ...options };
}

/** A message in fragments of `size` bytes. */
function fragments(opcode: number, payload: Uint8Array, size: number): SentFrame[] {
  const count = Math.max(1, Math.ceil(payload.length / size));
  return Array.from({ length: count }, (_, i) => ({
    opcode: i === 0 ? opcode : Kind.more,
    payload: payload.subarray(i * size, (i + 1) * size),
    final: i === count - 1,
  }));
}

function closeFrame(code: number, reason: Uint8Array = bytes("")): SentFrame {
  return { opcode: Kind.close, payload: Uint8Array.of(code >> 8, code & 255, ...reason) };
}

const reply = (kind: Reply["kind"], payload: string | Uint8Array): Reply => ({
  kind,
  payload: typeof payload === "string" ? bytes(payload) : payload,
});

type Options = Partial<ConformanceCase>;

/** It goes on: the replies come, and our close is answered. */
function echoes(
  id: string,
  frames: SentFrame[],
  replies: Reply[],
  options?: Options,
): ConformanceCase {
  return { id, frames, replies, closedBy: "us", codes: [1000], mayDrop: false, ...options };
}

/** A breach of the standard: the tested end closes by itself. */
function fails(id: string, frames: SentFrame[], options?: Options): ConformanceCase {
  return { id, frames, replies: [], closedBy: "them", codes: [1002], mayDrop: true, ...options };
}

/** Closed by a frame of the case; a breach may also drop the connection. */
function closes(
  id: string,
  frames: SentFrame[],
  codes: number[],
  options?: Options,
): ConformanceCase {
  const mayDrop = !codes.includes(1000);
  return { id, frames, replies: [], closedBy: "case", codes, mayDrop, ...options };
}

/** One message that comes back as it is. */
function echo(id: string, kind: "text" | "binary", payload: Uint8Array, options?: Options) {
  return echoes(id, [{ opcode: Kind[kind], payload }], [reply(kind, payload)], options);
}

function framing(section: string, kind: "text" | "binary"): ConformanceCase[] {
  const lengths = [0, 125, 126, 127, 128, 65_535, 65_536];
  return [
    ...lengths.map((length, i) => echo(`${section}.${i + 1}`, kind, filler(kind, length))),
    echo(`${section}.8`, kind, filler(kind, 65_536), { chop: 997 }),
  ];
}

const TEN = Array.from({ length: 10 }, (_, i) => `ping ${i}`);
const tenPings = TEN.map((payload) => frame(Kind.ping, payload));
const tenPongs = TEN.map((payload) => reply("pong", payload));
const BINARY = Uint8Array.of(255, 0, 254, 1, 128, 127);

const pings: ConformanceCase[] = [
  echoes("2.1", [frame(Kind.ping)], [reply("pong", "")]),
  echoes("2.2", [frame(Kind.ping, "hallo")], [reply("pong", "hallo")]),
  echoes("2.3", [{ opcode: Kind.ping, payload: BINARY }], [reply("pong", BINARY)]),
  ...[undefined, 1].map((chop, i) => {
    const payload = filler("binary", 125);
    return echoes(["2.4", "2.6"][i]!, [{ opcode: Kind.ping, payload }], [reply("pong", payload)], {
      chop,
    });
  }),
  fails("2.5", [{ opcode: Kind.ping, payload: filler("binary", 126) }]),
  echoes("2.7", [frame(Kind.pong)], []),
  echoes("2.8", [frame(Kind.pong, "unasked")], []),
  echoes("2.9", [frame(Kind.pong, "unasked"), frame(Kind.ping, "asked")], [reply("pong", "asked")]),
  echoes("2.10", tenPings, tenPongs),
  echoes("2.11", tenPings, tenPongs, { chop: 1 }),
];

/** A good text, something that must not be, and a ping that must not be answered any more. */
function afterText(id: string, bad: SentFrame, chop?: number): ConformanceCase {
  const frames = [frame(Kind.text, "before"), bad, frame(Kind.ping)];
  return fails(id, frames, { replies: [reply("text", "before")], lenient: [], chop });
}

const reservedBits: ConformanceCase[] = [
  fails("3.1", [frame(Kind.text, "hallo", { reserved: 1 })]),
  afterText("3.2", frame(Kind.text, "hallo", { reserved: 2 })),
  // As 3.2: that suite flushes after each frame here.
  afterText("3.3", frame(Kind.text, "hallo", { reserved: 3 })),
  afterText("3.4", frame(Kind.text, "hallo", { reserved: 4 }), 1),
  fails("3.5", [{ opcode: Kind.binary, payload: BINARY, reserved: 5 }]),
  fails("3.6", [frame(Kind.binary, "hallo", { reserved: 6 })]),
  fails("3.7", [frame(Kind.close, "", { reserved: 7 })]),
];

const opcodes: ConformanceCase[] = [["4.1", 3], ["4.2", 11]].flatMap(([section, first]) => {
  const opcode = Number(first);
  return [
    fails(`${section}.1`, [frame(opcode)]),
    fails(`${section}.2`, [frame(opcode + 1, "what is this")]),
    afterText(`${section}.3`, frame(opcode + 2)),
    afterText(`${section}.4`, frame(opcode + 3, "what is this")),
    afterText(`${section}.5`, frame(opcode + 4, "what is this"), 1),
  ];
});

/** The same three times: in one write, frame by frame and byte by byte. */
function threeWays(first: number, make: (id: string, options: Options) => ConformanceCase) {
  return [undefined, 16, 1].map((chop, i) => make(`5.${first + i}`, { chop }));
}

const open = { final: false };
const [HALF, REST] = ["the first half", " and the second"];
const fragmented = [frame(Kind.text, HALF, open), frame(Kind.more, REST)];
const joined = reply("text", HALF + REST);
const fragmentsAround = [
  ...[frame(Kind.text, "a", open), frame(Kind.more, "b", open), frame(Kind.ping, "1")],
  ...[frame(Kind.more, "c", open), frame(Kind.more, "d", open), frame(Kind.ping, "2")],
  frame(Kind.more, "e"),
];
const repliesAround = [reply("pong", "1"), reply("pong", "2"), reply("text", "abcde")];
const strayFragments = (final: boolean) =>
  [1, 2].flatMap(() => [
    frame(Kind.more, "stray", { final }),
    frame(Kind.text, "new", open),
    frame(Kind.more, "end"),
  ]);

const fragmentation: ConformanceCase[] = [
  fails("5.1", [frame(Kind.ping, "cut", open), frame(Kind.more, "up")]),
  fails("5.2", [frame(Kind.pong, "cut", open), frame(Kind.more, "up")]),
  ...threeWays(3, (id, options) => echoes(id, fragmented, [joined], options)),
  ...threeWays(6, (id, options) => {
    const frames = [fragmented[0]!, frame(Kind.ping, "between"), fragmented[1]!];
    return echoes(id, frames, [reply("pong", "between"), joined], options);
  }),
  ...threeWays(9, (id, options) => {
    return fails(id, [frame(Kind.more, "of nothing"), frame(Kind.text, "hallo")], options);
  }),
  ...threeWays(12, (id, options) => {
    return fails(id, [frame(Kind.more, "of nothing", open), frame(Kind.text, "hallo")], options);
  }),
  fails("5.15", [...fragmented, frame(Kind.more, "of nothing", open), frame(Kind.text, "x")], {
    replies: [joined],
    lenient: [],
  }),
  fails("5.16", strayFragments(false)),
  fails("5.17", strayFragments(true)),
  fails("5.18", [frame(Kind.text, HALF, open), frame(Kind.text, REST)]),
  echoes("5.19", fragmentsAround, repliesAround),
  echoes("5.20", fragmentsAround, repliesAround, { chop: 1 }),
];

const hallo = frame(Kind.text, "hallo");
const NORMAL = closeFrame(1000);
const badReason = Uint8Array.of(...bytes("€"), 0xed, 0xa0, 0x80, ...bytes("x"));

const closing: ConformanceCase[] = [
  echo("7.1.1", "text", bytes("hallo")),
  closes("7.1.2", [NORMAL, frame(Kind.close)], [1000]),
  closes("7.1.3", [NORMAL, frame(Kind.ping)], [1000]),
  closes("7.1.4", [NORMAL, hallo], [1000]),
  closes("7.1.5", [fragmented[0]!, NORMAL, fragmented[1]!], [1000]),
  closes("7.1.6", [text(filler("text", 262_144)), hallo, NORMAL, frame(Kind.ping)], [1000], {
    informational: true,
  }),
  closes("7.3.1", [frame(Kind.close)], [1000, 1005]),
  closes("7.3.2", [frame(Kind.close, "x")], [1002]),
  closes("7.3.3", [NORMAL], [1000]),
  closes("7.3.4", [closeFrame(1000, bytes("good bye"))], [1000]),
  closes("7.3.5", [closeFrame(1000, filler("text", 123))], [1000]),
  closes("7.3.6", [closeFrame(1000, filler("text", 124))], [1002]),
  closes("7.5.1", [closeFrame(1000, badReason)], [1002, 1007]),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map(
    (code, i) => closes(`7.7.${i + 1}`, [closeFrame(code)], [code, 1000]),
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, i) =>
    closes(`7.9.${i + 1}`, [closeFrame(code)], [1002])
  ),
  ...[5000, 65_535].map((code, i) =>
    closes(`7.13.${i + 1}`, [closeFrame(code)], [1000, 1002, code], { informational: true })
  ),
];

const KIB = 1024;
const MIB = 1024 * KIB;

function limits(sections: number[], kind: "text" | "binary"): ConformanceCase[] {
  const [whole, inFragments, chopped, roundTrips] = sections.map((n) => `9.${n}`);
  const [small, large] = [filler(kind, MIB), filler(kind, 4 * MIB)];
  return [
    ...[64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].map((length, i) =>
      echo(`${whole}.${i + 1}`, kind, filler(kind, length))
    ),
    ...[64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB].map((size, i) =>
      echoes(`${inFragments}.${i + 1}`, fragments(Kind[kind], large, size), [reply(kind, large)])
    ),
    ...[64, 128, 256, 512, 1024, 2048].map((chop, i) =>
      echo(`${chopped}.${i + 1}`, kind, small, { chop })
    ),
    ...[0, 16, 64, 256, 1024, 4096].map((length, i) =>
      echo(`${roundTrips}.${i + 1}`, kind, filler(kind, length), { rounds: 1000 })
    ),
  ];
}

const long = filler("text", 65_536);

/** All of them, in the order of their numbers' first part. */
export function conformanceCases(): ConformanceCase[] {
  return [
    ...[...framing("1.1", "text"), ...framing("1.2", "binary"), ...pings, ...reservedBits],
    ...[...opcodes, ...fragmentation],
    ...UTF8_CASES.map(({ id, parts, valid }) => {
      const frames = parts.map((payload, i) =>
        text(payload, { opcode: i === 0 ? Kind.text : Kind.more, final: i === parts.length - 1 })
      );
      const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
      if (valid) return echoes(id, frames, [reply("text", whole)]);
      return fails(id, frames, { codes: [1007] });
    }),
    ...[...closing, ...limits([1, 3, 5, 7], "text"), ...limits([2, 4, 6, 8], "binary")],
    echoes("10.1.1", fragments(Kind.text, long, 1300), [reply("text", long)]),
  ];
}
