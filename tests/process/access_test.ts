import { equal } from "node:assert/strict";
import { join } from "node:path";
import { isProgram, nearestDirectory } from "../../lib/process/access.ts";
import { decodeBytes } from "../../lib/text/byte_text.ts";
import { run, TempDir } from "../support/program.ts";

const posix = { ignore: Deno.build.os === "windows" };
const linux = { ignore: Deno.build.os !== "linux" };

Deno.test("nearestDirectory() goes up to what is left", async () => {
  await using dir = new TempDir();
  const deep = join(dir.path, "a", "b", "c");
  Deno.mkdirSync(deep, { recursive: true });
  equal(nearestDirectory(deep), deep);
  Deno.removeSync(join(dir.path, "a", "b"), { recursive: true });
  equal(nearestDirectory(deep), join(dir.path, "a"));
  Deno.removeSync(join(dir.path, "a"));
  dir.write("a", "a file");
  equal(nearestDirectory(deep), dir.path);
  equal(nearestDirectory(join(deep, "\0")), dir.path);
});

Deno.test("isProgram() wants an executable file", posix, async () => {
  await using dir = new TempDir();
  equal(isProgram(dir.write("program", "", 0o700)), true);
  equal(isProgram(dir.write("text", "", 0o600)), false);
  equal(isProgram(dir.path), false);
  equal(isProgram(join(dir.path, "missing")), false);
  equal(isProgram(join(dir.path, "program\0")), false);
});

Deno.test("names that are not UTF-8 are found", linux, async () => {
  await using dir = new TempDir();
  await run("sh", ["-c", "name=$(printf 'f\\374'); mkdir $name; cp /bin/true $name/$name"], {
    cwd: dir.path,
  });
  const name = decodeBytes(Uint8Array.of(0x66, 0xfc));
  equal(isProgram(join(dir.path, name, name)), true);
  equal(nearestDirectory(join(dir.path, name, "missing")), join(dir.path, name));
});
