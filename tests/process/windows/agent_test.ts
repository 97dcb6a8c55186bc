/** The agent for Windows, as users get it, under Wine and reached by a real ssh. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { utf16z } from "../../../lib/process/windows/command_line.ts";
import { inTime } from "../../support/deadline.ts";
import { builtDist } from "../../support/dist.ts";
import { gone } from "../../support/processes.ts";
import { Program, run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { WineDirectory } from "../../support/wine.ts";
import { type Announced, World } from "../../support/world.ts";

const test = requires("ssh", "wine");

/** Wine's PowerShell does nothing, so the shell has to be named. */
const OPTIONS = ["--json", "--hold", "--shell", "cmd.exe"];
const PROMPT = /Z:\\[^>]*>/;
const name = "agent.exe gives ssh shells and commands under Wine";

test(name, async (t) => {
  await using world = await World.start();
  // As in C:\Users\First Last.
  await using directory = await WineDirectory.create("First Last ");
  await directory.add(join(await builtDist(), "agent.exe"));
  const echo = `echo ${world.publicKey.trim()}>.authorized_keys`;
  assert.equal((await run(...directory.command("cmd", ["/c", echo]))).code, 0);
  await using program = new Program(...directory.command("./agent.exe", [...OPTIONS, world.url]));
  const agent: Announced = JSON.parse((await program.waitFor(/^\{.*\}$/m))[0]);

  for (const code of [0, 7, 255]) {
    await t.step(`a command's output, errors and status ${code} arrive`, async () => {
      const result = await world.ssh(agent, [`echo out& echo err>&2& exit ${code}`]);
      assert.deepEqual([result.stdout, result.stderr, result.code], ["out\r\n", "err\r\n", code]);
    });
  }

  await t.step("a command gets its input to the end", async () => {
    const result = await world.ssh(agent, ["sort"], { input: "pear\r\napple\r\n" });
    assert.deepEqual([result.stdout, result.code], ["apple\r\npear\r\n", 0]);
  });

  await t.step("the keys may be in UTF-16, as PowerShell writes them", async () => {
    const text = `\ufeff# people\r\n${world.publicKey.trim()}\r\n`;
    Deno.writeFileSync(join(directory.path, ".authorized_keys"), utf16z(text).subarray(0, -2));
    assert.equal((await world.ssh(agent, ["echo in"])).stdout, "in\r\n");
  });

  await t.step("sftp takes files to and from paths with drives", async () => {
    await using here = new TempDir();
    const content = crypto.getRandomValues(new Uint8Array(60_000));
    here.write("up", content);
    const path = `/${directory.windowsPath.replaceAll("\\", "/")}`;
    const batch = [
      "pwd",
      `put up "${path}/new"`,
      `cd "${path}"`,
      "get new down",
      "ls -1 /C:/windows",
    ];
    const { code, stdout, stderr } = await run(
      "sftp",
      ["-b", "-", ...world.sshOptions(agent), `${agent.username}@localhost`],
      { input: `${batch.join("\n")}\n`, cwd: here.path },
    );
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes(`Remote working directory: ${path}\n`), stdout);
    assert.match(stdout, /^\/C:\/windows\/system32$/m);
    for (const copy of [join(directory.path, "new"), join(here.path, "down")]) {
      assert.deepEqual(Deno.readFileSync(copy), content);
    }
  });

  await t.step("a shell shows a prompt, echoes, and ends at once with the status 7", async () => {
    await using terminal = world.terminal(agent);
    await terminal.waitFor(PROMPT);
    terminal.resize(120, 40);
    terminal.write("echo [%CONVERGE_ID%] hällo €\r");
    await terminal.waitFor(new RegExp(`\\[${agent.id}\\] hällo €`));
    await terminal.waitFor(PROMPT);
    terminal.write("exit 7\r");
    assert.equal(await terminal.exited, 7);
  });

  await t.step("nothing that a shell started outlives a client that is killed", async () => {
    {
      await using terminal = world.terminal(agent);
      await terminal.waitFor(PROMPT);
      // One below the other, so that just one of them prints and reads.
      terminal.write("cmd /c cmd /k echo [%CONVERGE_ID%]\r");
      await terminal.waitFor(new RegExp(`\\[${agent.id}\\]`));
      const running = [...(await directory.processes()).values()].filter((line) =>
        /cmd/.test(line)
      );
      assert.equal(running.filter((line) => /\bcmd\S* +\/[ck]/.test(line)).length, 2, `${running}`);
    }
    const started = [...(await directory.processes()).keys()].filter((pid) => pid !== program.pid);
    await inTime(Promise.all(started.map(gone)), () => `${started} go on`);
    assert.deepEqual([...(await directory.processes()).keys()], [program.pid], "the agent is left");
  });

  const typeAndExit = async (command: string) => {
    await using terminal = world.terminal(agent);
    await terminal.waitFor(PROMPT);
    terminal.write(`${command}\r`);
    await terminal.waitFor(PROMPT);
    terminal.write("exit\r");
    assert.equal(await terminal.exited, 0);
  };

  await t.step("a hold file that cmd's echo wrote keeps the agent", async () => {
    await typeAndExit("del .hold & echo x > .hold");
    assert.equal((await world.ssh(agent, ["type .hold"])).stdout, "x \r\n");
  });

  await t.step("the agent ends with its hold file and last shell, with status 0", async () => {
    await typeAndExit('del "%CONVERGE_HOLD%"');
    assert.equal((await program.result()).code, 0);
    assert.equal((await directory.processes()).size, 0);
  });
});
