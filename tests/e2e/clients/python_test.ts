/** Clients in Python: Paramiko, AsyncSSH and Ansible. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertSameFile, randomBytes, succeed, writeSshConfig } from "../../support/clients.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { JumpWorld } from "../../support/jump_world.ts";

const test = requires("ssh");

/** Debian's own, which has Debian's modules. */
const PYTHON = "/usr/bin/python3";

test("Paramiko, AsyncSSH and Ansible", async (t) => {
  await using jump = await JumpWorld.start();
  const { world, port, fingerprint } = jump;
  await using local = new TempDir();
  const agent = world.startAgent({ args: ["--hold"] });
  const announced = await agent.announced();
  const file = local.write("big", randomBytes(5_000_000));

  const ways = ["paramiko", "asyncssh"].flatMap((name) =>
    ["wsproxy", "the jump host"].map((way) => [name, way] as const)
  );
  for (const [name, way] of ways) {
    await t.step({
      name: `${name}, by ${way}: commands, files and forwards`,
      ignore: !await haveModule(name),
      fn: async () => {
        const settings = {
          username: announced.username,
          hostKey: announced.hostKey,
          key: world.key,
          id: announced.id,
          ...way === "wsproxy"
            ? { proxyCommand: world.proxyCommand(announced.id) }
            : { jump: { host: "127.0.0.1", port, fingerprint } },
          file,
          directory: agent.dir.path,
        };
        const script = join(import.meta.dirname!, `${name}_client.py`);
        const { stdout } = await succeed(PYTHON, [script, JSON.stringify(settings)]);
        assert.match(stdout, /^all of \w+ worked$/m);
        await assertSameFile(`${file}-${name}`, file);
        Deno.removeSync(`${file}-${name}`);
      },
    });
  }
  await requires("ansible").step(t, {
    name: "Ansible: ping, copy and fetch, on one connection",
    fn: async () => {
      const config = writeSshConfig(world, announced);
      const inventory = local.write(
        "inventory",
        `job ansible_ssh_common_args="-F ${config}" ansible_python_interpreter=${PYTHON}\n`,
      );
      const ansible = (...args: string[]) =>
        succeed("ansible", ["-i", inventory, "job", ...args], {
          cwd: local.path,
          env: {
            ANSIBLE_LOCAL_TEMP: local.path,
            ANSIBLE_REMOTE_TEMP: agent.dir.path,
            // A path of a socket has room for a hundred bytes.
            ANSIBLE_SSH_CONTROL_PATH_DIR: local.path,
            ANSIBLE_SSH_CONTROL_PATH: "%(directory)s/%%C",
            ANSIBLE_SSH_ARGS: "-oControlMaster=auto -oControlPersist=5s",
            ANSIBLE_NOCOLOR: "1",
          },
        });
      const ping = await ansible("-m", "ping");
      assert.match(ping.stdout, /job \| SUCCESS[^]*"ping": "pong"/);
      const there = join(agent.dir.path, "ansible");
      await ansible("-m", "copy", "-a", `src=${file} dest=${there} mode=0640`);
      await assertSameFile(there, file);
      assert.equal(Deno.statSync(there).mode! & 0o777, 0o640);
      await ansible("-m", "fetch", "-a", `src=${there} dest=${local.path}/fetched flat=yes`);
      await assertSameFile(join(local.path, "fetched"), file);
    },
  });
});

async function haveModule(name: string): Promise<boolean> {
  const { code } = await run(PYTHON, ["-c", `import ${name}`]).catch(() => ({ code: 1 }));
  if (code !== 0) console.log(`skipped: python3-${name} is not installed`);
  return code === 0;
}
