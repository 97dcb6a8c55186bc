import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  deno,
  MANY,
  ON_WINDOWS,
  program,
  readAll,
  readText,
  spawnProcess,
  Tree,
} from "./helpers.ts";

const ignore = !ON_WINDOWS;

/** Runs a command of cmd.exe as exec does. */
function command(text: string) {
  return spawnProcess(program("cmd.exe", "/d", "/s", "/c", text));
}

for (const code of [0, 7, 255]) {
  Deno.test(`spawnProcess() keeps stdout and stderr apart and reports status ${code}`, {
    ignore,
  }, async () => {
    const child = command(`echo one& echo two>&2& exit ${code}`);
    assert.deepEqual(await Promise.all([readText(child.stdout), readText(child.stderr!)]), [
      "one\r\n",
      "two\r\n",
    ]);
    assert.deepEqual(await child.exited, { code });
    await child.end();
  });
}

Deno.test("endInput() is end of file to the program, after all that was written", {
  ignore,
}, async () => {
  const child = command("sort");
  await child.write(new TextEncoder().encode("pear\r\napple\r\n"));
  await child.write(new TextEncoder().encode("fig\r\n"));
  await child.endInput();
  assert.equal(await readText(child.stdout), "apple\r\nfig\r\npear\r\n");
  assert.deepEqual(await child.exited, { code: 0 });
  await child.end();
});

Deno.test("10 MB of random bytes come back identical", { ignore }, async () => {
  const bytes = new Uint8Array(10_000_000);
  for (let i = 0; i < bytes.length; i += 50_000) {
    crypto.getRandomValues(bytes.subarray(i, i + 50_000));
  }
  const child = spawnProcess(deno("await Deno.stdin.readable.pipeTo(Deno.stdout.writable)"));
  const output = readAll(child.stdout);
  for (let i = 0; i < bytes.length; i += 30_000) await child.write(bytes.subarray(i, i + 30_000));
  await child.endInput();
  assert.ok(Buffer.from(bytes.buffer).equals(await output));
  assert.deepEqual(await child.exited, { code: 0 });
  assert.equal(await readText(child.stderr!), "");
});

Deno.test("input to a program that has ended is dropped", { ignore }, async () => {
  const child = command("exit 3");
  assert.deepEqual(await child.exited, { code: 3 });
  await child.write(new Uint8Array(1_000_000));
  await child.endInput();
  await child.end();
  await child.write(new Uint8Array(1));
});

Deno.test("arguments, directory and environment arrive as they are", { ignore }, async () => {
  const args = ["", "a b", 'say "hi"', "C:\\dir\\", "C:\\a dir\\", '\\"', "%PATH%", "^&|<>", "ü€"];
  const code = "console.log(JSON.stringify([Deno.args, Deno.cwd(), Deno.env.get('GREETING')]))";
  const options = deno(code, ...args);
  const cwd = `${options.env.SystemRoot ?? options.env.SYSTEMROOT}\\System32`;
  const child = spawnProcess({ ...options, cwd, env: { ...options.env, GREETING: "grüß" } });
  const [gotArgs, gotCwd, greeting] = JSON.parse(await readText(child.stdout));
  assert.deepEqual(gotArgs, args);
  assert.equal(gotCwd.toLowerCase(), cwd.toLowerCase());
  assert.equal(greeting, "grüß");
  await child.end();
});

Deno.test("cmd.exe gets a command with quotes as it was written", { ignore }, async () => {
  const child = command('echo "a b" & echo c"d');
  assert.equal(await readText(child.stdout), '"a b" \r\nc"d\r\n');
  await child.end();
});

Deno.test("nothing of the caller's environment is inherited", { ignore }, async () => {
  const { SystemRoot, SYSTEMROOT, PATH } = Deno.env.toObject();
  const env = { SystemRoot: SystemRoot ?? SYSTEMROOT ?? "", PATH: PATH ?? "", ONLY: "1" };
  Deno.env.set("CONVERGE_TEST_SECRET", "1");
  const child = spawnProcess({ ...program("cmd.exe", "/d", "/c", "set"), env });
  Deno.env.delete("CONVERGE_TEST_SECRET");
  const output = await readText(child.stdout);
  assert.match(output, /^ONLY=1\r$/m);
  assert.doesNotMatch(output, /CONVERGE_TEST_SECRET/);
  await child.end();
});

Deno.test("more quiet programs than Deno has threads hold up neither each other nor files", {
  ignore,
}, async () => {
  const children = await Promise.all(Array.from({ length: MANY }, () => command("sort")));
  const reads = children.map((child) => readText(child.stdout));
  assert.ok((await Deno.readTextFile(import.meta.filename!)).length > 0);
  await Promise.all(children.map(async (child, i) => {
    await child.write(new TextEncoder().encode(`${i}\r\n`));
    await child.endInput();
    assert.equal(await reads[i], `${i}\r\n`);
    assert.deepEqual(await child.exited, { code: 0 });
    await child.end();
  }));
});

Deno.test("end() ends a program and all that it started", { ignore }, async () => {
  using tree = new Tree();
  const child = command(tree.command);
  await tree.started();
  await child.end();
  await tree.ended();
  assert.deepEqual(await child.exited, { signal: "KILL", coreDumped: false });
});

Deno.test("a signal ends a program with pipes, and the status says which", { ignore }, async () => {
  using tree = new Tree();
  const child = spawnProcess(tree.program);
  await tree.started();
  child.signal("TERM");
  assert.deepEqual(await child.exited, { signal: "TERM", coreDumped: false });
  await tree.ended();
  await child.end();
});

Deno.test("the tree ends with the program that started it, however that ends", {
  ignore,
}, async () => {
  using tree = new Tree();
  const module = import.meta.resolve("./helpers.ts");
  const starter = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-config",
      `const { spawnProcess } = await import("${module}");
       await spawnProcess(${JSON.stringify(tree.program)});`,
    ],
  }).spawn();
  await tree.started();
  starter.kill("SIGKILL");
  await starter.status;
  await tree.ended();
});

Deno.test("a program that does not exist cannot be started", { ignore }, () => {
  assert.throws(() => spawnProcess(program("no-such-program")), {
    name: "NotFound",
    message: 'cannot start "no-such-program": there is no such program',
  });
});

Deno.test("a program cannot be started in a directory that does not exist", { ignore }, () => {
  assert.throws(() => spawnProcess({ ...program(), cwd: "C:\\no such directory" }), {
    message: /^cannot start ".*cmd\.exe": there is no directory "C:\\no such directory"$/,
  });
});

Deno.test("what is no program cannot be started, and the error says why", { ignore }, async () => {
  const directory = await Deno.makeTempDir();
  const file = `${directory}\\text.exe`;
  await Deno.writeTextFile(file, "This is text.");
  assert.throws(() => spawnProcess(program(file)), /^Error: cannot start ".*": .* \(error 193\)$/);
  await Deno.remove(directory, { recursive: true });
});
