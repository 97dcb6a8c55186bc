/** OpenSSH's sftp against the server on stdin and stdout, without any SSH. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";

const test = requires("ssh");

const SERVER = `${Deno.execPath()} run -A --no-check ${
  join(import.meta.dirname!, "stdio_server.ts")
}`;

/** Runs sftp with `commands` in `local`; the server's directory is `remote`. */
async function sftp(
  dir: TempDir,
  commands: string[],
  { fails = false, options = [] as string[] } = {},
) {
  const batch = dir.write("batch", `lcd ${dir.path}/local\n${commands.join("\n")}\n`);
  const result = await run("sftp", ["-b", batch, ...options, "-D", SERVER], {
    cwd: `${dir.path}/remote`,
    env: { LC_ALL: "C.UTF-8" },
  });
  assert.equal(result.code !== 0, fails, result.stderr);
  return result;
}

/** A directory with a `local` and a `remote` one in it. */
function directories(): TempDir {
  const dir = new TempDir();
  Deno.mkdirSync(`${dir.path}/local`);
  Deno.mkdirSync(`${dir.path}/remote`);
  return dir;
}

function random(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

/** What the files in a directory are: paths with mode, and content or target. */
function snapshot(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name } of Deno.readDirSync(path)) {
    const entry = `${path}/${name}`;
    const stat = Deno.lstatSync(entry);
    const mode = (stat.mode! & 0o777).toString(8);
    if (stat.isSymlink) found.set(name, `link ${Deno.readLinkSync(entry)}`);
    else if (stat.isFile) found.set(name, `${mode} ${Deno.readFileSync(entry).toHex()}`);
    else {
      found.set(name, mode);
      for (const [below, what] of snapshot(entry)) found.set(`${name}/${below}`, what);
    }
  }
  return found;
}

test("put and get copy files of all sizes", async () => {
  await using dir = directories();
  for (const size of [0, 1, 1000, 32_768, 261_120, 261_121, 3_000_000]) {
    dir.write(`local/${size}`, random(size));
  }
  await sftp(dir, ["put *", "lmkdir back", "lcd back", "get *"]);
  const sent = snapshot(`${dir.path}/local`);
  const back = [...sent].filter(([name]) => name.startsWith("back/"));
  assert.equal(back.length, 7);
  for (const [name, what] of back) assert.equal(what, sent.get(name.slice(5)));
  assert.equal(snapshot(`${dir.path}/remote`).size, 7);
});

test("many small requests in flight arrive in order", async () => {
  await using dir = directories();
  dir.write("local/file", random(5_000_000));
  const options = ["-B", "3000", "-R", "200"];
  await sftp(dir, ["put file", "get file back"], { options });
  assert.deepEqual(
    Deno.readFileSync(`${dir.path}/local/back`),
    Deno.readFileSync(`${dir.path}/local/file`),
  );
});

test("put -r and get -r copy directories, with modes and times", async () => {
  await using dir = directories();
  const local = `${dir.path}/local`;
  Deno.mkdirSync(`${local}/tree/a/b`, { recursive: true });
  for (let i = 0; i < 50; i++) dir.write(`local/tree/a/file ${i}`, random(i * 100), 0o600 + i);
  dir.write("local/tree/a/b/ünïcode 日本", "x", 0o444);
  Deno.utimeSync(`${local}/tree/a/b/ünïcode 日本`, 1e9, 1.1e9);
  await sftp(dir, ["put -rp tree", "get -rp tree back"]);
  const sent = snapshot(`${local}/tree`);
  assert.equal(sent.size, 53);
  assert.deepEqual(snapshot(`${dir.path}/remote/tree`), sent);
  assert.deepEqual(snapshot(`${local}/back`), sent);
  const copied = Deno.statSync(`${dir.path}/remote/tree/a/b/ünïcode 日本`);
  assert.equal(copied.mtime!.getTime(), 1.1e12);
});

test("reput and reget go on where a transfer was cut off", async () => {
  await using dir = directories();
  const content = random(2_000_000);
  dir.write("local/up", content);
  dir.write("remote/up", content.subarray(0, 700_001));
  dir.write("remote/down", content);
  dir.write("local/down", content.subarray(0, 1_234_567));
  await sftp(dir, ["reput up", "reget down"]);
  assert.deepEqual(Deno.readFileSync(`${dir.path}/remote/up`), content);
  assert.deepEqual(Deno.readFileSync(`${dir.path}/local/down`), content);
});

test("names are changed, linked and removed", async () => {
  await using dir = directories();
  const remote = `${dir.path}/remote`;
  dir.write("remote/a", "a");
  dir.write("remote/b", "b");
  await sftp(dir, ["mkdir d", "rename a d/moved", "ln d/moved hard", "ln -s d/moved soft", "rm b"]);
  assert.deepEqual([...snapshot(remote).keys()].sort(), ["d", "d/moved", "hard", "soft"]);
  assert.equal(Deno.readLinkSync(`${remote}/soft`), "d/moved");
  assert.equal(Deno.statSync(`${remote}/hard`).nlink, 2);
  // OpenSSH's rename is posix-rename unless -l is given.
  dir.write("remote/a", "new");
  await sftp(dir, ["rename -l a hard"], { fails: true });
  await sftp(dir, ["rename a hard", "rm d/moved", "rmdir d"]);
  assert.equal(Deno.readTextFileSync(`${remote}/hard`), "new");
  await sftp(dir, ["rmdir missing"], { fails: true });
});

test("chmod, chown and df work", { ignore: Deno.uid() !== 0 }, async () => {
  await using dir = directories();
  const file = dir.write("remote/f", "");
  const { stdout } = await sftp(dir, ["chmod 4750 f", "chown 12 f", "chgrp 34 f", "df", "df -i"]);
  const stat = Deno.statSync(file);
  assert.deepEqual([stat.mode! & 0o7777, stat.uid, stat.gid], [0o750, 12, 34]);
  assert.match(stdout, /Size +Used +Avail/);
  assert.match(stdout, /Inodes +Used +Avail/);
});

test("ls shows what the system's ls shows", async () => {
  await using dir = directories();
  dir.write("remote/file", "12345", 0o640);
  dir.write("remote/.hidden", "");
  Deno.mkdirSync(`${dir.path}/remote/directory`);
  Deno.symlinkSync("file", `${dir.path}/remote/link`);
  const { stdout } = await sftp(dir, ["ls -1a", "ls -l", "pwd"]);
  const names = stdout.split("\n").filter((line) => /^[.\w]+$/.test(line));
  assert.deepEqual(names, [".", "..", ".hidden", "directory", "file", "link"]);
  assert.match(stdout, /-rw-r----- .* 5 \w+ .* file\n/);
  assert.match(stdout, /lrwxrwxrwx .* link\n/);
  assert.ok(stdout.includes(`Remote working directory: ${Deno.realPathSync(dir.path)}/remote\n`));
});

test("names that are no UTF-8 are listed, fetched and sent", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using dir = directories();
  // The batch file is bytes too: \xe9 alone is no UTF-8.
  const name = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  const batch = dir.write(
    "odd",
    name(`put ${dir.path}/local/f caf\xe9\nrename caf\xe9 t\xe9\nget t* ${dir.path}/local/back\n`),
  );
  dir.write("local/f", "content");
  const result = await run("sftp", ["-b", batch, "-D", SERVER], { cwd: `${dir.path}/remote` });
  assert.equal(result.code, 0, result.stderr);
  assert.equal(Deno.readTextFileSync(`${dir.path}/local/back`), "content");
  const { bytes } = await run("ls", ["-1"], { cwd: `${dir.path}/remote` });
  assert.deepEqual(bytes, name("t\xe9\n"));
});

test("a failed command says why and the session goes on", async () => {
  await using dir = directories();
  const { stdout, stderr } = await sftp(dir, ["-get missing", "-cd nowhere", "-mkdir a/b", "pwd"]);
  assert.match(stderr, /missing.*not found|No such file/);
  assert.match(stdout, /Remote working directory/);
});
