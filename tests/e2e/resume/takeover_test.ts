/** A deploy: the next server takes the port over while the former one drains. */
import assert from "node:assert/strict";
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { CountingShell } from "../../support/resume/counting_shell.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { allArrived, SftpTransfer } from "../../support/resume/transfers.ts";

requires("ssh")({
  name: "SIGTERM, and a second server at the port: shells, files and forwards go on",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using scene = await ResumeScene.start();
    await using local = new TempDir();
    const config = scene.config();
    await using open = new AsyncDisposableStack();
    const viaTunnel = [...await scene.tunnel(), `${scene.announced.username}@127.0.0.1`];
    const shells: CountingShell[] = [];
    for (const args of [["-F", config, "job"], viaTunnel, viaTunnel]) {
      shells.push(open.use(await CountingShell.open(args)));
    }
    const forwards = open.use(await Forwards.open(["-F", config, "job"]));
    const remote = scene.agent.dir;
    const transfer = { config, local, remote, size: 9_000_000, rate: 3_000_000 };
    const transfers = (["put", "get"] as const).map((way) => new SftpTransfer(way, transfer));
    for (const shell of shells) shell.startTyping();
    for (const part of [0.2, 0.6]) {
      await allArrived(transfers, part);
      const former = await scene.takeOver();
      // All have moved, so there is nothing that it waits for.
      const { code, stderr } = await former.result();
      assert.equal(code, 0, stderr);
    }
    await Promise.all(transfers.map(({ done }) => done));
    for (const shell of shells) await shell.stop();
    await forwards.stop();
  },
});
