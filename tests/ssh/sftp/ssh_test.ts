/** SFTP through SSH: OpenSSH's client and this project's server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { SftpServer } from "../../../lib/ssh/sftp/serve.ts";
import { type ProgramResult, run } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { TestSshServer } from "../../support/ssh.ts";

const test = requires("ssh");

/** Runs sftp with `commands`; the server's directory is its home. */
async function sftp(
  server: TestSshServer,
  commands: string[],
  options: string[] = [],
): Promise<ProgramResult> {
  const batch = server.dir.write("batch", commands.join("\n"));
  const args = server.args("-b", batch, ...options);
  return await run(
    "sftp",
    args.map((argument) => argument === "127.0.0.1" ? "ann@127.0.0.1" : argument),
  );
}

test("sftp copies files both ways, its keys changed every megabyte", async () => {
  using subsystem = new SftpServer();
  await using server = await TestSshServer.start({
    subsystems: { sftp: (channel, { cwd }) => subsystem.serve(channel, { cwd }) },
  });
  const content = new Uint8Array(10_000_000);
  for (let at = 0; at < content.length; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, at + 65_536));
  }
  const up = server.dir.write("up", content);
  const down = join(server.dir.path, "down");
  const rekey = ["-o", "RekeyLimit=1M"];
  const { code, stderr, stdout } = await sftp(
    server,
    [`put ${up} file`, `get file ${down}`, "pwd"],
    rekey,
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(Deno.readFileSync(down), content);
  assert.match(
    stdout,
    new RegExp(`Remote working directory: ${Deno.realPathSync(server.home.path)}\n`),
  );
});

test("the handles of a client that is killed are closed", async () => {
  using subsystem = new SftpServer();
  const ended = Promise.withResolvers<void>();
  await using server = await TestSshServer.start({
    subsystems: {
      sftp: async (channel, { cwd }) => {
        await subsystem.serve(channel, { cwd });
        ended.resolve();
      },
    },
  });
  Deno.truncateSync(server.home.write("endless", ""), 2 ** 40);
  const open = () =>
    Deno.readDirSync("/proc/self/fd").filter(({ name }) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${name}`).endsWith("/endless");
      } catch {
        return false;
      }
    }).toArray().length;
  const batch = server.dir.write("batch", `get endless ${server.dir.path}/down\n`);
  const client = new Deno.Command("sftp", {
    args: server.args("-b", batch),
    stdout: "null",
    stderr: "null",
  })
    .spawn();
  const watcher = Deno.watchFs(server.dir.path);
  for await (const { paths } of watcher) if (paths.some((path) => path.endsWith("/down"))) break;
  assert.equal(open(), 1);
  client.kill("SIGKILL");
  await client.status;
  await ended.promise;
  assert.equal(open(), 0);
});
