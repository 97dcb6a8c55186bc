import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkPrivateDirectory, makePrivateDirectory } from "../../lib/files/private_directory.ts";
import { TempDir } from "../support/program.ts";

const ignore = Deno.build.os === "windows";

Deno.test(
  "makePrivateDirectory() makes one for its user alone, and takes it again",
  { ignore },
  async () => {
    await using dir = new TempDir();
    const path = join(dir.path, "directory");
    for (let time = 0; time < 2; time++) {
      await makePrivateDirectory(path);
      assert.equal(Deno.statSync(path).mode! & 0o777, 0o700);
    }
  },
);

Deno.test(
  "makePrivateDirectory() says why it cannot make one",
  { ignore: !existsSync("/sys/kernel") },
  async () => {
    await assert.rejects(
      makePrivateDirectory("/sys/converge"),
      (error) => !(error instanceof Deno.errors.NotFound),
    );
  },
);

/** What others may have put there. */
const FOREIGN: Record<string, [make: (path: string, dir: TempDir) => void, why: RegExp]> = {
  "a link to a directory": [
    (path, dir) => Deno.symlinkSync(dir.path, path),
    /^it is a symbolic link; remove it$/,
  ],
  "a link to nothing": [
    (path) => Deno.symlinkSync(`${path}-nothing`, path),
    /^it is a symbolic link; remove it$/,
  ],
  "a file": [(path) => Deno.writeTextFileSync(path, ""), /^it is not a directory; remove it$/],
  "one that its group can write to": [
    (path) => {
      Deno.mkdirSync(path);
      Deno.chmodSync(path, 0o770);
    },
    /^others can write to it; run chmod 700 on it, or remove it$/,
  ],
  "one that everybody can write to": [
    (path) => {
      Deno.mkdirSync(path);
      Deno.chmodSync(path, 0o1707);
    },
    /^others can write to it; run chmod 700 on it, or remove it$/,
  ],
  "another user's": [
    (path) => {
      Deno.mkdirSync(path, { mode: 0o700 });
      Deno.chownSync(path, 4321, 4321);
    },
    /^it is user 4321's; become that user, or remove it$/,
  ],
};

for (const [name, [make, why]] of Object.entries(FOREIGN)) {
  const needsRoot = name === "another user's" && Deno.uid() !== 0;
  Deno.test(`a private directory is not ${name}`, { ignore: ignore || needsRoot }, async () => {
    await using dir = new TempDir();
    const path = join(dir.path, "directory");
    make(path, dir);
    await assert.rejects(makePrivateDirectory(path), { message: why });
    await assert.rejects(checkPrivateDirectory(path), { message: why });
  });
}
