/** Drawn in a real terminal: tmux. */
import assert from "node:assert/strict";
import {
  overlayStyle,
  TerminalOverlay,
  type TerminalOverlayOptions,
  warningBytes,
} from "../../../lib/ssh/session/terminal_overlay.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";

const TEXT = "Converge: the agent ends in 5m.";
const test = requires("tmux");

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function overlay(options: Partial<TerminalOverlayOptions> = {}): TerminalOverlay {
  return new TerminalOverlay({ style: "lines", columns: 80, ...options });
}

/** What a terminal of 80 by 24 shows after `bytes`. */
async function show(bytes: string) {
  await using dir = new TempDir();
  const socket = `${dir.path}/tmux`;
  const tmux = async (...args: string[]) => {
    const result = await run("tmux", ["-S", socket, "-f", "/dev/null", ...args], {
      env: { LC_ALL: "C.UTF-8", TERM: "xterm", TMUX: "" },
    });
    assert.equal(result.code, 0, result.stderr);
    return result.stdout;
  };
  dir.write("bytes", bytes);
  // The terminal answers where its cursor is, once it has drawn all before that.
  const script = dir.write(
    "script",
    `stty raw -echo
printf '\\033]2;before\\007'
cat ${dir.path}/bytes
printf '\\033[6n'
IFS= read -rd R position
tmux -S ${socket} wait-for -S drawn
cat`,
  );
  await tmux("new-session", "-d", "-x", "80", "-y", "24", `bash ${script}`);
  try {
    await tmux("wait-for", "drawn");
    const screen = (await tmux("capture-pane", "-p", "-S", "-100")).trimEnd().split("\n");
    const format = "#{cursor_x} #{cursor_y} #{alternate_on} #{pane_title}";
    const [x, y, alternate, ...title] = (await tmux("display-message", "-p", format)).trim()
      .split(" ");
    const visible = (await tmux("capture-pane", "-p")).split("\n");
    return {
      /** With what has scrolled away. */
      screen,
      /** The line of the cursor, up to the cursor. */
      line: visible[Number(y)]!.slice(0, Number(x)),
      alternate: alternate === "1",
      title: title.join(" "),
    };
  } finally {
    await tmux("kill-server");
  }
}

test({
  name: "TerminalOverlay puts words above a half-typed command, wherever it is on the screen",
  async fn() {
    for (const lines of [0, 5, 22, 23, 40]) {
      const before = Array.from({ length: lines }, (_, i) => `line ${i}`);
      const output = [...before, "$ make te"].join("\r\n");
      const over = overlay();
      const bytes = decode(over.pass(encode(output))) + decode(over.show(TEXT)) +
        decode(over.pass(encode("st")));
      const { screen, line } = await show(bytes);
      assert.deepEqual(screen, [...before, TEXT, "$ make test"], `after ${lines} lines`);
      assert.equal(line, "$ make test");
    }
  },
});

test({
  name: "TerminalOverlay wraps words in a narrow terminal and leaves no colour behind",
  async fn() {
    const over = overlay({ columns: 40 });
    const text = `${TEXT} Type something to get another ten minutes.`;
    const bytes = decode(over.pass(encode("\x1b[32m$ "))) + decode(over.show(text));
    const { screen, line } = await show(`${bytes}x`);
    assert.deepEqual(screen, [
      "Converge: the agent ends in 5m. Type",
      "something to get another ten minutes.",
      "$ x",
    ]);
    assert.equal(line, "$ x");
  },
});

test({
  name: "TerminalOverlay leaves a full-screen program alone and uses the title",
  async fn() {
    const over = overlay();
    const draw = "$ vim\r\n\x1b[?1049h\x1b[2J\x1b[H~ one\r\n~ two\x1b[1;3H";
    const during = decode(over.pass(encode(draw))) + decode(over.show(TEXT)) +
      decode(over.show(`${TEXT}!`));
    const shown = await show(during);
    assert.ok(shown.alternate);
    assert.deepEqual(shown.screen.slice(-2), ["~ one", "~ two"]);
    assert.equal(shown.line, "~ ");
    assert.equal(shown.title, `${TEXT}!`);
    const after = await show(during + decode(over.pass(encode("\x1b[?1049l$ "))));
    assert.equal(after.alternate, false);
    assert.deepEqual(after.screen, ["$ vim", "$"]);
    assert.equal(after.title, "before");
  },
});

test({
  name: "TerminalOverlay leaves a sane terminal when a full-screen program was ended",
  async fn() {
    const over = overlay();
    const draw = "$ vim\r\n\x1b[?1049h\x1b[2J\x1b[5;10r\x1b[?25l\x1b[7mbar\x1b]0;cut o";
    const bytes = decode(over.pass(encode(draw))) + decode(over.finish(TEXT));
    const { screen, alternate } = await show(`${bytes}$ `);
    assert.equal(alternate, false);
    assert.deepEqual(screen, ["$ vim", "", TEXT, "$"]);
  },
});

test({
  name: "TerminalOverlay in the style for Windows moves nothing on the screen",
  async fn() {
    const over = overlay({ style: "top" });
    const output = "first\r\nsecond\r\n\r\nC:\\> di";
    const bytes = decode(over.pass(encode(output))) + decode(over.show(TEXT));
    const { screen, line } = await show(`${bytes}r`);
    assert.deepEqual(screen, [TEXT, "second", "", "C:\\> dir"]);
    assert.equal(line, "C:\\> dir");
  },
});

Deno.test("TerminalOverlay lets output through untouched while there is nothing to say", () => {
  const over = overlay();
  const bytes = encode("a\x1b[");
  assert.equal(over.pass(bytes), bytes);
});

Deno.test("TerminalOverlay waits for the end of a sequence or character, however it is cut", () => {
  for (const text of ["\x1b[1;31m", "\x1b]0;title\x07", "🙂", "\x1bPq\x1b\\"]) {
    const bytes = encode(text);
    for (let cut = 1; cut < bytes.length; cut++) {
      const over = overlay({ style: "plain" });
      over.pass(bytes.subarray(0, cut));
      assert.equal(over.show(TEXT).length, 0, "held back");
      const rest = bytes.subarray(cut);
      const out = over.pass(new Uint8Array([...rest, 0x41]));
      const expected = [...rest, ...encode(`\r\n${TEXT}\r\n`), 0x41];
      assert.deepEqual([...out], expected);
    }
  }
});

Deno.test("TerminalOverlay shows the newest of several words that had to wait", () => {
  const over = overlay({ style: "plain" });
  over.pass(encode("\x1b["));
  over.show("old");
  over.show("new");
  assert.equal(decode(over.pass(encode("mx"))), "m\r\nnew\r\nx");
  assert.equal(decode(over.pass(encode("y"))), "y");
});

Deno.test("TerminalOverlay does not touch a cursor that the program has saved", () => {
  const over = overlay();
  // As apt draws its progress bar: the words come after it.
  over.pass(encode("\x1b7\x1b["));
  over.show(TEXT);
  const out = decode(over.pass(encode("1mbar\x1b8rest\x1b7")));
  assert.ok(out.startsWith("1mbar\x1b8\n\x1b[1A\x1b7"), JSON.stringify(out));
  assert.equal(decode(over.show(TEXT)), `\r\n${TEXT}\r\n`, "not restored: as ordinary lines");
});

Deno.test("warningBytes() lets no control character of its text through", () => {
  const view = { columns: 80, alternate: false, cursorSaved: false, titleSaved: false };
  const bytes = warningBytes({ ...view, style: "plain" }, "a\x1b[2Jb\x07\r\nc\x9bd");
  assert.equal(decode(bytes), "\r\na [2Jb c d\r\n");
});

Deno.test("overlayStyle() goes by TERM, and by the system", () => {
  assert.equal(overlayStyle("xterm-256color", "linux"), "lines");
  assert.equal(overlayStyle("dumb", "darwin"), "plain");
  assert.equal(overlayStyle("", "linux"), "plain");
  assert.equal(overlayStyle("xterm", "windows"), "top");
});
