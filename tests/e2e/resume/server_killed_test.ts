/** The server is killed and started again: nobody loses more than the time that this takes. */
import { TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { CountingShell } from "../../support/resume/counting_shell.ts";
import { runEditor } from "../../support/resume/editor.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { allArrived, RsyncTransfer, SftpTransfer } from "../../support/resume/transfers.ts";

const test = requires("ssh", "rsync", "curl");

const MB = 1_000_000;

test("kill -9 of the server: shells, files and forwards go on, with every byte right", async () => {
  await using scene = await ResumeScene.start();
  await using local = new TempDir();
  const config = scene.config();
  const remote = scene.agent.dir;
  await using open = new AsyncDisposableStack();
  const viaTunnel = [...await scene.tunnel(), `${scene.announced.username}@127.0.0.1`];
  const shells: CountingShell[] = [];
  for (const args of [["-F", config, "job"], ["-F", config, "job"], viaTunnel, viaTunnel]) {
    shells.push(open.use(await CountingShell.open(args)));
  }
  const forwards = open.use(await Forwards.open(["-F", config, "job"]));
  const transfer = { config, local, remote, size: 12 * MB, rate: 3 * MB };
  const transfers = (["put", "get"] as const).map((way) => new SftpTransfer(way, transfer));
  const rsync = new RsyncTransfer({ ...transfer, rate: 2 * MB });
  for (const shell of shells) shell.startTyping();
  for (const part of [0.2, 0.5, 0.8]) {
    await allArrived(transfers, part);
    await scene.killServer();
    await scene.restartServer();
  }
  await Promise.all([...transfers, rsync].map(({ done }) => done));
  await rsync.fetch();
  for (const shell of shells) await shell.stop();
  await forwards.stop();
});

test("kill -9 of the server: an editor starts in the job all the same", async () => {
  await using scene = await ResumeScene.start();
  await runEditor(scene.config(), scene.agent.dir.path, async () => {
    await scene.killServer();
    await scene.restartServer();
  });
});
