/** The network is cut for minutes, on either side of the server. */
import { delay } from "../../../lib/wire/delay.ts";
import { Forwards } from "../../support/resume/forwarded.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { openShells } from "./shells.ts";

/**
 * Cuts the network while shells and forwards are open.
 *
 * @param forMs how long
 * @returns how long it took afterwards until all shells had answered, in milliseconds
 */
export async function cutNetwork(
  side: "client" | "agent",
  how: "reset" | "silence",
  { shells: count, forMs }: { shells: number; forMs: number },
): Promise<number> {
  await using scene = await ResumeScene.start();
  await using open = new AsyncDisposableStack();
  const shells = await openShells(scene, count, open);
  const forwards = open.use(await Forwards.open(["-F", scene.config(), "job"]));
  await scene.links[side][how]();
  const typing = Promise.all(shells.map((shell) => shell.type()));
  await delay(forMs);
  await scene.links[side].restore();
  const restored = performance.now();
  await typing;
  const backMs = performance.now() - restored;
  for (const shell of shells) await shell.stop();
  await forwards.stop();
  return backMs;
}
