/** The server is killed again and again under all that people do in a job. */
import { delay } from "../../../lib/wire/delay.ts";
import { TempDir } from "../../support/program.ts";
import { runEditor } from "../../support/resume/editor.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { allArrived, RsyncTransfer, SftpTransfer } from "../../support/resume/transfers.ts";
import { openShells, rest, THINKING_MS } from "./shells.ts";

/** Bytes a second of each transfer at most: all are to be under way when the server is killed. */
const RATE = 20_000_000;

/** What was seen; times in milliseconds. */
export interface Kills {
  /** The longest pause of each shell. */
  pauses: number[];
  /** Bytes that went through forwards, each way. */
  forwarded: number;
  transferMs: number;
}

/**
 * Kills the server `kills` times while shells, transfers of `size` bytes each way, forwards, rsync
 * and an editor go on, and starts it again each time after a while.
 *
 * @param awayMs how long the server is away
 * @throws {Error} if anything of that ends, or a byte is wrong
 */
export async function killServers(
  { shells: count, kills, awayMs, size }: {
    shells: number;
    kills: number;
    awayMs: number;
    size: number;
  },
): Promise<Kills> {
  await using scene = await ResumeScene.start({ direct: true });
  await using local = new TempDir();
  const config = scene.config();
  const remote = scene.agent.dir;
  await using open = new AsyncDisposableStack();
  const shells = await openShells(scene, count, open);
  const forwards = open.use(await Forwards.open(["-F", config, "job"]));
  const transfer = { config, local, remote, size, rate: RATE };
  const start = performance.now();
  const transfers = (["put", "get"] as const).map((way) => new SftpTransfer(way, transfer));
  const rsync = new RsyncTransfer({ ...transfer, size: size / 4 });
  const editor = runEditor(config, remote.path, () => Promise.resolve());
  const others = Promise.all([editor, ...[...transfers, rsync].map(({ done }) => done)]);
  for (const shell of shells) shell.startTyping(THINKING_MS);
  for (let kill = 1; kill <= kills; kill++) {
    const inTime = await allArrived(transfers, kill / (kills + 1));
    if (!inTime) throw new Error("the transfers were over before");
    await scene.killServer();
    await delay(awayMs);
    await scene.restartServer();
  }
  await others;
  await rsync.fetch();
  const transferMs = performance.now() - start;
  await rest(shells);
  for (const shell of shells) await shell.stop();
  const [forwarded] = await forwards.stop();
  return {
    pauses: shells.map(({ pauses }) => Math.max(...pauses)),
    forwarded: forwarded!,
    transferMs,
  };
}
