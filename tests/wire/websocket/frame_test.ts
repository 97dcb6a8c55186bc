import assert from "node:assert/strict";
import {
  FrameError,
  frameLength,
  FrameParser,
  Opcode,
  writeFrame,
} from "../../../lib/wire/websocket/frame.ts";
import { serverFrame } from "../../support/raw_websocket_server.ts";

const LENGTHS = [0, 1, 3, 125, 126, 127, 65_535, 65_536, 100_001];

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7);
}

/** Reads a client's frame as a server does. */
function unmask(frame: Uint8Array): { head: number[]; payload: Uint8Array } {
  const short = frame[1]! & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  const mask = frame.subarray(start, start + 4);
  const payload = frame.slice(start + 4).map((byte, i) => byte ^ mask[i & 3]!);
  return { head: [...frame.subarray(0, start)], payload };
}

Deno.test("writeFrame() writes the length in the shortest form and masks the payload", () => {
  for (const length of LENGTHS) {
    for (let at = 0; at < 4; at++) {
      const into = new Uint8Array(at + frameLength(length) + 1);
      const frame = { opcode: Opcode.binary, payload: pattern(length) };
      const end = writeFrame(into, at, frame, 0x89abcdef);
      assert.equal(end, into.length - 1);
      assert.deepEqual([...into.subarray(0, at), into[end]], Array(at + 1).fill(0));
      const { head, payload } = unmask(into.subarray(at, end));
      const expected = [...serverFrame(Opcode.binary, pattern(length)).subarray(0, head.length)];
      expected[1]! |= 0x80;
      assert.deepEqual(head, expected);
      assert.deepEqual(payload, pattern(length));
    }
  }
});

Deno.test("writeFrame() leaves the payload as it was and masks each frame again", () => {
  const payload = pattern(50);
  const frames = [1, 2].map(() => {
    const into = new Uint8Array(frameLength(50));
    writeFrame(into, 0, { opcode: Opcode.text, payload });
    return into;
  });
  assert.deepEqual(payload, pattern(50));
  assert.notDeepEqual(frames[0], frames[1]);
});

Deno.test("FrameParser gives the same frames however the bytes were cut", () => {
  const bytes = new Uint8Array(LENGTHS.flatMap((n) => [...serverFrame(Opcode.binary, pattern(n))]));
  for (const step of [1, 2, 13, 1000, bytes.length]) {
    const parser = new FrameParser(200_000);
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const frame of parser.push(bytes.subarray(at, at + step))) {
        assert.equal(frame.opcode, Opcode.binary);
        assert.equal(frame.final, true);
        assert.deepEqual(frame.payload, pattern(frame.payload.length));
        lengths.push(frame.payload.length);
      }
    }
    assert.deepEqual(lengths, LENGTHS);
  }
});

Deno.test("FrameParser gives binary messages in parts as they come, and all else whole", () => {
  const bytes = new Uint8Array([
    ...serverFrame(Opcode.binary, pattern(1000)),
    ...serverFrame(Opcode.text, pattern(200)),
    ...serverFrame(Opcode.binary, pattern(0)),
    ...serverFrame(Opcode.ping, pattern(100)),
  ]);
  for (const step of [1, 7, 300, bytes.length]) {
    const parser = new FrameParser(1000);
    parser.inParts = true;
    const messages: [opcode: number, length: number][] = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const { opcode, final, payload } of parser.push(bytes.slice(at, at + step))) {
        if (opcode !== Opcode.continuation) messages.push([opcode, 0]);
        const message = messages.at(-1)!;
        assert.deepEqual(payload, pattern(1000).subarray(message[1], message[1] + payload.length));
        message[1] += payload.length;
        assert.equal(final, message[1] === [1000, 200, 0, 100][messages.length - 1]);
      }
    }
    assert.deepEqual(messages, [[2, 1000], [1, 200], [2, 0], [9, 100]]);
  }
});

Deno.test("FrameParser refuses what a server may not send, with the close code for it", () => {
  const cases: [string, number[], number][] = [
    ["a reserved bit", [0xc2, 0x00], 1002],
    ["a mask", [0x82, 0x80, 0, 0, 0, 0], 1002],
    ["an unknown kind", [0x83, 0x00], 1002],
    ["an unknown control frame", [0x8b, 0x00], 1002],
    ["a ping in pieces", [0x09, 0x00], 1002],
    ["a long ping", [0x89, 126, 0, 126], 1002],
    ["more than the limit", [0x82, 126, 0x04, 0x01], 1009],
    ["more than a number holds", [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255], 1009],
  ];
  for (const [what, bytes, code] of cases) {
    assert.throws(
      () => [...new FrameParser(1024).push(Uint8Array.from(bytes))],
      (error) => error instanceof FrameError && error.code === code,
      what,
    );
  }
});
