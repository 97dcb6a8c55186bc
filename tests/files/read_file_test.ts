import assert from "node:assert/strict";
import { join } from "node:path";
import { readOptionFile } from "../../lib/files/option_file.ts";
import { readFile } from "../../lib/files/read_file.ts";
import { readRecord } from "../../lib/agent/control/record.ts";
import { forgetOtherKeys } from "../../lib/client/host_key/known_hosts.ts";
import { readSetup, setupFiles } from "../../lib/client/setup/setup_record.ts";
import { loadHostKey } from "../../lib/ssh/keys/host_key.ts";
import { checkKey } from "../../lib/ssh/login/authentication.ts";
import { fileErrorReason } from "../../lib/text/file_error.ts";
import { OddFiles } from "../support/odd_files.ts";
import { Program, run, TempDir } from "../support/program.ts";

const ignore = Deno.build.os === "windows";

/** What each reader says of a file that it cannot read. */
const READERS: Record<string, (path: string) => Promise<unknown>> = {
  "readFile()": async (path) => {
    try {
      return await readFile(path, { maxBytes: 1_000_000 });
    } catch (error) {
      return fileErrorReason(error);
    }
  },
  "loadHostKey()": (path) => loadHostKey(path).catch((error) => error.message),
  "forgetOtherKeys()": (path) =>
    forgetOtherKeys(path, "job", new Uint8Array(32)).catch((error) => error.message),
  "readSetup()": (record) =>
    readSetup({ ...setupFiles("/nonexistent"), record }).catch((error) => error.message),
  "checkKey()": async (authorizedKeysFile) => {
    const attempt = { username: "ann", address: "192.0.2.1", blob: new Uint8Array(32) };
    return Object(await checkKey({ username: "ann", authorizedKeysFile }, attempt)).refused;
  },
};

Deno.test("every reader says at once what is no file that it can read", { ignore }, async (t) => {
  await using files = await OddFiles.make();
  for (const [kind, path, why] of files.all) {
    for (const [reader, read] of Object.entries(READERS)) {
      await t.step(`${reader} of ${kind}`, async () => assert.match(`${await read(path)}`, why));
    }
    await t.step(`readRecord() of ${kind}`, async () => {
      assert.equal(await readRecord(path), undefined);
    });
  }
});

Deno.test("readFile() reads up to its limit, and not a byte more", async () => {
  await using dir = new TempDir();
  for (const length of [0, 1, 65_536, 65_537, 200_000]) {
    const bytes = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
    const content = new Uint8Array(length).map((_, index) => bytes[index % bytes.length]!);
    const path = dir.write("file", content);
    assert.deepEqual(new Uint8Array(await readFile(path, { maxBytes: length })), content);
    if (length === 0) continue;
    await assert.rejects(readFile(path, { maxBytes: length - 1 }), /it is larger than/);
  }
});

Deno.test("readFile() reads what has no size but content, within its limit", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const text = new TextDecoder().decode(await readFile("/proc/self/status", { maxBytes: 65_536 }));
  assert.match(text, /^Name:/);
  await assert.rejects(
    readFile("/proc/self/status", { maxBytes: 10 }),
    /it is larger than 10 bytes/,
  );
});

/** A pipe with a name, and a program that a test has write to it. */
async function withPipe(test: (path: string) => Promise<void>): Promise<void> {
  await using dir = new TempDir();
  const path = join(dir.path, "pipe");
  assert.equal((await run("mkfifo", [path])).code, 0);
  await test(path);
}

Deno.test("a pipe is read to its end where an option takes one", { ignore }, async () => {
  await withPipe(async (path) => {
    const reading = readOptionFile("--token-file", path);
    await using writer = new Program("sh", ["-c", 'cat > "$0"', path], { interactive: true });
    await writer.write("one ");
    await writer.write("two\n");
    await writer.closeInput();
    assert.equal(await reading, "one two\n");
  });
});

Deno.test("a pipe that ends in nothing, or never, is given up in time", { ignore }, async () => {
  await withPipe(async (path) => {
    const options = { maxBytes: 1_000, allowPipe: true, timeout: 50 };
    await assert.rejects(readFile(path, options), /reading took longer than/);
    await using writer = new Program("sh", ["-c", 'echo; exec cat > "$0"', path], {
      interactive: true,
    });
    await writer.write("half");
    await assert.rejects(readFile(path, options), /reading took longer than/);
  });
});

Deno.test("a pipe that brings too much is given up", { ignore }, async () => {
  await withPipe(async (path) => {
    const reading = readFile(path, { maxBytes: 1_000_000, allowPipe: true });
    await using _ = new Program("sh", ["-c", 'cat /dev/zero > "$0"', path]);
    await assert.rejects(reading, /it is larger than 1.0 MB/);
  });
});
