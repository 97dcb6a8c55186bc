/**
 * What editors do that work in the job over ssh, VS Code Remote and JetBrains Gateway: a shell
 * script on stdin that installs and starts a server, markers in its output, then many channels on
 * the same connection to that server and for files.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertSameFile, randomBytes, succeed, writeSshConfig } from "../../support/clients.ts";
import { EDITOR_SERVER, installScript, startScript } from "../../support/editor_scripts.ts";
import { Program, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { freePort } from "../../support/sshd.ts";
import { JumpWorld } from "../../support/jump_world.ts";

const test = requires("ssh", "curl");

for (const way of ["wsproxy", "ssh -J"]) {
  test(`editors, by ${way}: a script on stdin, then channels to what it has started`, async (t) => {
    await using jump = await JumpWorld.start();
    const { world } = jump;
    await using local = new TempDir();
    const agent = world.startAgent({ args: ["--hold"] });
    const announced = await agent.announced();
    const control = `ControlPath ${join(local.path, "control")}`;
    const config = way === "wsproxy"
      ? writeSshConfig(world, announced, [control])
      : jump.config(announced, ["Host job", control]);
    const socks = freePort();
    local.write("server.ts", EDITOR_SERVER);
    const fetchHello = async (...args: string[]) => {
      const { stdout } = await succeed("curl", ["-sS", ...args]);
      assert.equal(stdout, "hello from the editor's server");
    };
    const forward = (...args: string[]) =>
      succeed("ssh", ["-F", config, "-O", "forward", ...args, "job"]);

    for (const shell of ["bash", "sh -s"]) {
      await t.step(`a script for "${shell}", -D, -L, sftp and exec on one connection`, async () => {
        await using session = new Program("ssh", [
          ...["-T", "-F", config, "-M", "-D", `127.0.0.1:${socks}`, "-oConnectTimeout=15", "job"],
          shell,
        ], { interactive: true });
        const marker = crypto.randomUUID();
        await session.write(installScript(marker));
        await session.waitFor(new RegExp(`${marker}: running`));
        await session.waitFor(/platform==\w+ \w+==/);
        await session.waitFor(new RegExp(`home==${agent.dir.path}==`));

        await session.waitFor(/directory==made==/);
        await succeed("sftp", ["-F", config, "-b", "-", "job"], {
          cwd: local.path,
          input: "put server.ts .editor/bin/server.ts\n",
        });
        await session.write(startScript(marker));
        const [, port] = await session.waitFor(/listeningOn==(\d+)==/);
        await session.waitFor(/exitCode==0==/);
        await session.waitFor(new RegExp(`${marker}: end`));

        await fetchHello("--socks5-hostname", `127.0.0.1:${socks}`, `http://127.0.0.1:${port}/`);
        const [toSocket, toPort] = ["socket", "port"].map((name) =>
          join(local.path, marker + name)
        );
        await forward("-L", `${toSocket}:${agent.dir.path}/.editor/sock`);
        await forward("-L", `${toPort}:127.0.0.1:${port}`);
        const file = local.write("file", randomBytes(3_000_000));
        await Promise.all([
          ...[toSocket!, toPort!, toSocket!, toPort!].map((path) =>
            fetchHello("--unix-socket", path, "http://editor/")
          ),
          ...[0, 1, 2, 3, 4].map(async (status) => {
            const args = ["-F", config, "job", `echo ${status}; exit ${status}`];
            await using command = new Program("ssh", args);
            const { code, stdout } = await command.result();
            assert.deepEqual([code, stdout], [status, `${status}\n`]);
          }),
          succeed("sftp", ["-F", config, "-b", "-", "job"], {
            cwd: local.path,
            input: "put file file-there\nget file-there file-back\n",
          }),
        ]);
        await assertSameFile(join(local.path, "file-back"), file);

        await session.closeInput();
        await session.waitFor(new RegExp(`${marker}: gone`));
        assert.equal((await session.result()).code, 0);
      });
    }
  });
}
