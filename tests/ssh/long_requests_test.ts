/** Requests that are longer than the 35,000 bytes of RFC 4253, section 6.1. */
import assert from "node:assert/strict";
import { RawClient } from "../support/ssh_raw_client.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";
import { basename } from "node:path";
import { run, TempDir } from "../support/program.ts";
import { Writer } from "../../lib/ssh/protocol/wire_format.ts";

const test = requires("ssh");

test("a command may be as long as the system takes it", async () => {
  await using server = await TestSshServer.start();
  for (const length of [34_000, 35_000, 50_000, 120_000]) {
    const text = "x".repeat(length);
    const { stdout, stderr } = await server.ssh([], [`echo ${text}`]);
    assert.equal(stdout, `${text}\n`, stderr);
  }
});

test("a command that is too long for the system fails alone", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  let reason = "";
  const long = await raw.exec(`echo ${"x".repeat(200_000)}`, undefined, (text) => reason += text);
  assert.deepEqual(long, { output: "", code: 127 });
  assert.match(reason, /too long/i);
  assert.deepEqual(await raw.exec("echo in"), { output: "in\n", code: 0 });
});

test("a packet of more than 256 KiB ends the connection", async () => {
  await using server = await TestSshServer.start();
  await using raw = await RawClient.connect(server);
  raw.send(new Writer().byte(2).string(new Uint8Array(261_000)).bytes());
  assert.deepEqual(await raw.exec("echo in"), { output: "in\n", code: 0 });
  raw.send(new Writer().byte(2).string(new Uint8Array(263_000)).bytes());
  await raw.ended;
  await server.logged(/connection ended .*a packet's length is invalid/);
});

/** Makes files whose paths together are longer than a packet of RFC 4253. @returns the paths */
function manyFiles(server: TestSshServer): string[] {
  return Array.from(
    { length: 300 },
    (_, i) => server.home.write(`${i}-`.padEnd(150, "n"), `${i}`),
  );
}

/** Checks that a directory holds all of them. */
function assertCopied(paths: string[], directory: string): void {
  const copied = [...Deno.readDirSync(directory)].map(({ name }) => name);
  assert.deepEqual(copied.sort(), paths.map((path) => basename(path)).sort());
}

for (const [program, ...options] of [["scp", "-O", "-T", "-q"], ["rsync", "-a"]]) {
  requires("ssh", program!)(`${program} copies files of many names at once`, async () => {
    await using server = await TestSshServer.start();
    await using target = new TempDir();
    const paths = manyFiles(server);
    const [host, ...ssh] = server.args().reverse();
    const [sources, how] = program === "scp"
      ? [[`${host}:${paths.join(" ")}`], ssh.reverse()]
      : [paths.map((path, i) => `${i === 0 ? host : ""}:${path}`), [
        "-e",
        `ssh ${ssh.reverse().join(" ")}`,
      ]];
    const copied = await run(program!, [...options, ...how, ...sources, target.path]);
    assert.equal(copied.code, 0, copied.stderr);
    assertCopied(paths, target.path);
  });
}
