/**
 * What the usage page and the agent print for people, run as printed in each shell that they use, by
 * a person with a home of their own who has nothing of ours installed.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeChoices } from "../../templates/assets/shared/choices.js";
import { jobCommands } from "../../templates/assets/shared/job_commands.js";
import { localCommands, otherLocalCommands } from "../../templates/assets/shared/local_commands.js";
import { makeHome, writeChecksums, writePrograms } from "../support/home.ts";
import { JumpWorld } from "../support/jump_world.ts";
import { inHome } from "../support/passwd_home.ts";
import { Program, run, startEntry, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";

/** `agent keygen`: the secret and the public line. */
async function keygen(): Promise<{ secret: string; hostKey: string }> {
  await using program = startEntry("agent.ts", ["keygen"]);
  const { stdout, stderr } = await program.result();
  return { secret: stdout.trim(), hostKey: /^ssh-ed25519 \S+$/m.exec(stderr)![0] };
}

for (const shell of ["sh", "dash", "bash", "zsh", "fish"]) {
  requires("ssh", "unshare", "curl", shell)(
    `each command that page and agent print works in ${shell}`,
    async (t) => {
      await using files = new TempDir();
      writePrograms(files);
      writeChecksums(files, ["agent", "wsproxy", "tunnel"]);
      await using jump = await JumpWorld.start(["--static-dir", files.path]);
      const { world } = jump;
      const { secret, hostKey } = await keygen();
      await using home = new TempDir();
      const { env, key, config } = await makeHome(home);
      Deno.mkdirSync(join(home.path, ".ssh"), { mode: 0o700 });
      home.write(".ssh/config", config.replace(/^UserKnownHostsFile.*\n/m, "BatchMode yes\n"));
      home.write("config", `${config}BatchMode yes\n`);
      const scan = await run("ssh-keyscan", ["-p", `${jump.port}`, "127.0.0.1"]);
      home.write("known_hosts", scan.stdout.replace(/^#.*\n/gm, ""));
      Deno.mkdirSync(join(home.path, "bin"));
      home.write("bin/id", "#!/bin/sh\necho 1000\n", 0o755);
      const path = `${home.path}/.local/bin:${home.path}/bin`;
      /** Types a command, and what it reads. */
      const type = (command: string, input?: string) => {
        // Names that setup made are those of the real ssh, which looks into the real home.
        const [PATH, [program, args]] = /^ssh Job-1\.a\.converge/.test(command)
          ? [Deno.env.get("PATH"), inHome(home.path, [shell, "-c", command])]
          : [env.PATH, [shell, ["-c", command]] as [string, string[]]];
        return run(program, args, {
          ...{ input, cwd: home.path, env: { ...env, PATH: `${path}:${PATH}` } },
        });
      };

      const site = {
        ...{ http: world.http, ws: world.url, username: "converge", agentToken: false },
        jump: { port: jump.port, hostKey: "", fingerprint: jump.fingerprint },
      };
      // With a capital, which ssh itself writes in lower case.
      const choices = makeChoices({}, [key.trim()], "Job-1.a", hostKey);
      await using directory = new TempDir();
      await using job = new Program(shell, ["-c", jobCommands(site, choices).text], {
        ...{ cwd: directory.path, env: { ...env, CONVERGE_HOST_KEY: secret } },
      });
      const [, printed] = await job.waitFor(/^ +(ssh -o.*)$/m);
      const status = await run("sh", ["-c", "./agent status"], { cwd: directory.path, env });
      assert.equal(status.code, 0, status.stderr);

      const blocks = [...localCommands(site, choices), ...otherLocalCommands(site, choices)]
        .filter(({ title }) => !title.includes("websocat"));
      const fromAgent = status.stdout.match(/^ +(ssh|sftp|tunnel) .*$/gm)!.map((line) => ({
        title: "of the agent",
        text: line.trim(),
      }));
      assert.ok(fromAgent.length >= 5, status.stdout);
      let port = "";
      await using tunnels = new AsyncDisposableStack();
      for (
        const { title, text } of [...blocks, { title: "in the log", text: printed! }, ...fromAgent]
      ) {
        await t.step(`${title}: ${text.slice(0, 60)}`, async () => {
          if (text.startsWith("tunnel")) {
            const free = `exec ${text.replace("10000", "0")}`;
            const tunnel = new Program(shell, ["-c", free], {
              env: { ...env, PATH: `${path}:${env.PATH}` },
            });
            port = (await tunnels.use(tunnel).waitFor(/listening on .*:(\d+)/))[1]!;
            return;
          }
          const command = text.replace("10000", port);
          const last = command.split("\n").at(-1)!;
          const { code, stdout, stderr } = /^ssh /.test(last)
            ? await type(`${command} echo in`)
            : await type(command, /^sftp /.test(last) ? "pwd\n" : undefined);
          assert.equal(code, 0, stderr);
          if (/^ssh /.test(last)) assert.equal(stdout, "in\n");
          if (/^sftp /.test(last)) assert.match(stdout, /Remote working directory/);
        });
      }
      await run("sh", ["-c", "./agent stop"], { cwd: directory.path, env });
      assert.equal((await job.result()).code, 0, job.stderr);
    },
  );
}
