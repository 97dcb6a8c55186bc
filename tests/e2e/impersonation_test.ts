/** A hostile server that connects people to an agent of its own: the printed commands refuse it. */
import assert from "node:assert/strict";
import { makeHome, writePrograms } from "../support/home.ts";
import { run, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { Terminal } from "../support/terminal.ts";
import { World } from "../support/world.ts";

requires("ssh")(
  "the printed commands refuse an impersonated agent, before the password",
  async (t) => {
    await using home = new TempDir();
    const { env, config, key } = await makeHome(home);
    writePrograms(home, ["wsproxy"]);
    const password = { CONVERGE_PASSWORD: "sesame" };
    await using world = await World.start([], password);
    const printed = new Map<string, string>();
    {
      const agent = world.startAgent({ id: "job-7", json: false, authorizedKeys: key });
      await agent.program.waitFor(/\bssh -o/);
      const status = startEntry("agent.ts", ["status"], { cwd: agent.dir.path });
      await using _status = status;
      const { stdout } = await status.result();
      for (const name of ["ssh", "sftp"]) {
        printed.set(name, new RegExp(`^ *(${name} -o.*wsproxy.*)$`, "m").exec(stdout)![1]!);
      }
      const [entry] = /^ *Host job-7\n(^ +\w+ .*\n)+/m.exec(stdout)!;
      home.write("config", `${config}\n${entry}\n`);
      printed.set("ssh_config", "ssh job-7");

      const genuine = await run("sh", ["-c", `${printed.get("ssh")} echo in the job`], { env });
      assert.match(genuine.stdout, /^in the job$/m, genuine.stderr);
      agent.program.kill("SIGTERM");
      await agent.program.result();
    }
    world.server.kill("SIGTERM");
    await world.server.result();

    // The same address, ID and password; the key of the person may log in too.
    await world.startServer([], password);
    const hostile = world.startAgent({ id: "job-7", authorizedKeys: key });
    await hostile.announced();
    for (const [name, command] of printed) {
      await t.step(name, async () => {
        await using terminal = new Terminal("sh", ["-c", command], { env });
        assert.notEqual(await terminal.exited, 0);
        assert.match(terminal.output, /Host key verification failed/);
        assert.doesNotMatch(terminal.output, /password/i);
        assert.doesNotMatch(hostile.program.stderr, /key|password/);
      });
    }

    await t.step("without the pin, the person would give the password away", async () => {
      // Of two values for an option ssh takes the first.
      const first = ["KnownHostsCommand=none", "UserKnownHostsFile=/dev/null"]
        .concat("StrictHostKeyChecking=no", "PubkeyAuthentication=no").map((word) => `-o${word}`);
      const command = printed.get("ssh")!.replace("ssh ", `ssh ${first.join(" ")} `);
      await using terminal = new Terminal("sh", ["-c", command], { env });
      await terminal.waitFor(/[Pp]assword: $/);
      terminal.write("sesame\r");
      await hostile.program.waitFor(/password/);
    });
  },
);
