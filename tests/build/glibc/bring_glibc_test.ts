import assert from "node:assert/strict";
import { bringGlibc } from "../../../lib/build/glibc/bring_glibc.ts";
import { fetchGlibc, type Glibc } from "../../../lib/build/glibc/libraries.ts";
import { WORK } from "../../support/dist.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { CONTAINERS, RootDirectory } from "../../support/root_directory.ts";

const test = requires("busybox", "apt-get");
const ignore = !CONTAINERS || Deno.build.arch !== "x86_64";

/** A program of this machine as `deno compile` would leave it, with something at its end. */
async function compiled(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const payload = new TextEncoder().encode("d3n0l4nd");
  const program = await Deno.readFile(path);
  const bytes = new Uint8Array(program.length + payload.length + 8);
  bytes.set(program);
  bytes.set(payload, program.length);
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(payload.length + 8), true);
  return bytes;
}

function glibcOfThisMachine(): Promise<Glibc> {
  return fetchGlibc("x86_64", { work: WORK });
}

/** A root directory without libraries, with a program of this machine that brings them. */
async function rootWith(program: string): Promise<RootDirectory> {
  return await rootWithExecutable(await compiled(program));
}

async function rootWithExecutable(executable: Uint8Array<ArrayBuffer>): Promise<RootDirectory> {
  const root = new RootDirectory();
  await root.addBusybox();
  const bytes = bringGlibc(executable, await glibcOfThisMachine());
  await Deno.writeFile(`${root.path}/program`, bytes, { mode: 0o755 });
  return root;
}

test("a program that brings glibc runs without one", { ignore }, async () => {
  await using root = await rootWith("/usr/bin/env");
  const [command, args] = root.command("/program", ["busybox", "echo", "$#"]);
  const { code, stdout, stderr } = await run(command, args);
  assert.deepEqual([code, stdout, stderr], [0, "$#\n", ""]);
});

test("what it starts has its environment and none of its files", { ignore }, async () => {
  await using root = await rootWith("/usr/bin/env");
  const show = ["sh", "-c", "env; ls -l /proc/self/fd 2>&1"];
  const [command, args] = root.command("/program", show, { env: { A: "b" } });
  const { stdout } = await run(command, args);
  assert.doesNotMatch(stdout, /LD_/);
  assert.match(stdout, /^A=b$/m);
  assert.match(stdout, /0 -> pipe:/);
  assert.doesNotMatch(stdout, /memfd/);
});

test("it sees its own file, its own name and its own end", { ignore }, async () => {
  await using root = await rootWith("/usr/bin/tail");
  const [command, args] = root.command("/program", ["-c", "16", "/proc/self/exe"]);
  const { stdout, stderr } = await run(command, args);
  assert.equal(stderr, "");
  assert.match(stdout, /^d3n0l4nd/);
  const wrong = await run(...root.command("/program", ["-x"]));
  assert.match(wrong.stderr, /^\/program: invalid option/);
});

test(
  "a payload in a segment, where this version of Deno puts it, does not hurt",
  { ignore },
  async () => {
    await using dir = new TempDir();
    const [main, output] = [dir.write("main.js", ""), `${dir.path}/program`];
    const args = ["compile", "--quiet", "--no-check", "--output", output, main];
    const { code, stderr } = await run(Deno.execPath(), args, {
      cwd: dir.path,
      env: { DENORT_BIN: "/usr/bin/env" },
    });
    assert.equal(code, 0, stderr);
    await using root = await rootWithExecutable(await Deno.readFile(output));
    const { stdout } = await run(...root.command("/program", ["busybox", "echo", "hello"]));
    assert.equal(stdout, "hello\n");
  },
);

test("without /proc it says so", { ignore }, async () => {
  await using root = await rootWith("/usr/bin/env");
  const { code, stdout, stderr } = await run(...root.command("/program", [], { proc: false }));
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr, "cannot start: /proc is not mounted; try: mount -t proc proc /proc\n");
});

test("in a directory that was deleted it says so", { ignore }, async () => {
  await using root = await rootWith("/usr/bin/env");
  const script = `mkdir gone && cd gone && rmdir ../gone && exec ${root.path}/program`;
  const { code, stdout, stderr } = await run("sh", ["-c", script], { cwd: root.path });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(
    stderr,
    "cannot start: the working directory was deleted; change to another one\n",
  );
});

test("arguments and a path of its own that are not UTF-8 it names", { ignore }, async () => {
  await using root = await rootWith("/usr/bin/env");
  const start = async (script: string) => {
    const { code, stderr, stdout } = await run(...root.command("/bin/sh", ["-c", script]));
    return [code, stdout, stderr];
  };
  const wrong = "cannot start: an argument or this program's path is not valid UTF-8\n";
  const bytes = [
    "f\\374r",
    "\\374",
    "\\303",
    "\\303\\050",
    "\\200",
    "\\300\\200",
    "\\342\\202",
    "\\360\\237\\230x",
    "\\365\\200\\200\\200",
  ];
  for (const text of bytes) {
    assert.deepEqual(await start(`exec /program echo "$(printf '${text}')"`), [1, "", wrong], text);
  }
  const right = "für € 😀 \x7f ~";
  assert.deepEqual(await start(`exec /program busybox echo '${right}'`), [0, `${right}\n`, ""]);
  const elsewhere = (name: string) =>
    `d="/tmp/$(printf '${name}')"; mkdir "$d"; cp /program "$d"; exec "$d/program" busybox echo in`;
  assert.deepEqual(await start(elsewhere("f\\374r")), [1, "", wrong]);
  assert.deepEqual(await start(elsewhere("f\\303\\274r")), [0, "in\n", ""]);
});

test("a library that is not brought is named", { ignore }, async () => {
  const glibc = await glibcOfThisMachine();
  const without = {
    ...glibc,
    libraries: glibc.libraries.filter(({ name }) => !/^libc/.test(name)),
  };
  const executable = await compiled("/usr/bin/env");
  assert.throws(() => bringGlibc(executable, without), /the runtime needs libc\.so\.6 too/);
});
