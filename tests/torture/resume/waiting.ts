/** What streams cost that wait for their clients. */
import { delay } from "../../../lib/wire/delay.ts";
import { Program } from "../../support/program.ts";
import { ResumeScene } from "../../support/resume/scene.ts";
import { residentMemory, stalled } from "../../support/stalled.ts";

/** How many log in at a time. */
const LOGINS = 5;
/** What a session in the job prints once it goes: more than anything holds back. */
const FLOOD = 64 * 2 ** 20;

/** How many clients an agent tells of at most. */
const REPORTED = 100;

/** What was seen, in bytes. */
export interface Waiting {
  /** The agent's memory with all sessions open and quiet. */
  open: number;
  /** With all away, and more waiting for them than may be kept. */
  away: number;
  /** After all have got it. */
  back: number;
}

/**
 * Has `count` sessions print more than is kept for them while their clients are away, and come back.
 *
 * @throws {Error} if a session ends, or does not print all
 */
export async function wait(count: number): Promise<Waiting> {
  await using scene = await ResumeScene.start();
  await using open = new AsyncDisposableStack();
  const args = [...await scene.tunnel(), `${scene.announced.username}@127.0.0.1`];
  const sessions: Program[] = [];
  let started = 0;
  const start = scene.agent.dir.path + "/start";
  const command = `echo in; until test -e ${start}; do sleep 0.2; done; head -c ${FLOOD} /dev/zero`;
  const logIn = async () => {
    while (started++ < count) {
      const script = 'ssh "$@" | { read -r line; echo $line; wc -c; }';
      const ssh = open.use(new Program("bash", ["-c", script, "ssh", ...args, command]));
      await ssh.waitFor(/^in$/m);
      sessions.push(ssh);
    }
  };
  await Promise.all(Array.from({ length: LOGINS }, logIn));
  const memory = () => residentMemory(scene.agent.program.pid);
  const seen: Waiting = { open: memory(), away: 0, back: 0 };
  await scene.links.client.reset();
  await scene.shown((clients) =>
    clients.filter(({ away }) => away).length >= Math.min(count, REPORTED)
  );
  scene.agent.dir.write("start", "");
  await delay(5_000);
  await stalled(memory);
  seen.away = memory();
  await scene.links.client.restore();
  for (const session of sessions) {
    const { stdout, stderr } = await session.result();
    if (!stdout.includes(`\n${FLOOD}\n`)) throw new Error(`got ${stdout}\n${stderr}`);
  }
  seen.back = memory();
  return seen;
}
