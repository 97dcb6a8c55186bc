/** What is written and read again has to be the same, for each format with a parser. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeModes } from "../../../lib/process/terminal_modes.ts";
import { parseMessage } from "../../../lib/protocol/messages.ts";
import { clientPath, websocketUrl } from "../../../lib/protocol/urls.ts";
import { findTarget } from "../../../lib/server/http/target.ts";
import { parseAuthorizedKeys } from "../../../lib/ssh/login/authorized_keys.ts";
import { Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";
import { readAttributes, writeAttributes } from "../../../lib/ssh/sftp/packets/attributes.ts";
import { decodeBytes, encodeBytes } from "../../../lib/text/byte_text.ts";
import { decodeText } from "../../../lib/text/decode_text.ts";
import { parseDuration } from "../../../lib/text/duration.ts";
import { parseSize } from "../../../lib/text/size.ts";
import { FrameParser, Opcode } from "../../../lib/wire/websocket/frame.ts";
import { closePayload, MessageJoiner, parseClose } from "../../../lib/wire/websocket/message.ts";
import { encodeRawFrame } from "../../support/raw_websocket_server.ts";
import { inPieces, place } from "./damage.ts";
import { type FuzzTarget, target } from "./target.ts";

const number32 = fc.nat(2 ** 32 - 1);
const bytes = fc.uint8Array({ maxLength: 200 });
const pieces = fc.array(place, { maxLength: 3 });

/** Without what ends a line, and with one space at a time between others. */
const word = fc.string({ unit: fc.constantFrom(..."abz019 -_.ä\\\"'=,"), maxLength: 20 })
  .map((text) => text.trim().replaceAll(/ +/g, " "));

/** Each as a word of lib/ssh/protocol, with its value. */
const field = fc.oneof(
  fc.record({ kind: fc.constant("byte" as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("uint32" as const), value: number32 }),
  fc.record({ kind: fc.constant("boolean" as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant("string" as const), value: bytes }),
);

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

function sameKey([comment, command, seed]: [string, string, Uint8Array]): void {
  const blob = new Writer().string("ssh-ed25519").string(seed).bytes();
  const option = `command="${command.replaceAll('"', '\\"')}"`;
  const line = `${option} ssh-ed25519 ${blob.toBase64()} ${comment}\r\n`;
  const { keys, broken } = parseAuthorizedKeys(new TextEncoder().encode(line));
  assert.deepEqual(broken, []);
  assert.deepEqual(keys[0]!.blob, blob);
  assert.equal(keys[0]!.comment, comment);
  assert.equal(keys[0]!.options.command, command);
}

function sameFrames([fragments, cuts]: [Uint8Array[], number[]]): void {
  const frames = fragments.map((payload, i) =>
    encodeRawFrame({
      opcode: i === 0 ? Opcode.binary : Opcode.continuation,
      payload,
      final: i === fragments.length - 1,
    })
  );
  const [parser, joiner] = [new FrameParser(65_536), new MessageJoiner(65_536)];
  const all = Uint8Array.from(frames.flatMap((frame) => [...frame]));
  const messages = inPieces(all, cuts).flatMap((piece) =>
    [...parser.push(piece)].map((frame) => joiner.join(frame)).filter((joined) =>
      joined !== undefined
    )
  );
  assert.deepEqual(messages, [Uint8Array.from(fragments.flatMap((part) => [...part]))]);
}

/** All formats. */
export const ROUND_TRIPS: FuzzTarget[] = [
  target(
    "round trip: control messages",
    fc.record({ type: fc.constant("refused"), reason: fc.string(), retry: fc.boolean() }),
    (message) => assert.deepEqual(parseMessage(JSON.stringify(message), "refused"), { ...message }),
  ),
  target(
    "round trip: websocket messages",
    fc.tuple(fc.array(bytes, { minLength: 1, maxLength: 4 }), pieces),
    sameFrames,
  ),
  target(
    "round trip: close frames",
    fc.tuple(fc.constantFrom(1000, 4001), word),
    ([code, reason]) => {
      assert.deepEqual(parseClose(closePayload(code, reason)), { code, reason });
    },
  ),
  target("round trip: SSH fields", fc.array(field), (fields) => {
    const writer = new Writer();
    for (const { kind, value } of fields) (writer[kind] as (value: unknown) => void)(value);
    const reader = new Reader(writer.bytes());
    assert.deepEqual(fields.map(({ kind }) => reader[kind]()), fields.map(({ value }) => value));
    assert.equal(reader.left, 0);
  }),
  target(
    "round trip: SFTP attributes",
    fc.record({
      ...{ mode: number32, uid: number32, gid: number32, atime: number32, mtime: number32 },
      size: fc.maxSafeNat(),
    }),
    ({ mode: permissions, size, uid, gid, atime, mtime }) => {
      const stat = { mode: permissions, size, uid, gid, atime, mtime, nlink: 1, identity: "" };
      const read = readAttributes(new Reader(writeAttributes(new Writer(), stat).bytes()));
      assert.deepEqual(read, { size, owner: { uid, gid }, permissions, times: { atime, mtime } });
    },
  ),
  target(
    "round trip: authorized_keys",
    fc.tuple(
      word,
      word.filter((text) => !text.endsWith("\\") && !text.includes('\\"')),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
    ),
    sameKey,
  ),
  target("round trip: names of any bytes", bytes, (name) => {
    assert.deepEqual(encodeBytes(decodeBytes(name)), name);
  }),
  target("round trip: texts in UTF-16", fc.string({ unit: "grapheme" }), (text) => {
    const encoded = new Uint8Array(2 * text.length + 2);
    const view = new DataView(encoded.buffer);
    for (const [i, unit] of ["\ufeff", ...text.split("")].entries()) {
      view.setUint16(2 * i, unit.charCodeAt(0), true);
    }
    assert.equal(decodeText(encoded), text);
  }),
  target(
    "round trip: times and sizes",
    fc.tuple(fc.nat(20), fc.nat(23), fc.nat(59), fc.nat(59)),
    ([days, hours, minutes, seconds]) => {
      const time = parseDuration(`${days}d${hours}h${minutes}m${seconds}s`);
      assert.equal(time, (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000);
      assert.equal(parseSize(`${seconds}MiB`), seconds * 2 ** 20);
    },
  ),
  target(
    "round trip: terminal modes",
    fc.dictionary(fc.nat({ max: 159 }).filter((opcode) => opcode > 0).map(String), number32),
    (modes) => {
      const writer = new Writer();
      for (const [opcode, value] of Object.entries(modes)) {
        writer.byte(Number(opcode)).uint32(value);
      }
      assert.deepEqual({ ...decodeModes(writer.byte(0).bytes()) }, { ...modes });
    },
  ),
  target("round trip: URLs", id, (id) => {
    const site = {
      ...{ defaultHost: "127.0.0.1:1", tls: false, basePath: "/base", trustProxy: false },
      ...{ username: "ann", password: true, agentToken: false },
    };
    const url = websocketUrl("https://example.org/base", clientPath(id));
    const request = new Request(`http://example.org${url.pathname}`);
    const found = findTarget(request, site);
    assert.ok(!(found instanceof Response) && found.path.endsWith(`/client/${id}`));
  }),
];
