import assert from "node:assert/strict";
import {
  commandLine,
  environmentBlock,
  quoteArgument,
  utf16z,
} from "../../../lib/process/windows/command_line.ts";

const quoted: [argument: string, expected: string][] = [
  ["plain", "plain"],
  ["", '""'],
  ["a b", '"a b"'],
  ["a\tb", '"a\tb"'],
  ["C:\\dir\\", "C:\\dir\\"],
  ["C:\\a dir\\", '"C:\\a dir\\\\"'],
  ['say "hi"', '"say \\"hi\\""'],
  ['\\"', '"\\\\\\""'],
  ['a\\\\"b', '"a\\\\\\\\\\"b"'],
];
for (const [argument, expected] of quoted) {
  Deno.test(`quoteArgument() turns ${JSON.stringify(argument)} into ${expected}`, () => {
    assert.equal(quoteArgument(argument), expected);
  });
}

Deno.test("commandLine() quotes the program and each argument", () => {
  assert.equal(
    commandLine("C:\\Program Files\\PowerShell\\7\\pwsh.exe", ["-Command", 'echo "a b"']),
    '"C:\\Program Files\\PowerShell\\7\\pwsh.exe" -Command "echo \\"a b\\""',
  );
});

Deno.test("commandLine() leaves a command of cmd.exe as it is, between quotes", () => {
  for (const cmd of ["cmd", "CMD.EXE", "C:\\Windows\\System32\\cmd.exe"]) {
    assert.equal(
      commandLine(cmd, ["/d", "/s", "/c", 'echo "a b" \\']),
      `${cmd} /d /s /c "echo "a b" \\"`,
    );
  }
});

Deno.test("commandLine() adds the /s that cmd.exe needs to remove just the outer quotes", () => {
  assert.equal(commandLine("cmd.exe", ["/c", "dir", "/b"]), 'cmd.exe /s /c "dir /b"');
});

Deno.test("commandLine() takes cmd.exe without a command, and what only looks like it, as any program", () => {
  assert.equal(commandLine("cmd.exe", ["/d"]), "cmd.exe /d");
  assert.equal(commandLine("mycmd.exe", ["/c", 'a"b']), 'mycmd.exe /c "a\\"b"');
});

Deno.test("commandLine() refuses NUL", () => {
  assert.throws(() => commandLine("a", ["b\0c"]), /contains NUL/);
});

function decode(block: Uint8Array): string {
  return new TextDecoder("utf-16le").decode(block);
}

Deno.test("environmentBlock() sorts by the upper-case name and ends with an empty string", () => {
  const block = environmentBlock({ b: "2", A: "1", _: "3", "=C:": "C:\\dir", C: "" });
  assert.equal(decode(block), "=C:=C:\\dir\0A=1\0b=2\0C=\0_=3\0\0");
});

Deno.test("environmentBlock() keeps the last of names that differ in case alone", () => {
  assert.equal(decode(environmentBlock({ Path: "old", PATH: "new" })), "PATH=new\0\0");
});

Deno.test("environmentBlock() of nothing is two NULs", () => {
  assert.equal(decode(environmentBlock({})), "\0\0");
});

Deno.test("environmentBlock() refuses names and values that would forge entries", () => {
  for (const [name, value] of [["", "x"], ["a=b", "x"], ["a", "x\0b=y"], ["a\0b", "x"]] as const) {
    assert.throws(() => environmentBlock({ [name]: value }), TypeError);
  }
});

Deno.test("utf16z() ends with NUL and keeps lone surrogates", () => {
  assert.deepEqual([...utf16z("a\ud800")], [0x61, 0, 0x00, 0xd8, 0, 0]);
});
