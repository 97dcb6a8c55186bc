import { CountingShell } from "../../support/resume/counting_shell.ts";
import type { ResumeScene } from "../../support/resume/scene.ts";

/** How many log in at a time: the agent lets in few that are not logged in yet. */
const LOGINS = 5;

/** Of how many shells one has a wsproxy of its own; the others share a tunnel. */
const WSPROXY_EACH = 10;

/** From an answer to the next line, in milliseconds. */
export const THINKING_MS = 500;

/** Opens shells, which end with `open`. */
export async function openShells(
  scene: ResumeScene,
  count: number,
  open: AsyncDisposableStack,
): Promise<CountingShell[]> {
  const viaWsproxy = ["-F", scene.config(), "job"];
  const viaTunnel = [...await scene.tunnel(), `${scene.announced.username}@127.0.0.1`];
  const shells: CountingShell[] = [];
  let started = 0;
  const logIn = async () => {
    while (started < count) {
      const args = started++ % WSPROXY_EACH === 0 ? viaWsproxy : viaTunnel;
      shells.push(open.use(await CountingShell.open(args)));
    }
  };
  await Promise.all(Array.from({ length: LOGINS }, logIn));
  return shells;
}

/** Waits until each shell has answered once more. */
export async function rest(shells: CountingShell[]): Promise<void> {
  await Promise.all(shells.map((shell) => shell.answered()));
}
