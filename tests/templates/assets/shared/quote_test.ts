import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  echoCmd,
  escapeGroovy,
  quoteCmd,
  quotePowerShell,
  quoteSh,
} from "../../../../templates/assets/shared/quote.js";
import { run } from "../../../support/program.ts";
import { requires } from "../../../support/requires.ts";
import { WineDirectory } from "../../../support/wine.ts";

/** Key comments as nobody would write them. */
const NASTY = [
  "plain",
  "me@home",
  "two words",
  "it's",
  `a "double" 'single' \`backtick\``,
  "$HOME ${HOME} $(id) $((1+1)) $'x' ${{ secrets.X }} $[[ inputs.x ]] $(System.AccessToken)",
  "a\\nb\\ \\\\ \\",
  "%PATH% %%PATH%% 100% !PATH! ^ & | < > ( ) ; * ? [a] {b} ~ # = , @echo /?",
  "-n -e --",
  "‘typographic’ ‚quotes‛ “too”",
  "<script>alert(1)</script>",
  "ends with $",
  "ends with '",
  "ünïcode 日本語 🗝",
];

for (const shell of ["sh", "bash", "dash"]) {
  const absent = spawnSync(shell, ["-c", ":"]).error !== undefined;
  if (absent) console.log(`skipped: quoting for ${shell}, which is not installed`);
  Deno.test({
    name: `quoteSh() gives ${shell} the very text`,
    ignore: absent,
    fn() {
      for (const text of NASTY) {
        const { stdout } = spawnSync(shell, ["-c", `printf '%s' ${quoteSh(text)}`]);
        assert.equal(stdout.toString(), text);
      }
    },
  });
}

Deno.test("quoteSh() leaves harmless text readable", () => {
  assert.equal(quoteSh("ws://ci.example:8000/client/job-1"), "ws://ci.example:8000/client/job-1");
  assert.equal(quoteSh("ssh-ed25519 AAAA+/= me@home"), '"ssh-ed25519 AAAA+/= me@home"');
  assert.equal(quoteSh(""), "''");
});

Deno.test("quotePowerShell() doubles every kind of single quote and uses no double ones", () => {
  assert.equal(quotePowerShell("it's"), "'it''s'");
  assert.equal(quotePowerShell("‘a’"), "'‘‘a’’'");
  assert.equal(quotePowerShell('a "b" $c `d'), "'a \"b\" $c `d'");
  assert.equal(quotePowerShell("ws://ci.example"), "ws://ci.example");
  assert.equal(quotePowerShell("-oA=b.c"), "'-oA=b.c'");
  assert.equal(quotePowerShell("@x"), "'@x'");
  assert.equal(quotePowerShell("a ${{ b }}"), "('a $' + '{{ b }}')");
});

Deno.test("echoCmd() escapes what cmd reads, and does not ask echo for its help", () => {
  assert.equal(echoCmd("a & b | c"), "echo a ^& b ^| c");
  assert.equal(echoCmd('"q" (p) ^ !x!'), 'echo ^"q^" ^(p^) ^^ ^!x^!');
  assert.equal(echoCmd("100% ${{ x }} $(y)"), "echo 100%% $^{{ x }} $^(y^)");
  assert.equal(echoCmd("what /?"), "echo(what /?");
});

requires("wine")({
  name: "echoCmd() gives cmd the very text, in a batch file",
  async fn() {
    await using directory = await WineDirectory.create();
    // cmd reads the file in a code page of its own; Wine does not know `echo(`, and takes /? for
    // text.
    const texts = ["%1 %~dp0 %%i %", "2> x 1", ...NASTY].map((text) => `k ${text}`)
      .filter((text) => /^[ -~]+$/.test(text) && !text.includes("/?"));
    const lines = texts.map((text) => `>> keys.txt ${echoCmd(text)}`);
    await Deno.writeTextFile(`${directory.path}/job.bat`, `${lines.join("\r\n")}\r\n`);
    const [command, args] = directory.command("cmd.exe", ["/D", "/C", "call job.bat"]);
    const { code, stderr } = await run(command, args);
    assert.equal(code, 0, stderr);
    const written = await Deno.readTextFile(`${directory.path}/keys.txt`);
    assert.deepEqual(written.split("\r\n").slice(0, -1), texts);
  },
});

Deno.test("quoteCmd() quotes what is not plain and doubles percent signs", () => {
  assert.equal(quoteCmd("http://ci.example/a"), "http://ci.example/a");
  assert.equal(quoteCmd("http://ci.example/a%20b&c"), '"http://ci.example/a%%20b&c"');
});

Deno.test("escapeGroovy() gives back the text in a string of three single quotes", () => {
  for (const text of NASTY) {
    const escaped = escapeGroovy(text);
    assert.doesNotMatch(escaped, /(?<!\\)(\\\\)*'/, "a bare quote ends the string");
    assert.equal(escaped.replace(/\\(.)/g, "$1"), text);
  }
});

Deno.test("no quoting leaves anything that a CI system would expand", () => {
  for (const text of NASTY) {
    for (const quoted of [quoteSh(text), quotePowerShell(text), echoCmd(text)]) {
      assert.doesNotMatch(quoted, /\$[{([]/);
    }
  }
});
