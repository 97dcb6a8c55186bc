import { deepEqual } from "node:assert/strict";
import { decodeModes, sttySettings } from "../../lib/process/terminal_modes.ts";

Deno.test("decodeModes() reads opcodes up to the end mark", () => {
  const bytes = Uint8Array.of(129, 0, 0, 150, 0, 53, 0, 0, 0, 1, 0, 54, 0, 0, 0, 1);
  deepEqual(decodeModes(bytes), { 129: 38400, 53: 1 });
});

Deno.test("decodeModes() stops at an opcode without a value, and where the bytes end", () => {
  deepEqual(decodeModes(Uint8Array.of(53, 0, 0, 0, 0, 160, 1, 2, 3, 4)), { 53: 0 });
  deepEqual(decodeModes(Uint8Array.of(53, 0, 0, 0)), {});
  deepEqual(decodeModes(new Uint8Array()), {});
});

Deno.test("sttySettings() writes characters as stty reads them", () => {
  deepEqual(sttySettings({ 1: 3, 2: 255, 3: 127, 4: 65, 5: 0xe9 }), [
    ["intr", "^C"],
    ["quit", "undef"],
    ["erase", "^?"],
    ["kill", "A"],
    ["eof", "0xe9"],
  ]);
});

Deno.test("sttySettings() turns flags on and off and leaves out what is unknown", () => {
  deepEqual(sttySettings({ 38: 0, 53: 1, 90: 0, 91: 1, 62: 1, 129: 38400, 150: 1 }), [
    ["-ixon"],
    ["echo"],
    ["cs8"],
  ]);
});
