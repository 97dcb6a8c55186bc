import assert from "node:assert/strict";
import { TerminalState } from "../../../lib/ssh/session/terminal_state.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** Feeds text byte by byte; returns the state, and at which bytes a boundary was seen. */
function feed(text: string) {
  const state = new TerminalState();
  const boundaries = [...encode(text)].map((byte) => {
    state.feed(new Uint8Array([byte]));
    return state.atBoundary;
  });
  const whole = new TerminalState();
  whole.feed(encode(text));
  const facts = ({ atBoundary, alternate, cursorSaved }: TerminalState) => ({
    atBoundary,
    alternate,
    cursorSaved,
  });
  assert.deepEqual(facts(whole), facts(state), "how the output was cut makes no difference");
  return { state, inside: boundaries.slice(0, -1), end: boundaries.at(-1) };
}

Deno.test("TerminalState is at a boundary after whole characters and sequences only", () => {
  for (
    const text of [
      "\x1b[1;31m",
      "\x1b[?1049h",
      "\x1b(B",
      "\x1b#8",
      "\x1bM",
      "\x1b]0;title\x07",
      "\x1b]8;;http://x\x1b\\",
      "\x1bPq#0;2\x1b\\",
      "\x1b_private\x1b\\",
      "é",
      "→",
      "🙂",
    ]
  ) {
    const { inside, end } = feed(text);
    assert.ok(!inside.includes(true), JSON.stringify(text));
    assert.equal(end, true, JSON.stringify(text));
  }
  assert.deepEqual(feed("ab\r\nc").inside, [true, true, true, true]);
});

Deno.test("TerminalState recovers from what is no UTF-8 and from sequences cut off", () => {
  for (
    const bytes of [
      [0xe9, 0x41], // Latin-1
      [0x80, 0x80], // continuations without a start
      [0xff],
      [0xe2, 0x82, 0x41],
      [0x1b, 0x5b, 0x31, 0x18], // CAN ends a control sequence
      [0x1b, 0x5d, 0x31, 0x1a], // SUB ends a string
      [0x1b, 0x5d, 0x31, 0x1b, 0x63], // so does another escape sequence
      [0x1b, 0x5b, 0x1b, 0x5b, 0x6d],
      [0xe2, 0x1b, 0x5b, 0x6d],
    ]
  ) {
    const state = new TerminalState();
    state.feed(new Uint8Array(bytes));
    assert.ok(state.atBoundary, String(bytes));
  }
});

Deno.test("TerminalState holds a character that several chunks make up", () => {
  const state = new TerminalState();
  const [a, b, c, d] = encode("🙂");
  for (const byte of [a!, b!, c!]) {
    state.feed(new Uint8Array([byte]));
    assert.equal(state.atBoundary, false);
  }
  state.feed(new Uint8Array([d!, 0x41]));
  assert.ok(state.atBoundary);
  state.feed(new Uint8Array([0x41, a!, b!]));
  assert.equal(state.atBoundary, false);
  state.feed(new Uint8Array([c!, d!]));
  assert.ok(state.atBoundary);
});

Deno.test("TerminalState follows the alternate screen", () => {
  for (const mode of ["47", "1047", "1049"]) {
    assert.equal(feed(`\x1b[?${mode}h`).state.alternate, true);
    assert.equal(feed(`\x1b[?${mode}hx\x1b[?${mode}l`).state.alternate, false);
  }
  assert.equal(feed("\x1b[?1;1049;25h").state.alternate, true);
  assert.equal(feed("\x1b[?1049hx\x1bc").state.alternate, false, "reset");
  assert.equal(feed("\x1b[?25h\x1b[1049h\x1b[?1049$p").state.alternate, false);
});

Deno.test("TerminalState follows the saved cursor", () => {
  assert.equal(feed("\x1b7").state.cursorSaved, true);
  assert.equal(feed("\x1b7x\x1b8").state.cursorSaved, false);
  assert.equal(feed("\x1b[s").state.cursorSaved, true);
  assert.equal(feed("\x1b[sx\x1b[u").state.cursorSaved, false);
  assert.equal(feed("\x1b[1;2s").state.cursorSaved, false, "margins");
});
