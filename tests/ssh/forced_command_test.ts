/** What command= in authorized_keys leaves to those who log in with the key. */
import { deepEqual, equal, match } from "node:assert/strict";
import { SftpServer } from "../../lib/ssh/sftp/serve.ts";
import { run } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { TestSshServer } from "../support/ssh.ts";
import { RawClient } from "../support/ssh_raw_client.ts";

const test = requires("ssh");

test('key options: command="internal-sftp" allows SFTP and nothing else', async () => {
  using sftp = new SftpServer();
  await using server = await TestSshServer.start({
    subsystems: { sftp: (channel, { cwd }) => sftp.serve(channel, { cwd }) },
  });
  server.home.write("file", "content");
  const line = await Deno.readTextFile(`${server.key}.pub`);
  server.authorize(`restrict,command="internal-sftp" ${line}`);
  const [destination, ...options] = server.args().reverse();
  const args = [...options.reverse(), "-b", "-", destination!];
  const files = await run("sftp", args, { input: "ls -1\n" });
  match(files.stdout, /^file$/m);
  for (const command of ["echo in", ""]) {
    const { code, stdout } = await server.ssh([], [command]);
    deepEqual([code, stdout], [255, ""]);
  }
});

test("key options: a forced command gets no signals", async () => {
  await using server = await TestSshServer.start();
  const line = await Deno.readTextFile(`${server.key}.pub`);
  server.authorize(`command="echo ready; read; echo to its end" ${line}`);
  await using raw = await RawClient.connect(server);
  const { output } = await raw.exec("", (stream) => {
    stream.signal("KILL");
    stream.end("\n");
  });
  equal(output, "ready\nto its end\n");
});
