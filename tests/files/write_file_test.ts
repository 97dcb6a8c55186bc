import assert from "node:assert/strict";
import { join } from "node:path";
import { createPrivateFile, openToAppend, writePrivateFile } from "../../lib/files/write_file.ts";
import { run, TempDir } from "../support/program.ts";

const onPosix = { ignore: Deno.build.os === "windows" };
const BYTES = new TextEncoder().encode("new");

function names(dir: TempDir): string[] {
  return [...Deno.readDirSync(dir.path)].map(({ name }) => name).sort();
}

Deno.test("writePrivateFile() makes and replaces, for the owner alone", onPosix, async () => {
  await using dir = new TempDir();
  const path = join(dir.path, "file");
  for (const text of ["one", "two"]) {
    await writePrivateFile(path, text);
    assert.equal(Deno.readTextFileSync(path), text);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
  }
  assert.deepEqual(names(dir), ["file"]);
});

Deno.test(
  "createPrivateFile() leaves what exists: a file, a link, a link to nothing",
  onPosix,
  async () => {
    await using dir = new TempDir();
    const target = dir.write("target", "old");
    Deno.symlinkSync(target, join(dir.path, "link"));
    Deno.symlinkSync(join(dir.path, "nothing"), join(dir.path, "dangling"));
    for (const name of ["target", "link", "dangling"]) {
      await createPrivateFile(join(dir.path, name), BYTES);
    }
    assert.equal(Deno.readTextFileSync(target), "old");
    assert.deepEqual(names(dir), ["dangling", "link", "target"]);
  },
);

Deno.test(
  "of two that create a file at once, one wins and the file is whole",
  onPosix,
  async () => {
    await using dir = new TempDir();
    const path = join(dir.path, "file");
    const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(10_000));
    await Promise.all(texts.map((text) => createPrivateFile(path, new TextEncoder().encode(text))));
    assert.ok(texts.includes(Deno.readTextFileSync(path)));
    assert.deepEqual(names(dir), ["file"]);
  },
);

Deno.test(
  "what writePrivateFile() cannot put in place leaves nothing behind",
  onPosix,
  async () => {
    await using dir = new TempDir();
    Deno.mkdirSync(join(dir.path, "directory", "not empty"), { recursive: true });
    await assert.rejects(writePrivateFile(join(dir.path, "directory"), "x"));
    await assert.rejects(createPrivateFile(join(dir.path, "none", "file"), BYTES));
    assert.deepEqual(names(dir), ["directory"]);
  },
);

Deno.test(
  "openToAppend() takes files and devices, not a pipe that nobody reads",
  onPosix,
  async () => {
    await using dir = new TempDir();
    const pipe = join(dir.path, "pipe");
    assert.equal((await run("mkfifo", [pipe])).code, 0);
    await assert.rejects(openToAppend(pipe), /it is a pipe/);
    for (const path of ["/dev/null", join(dir.path, "file"), join(dir.path, "file")]) {
      using file = await openToAppend(path);
      await file.write(BYTES);
    }
    assert.equal(Deno.readTextFileSync(join(dir.path, "file")), "newnew");
    assert.equal(Deno.statSync(join(dir.path, "file")).mode! & 0o777, 0o600);
  },
);
