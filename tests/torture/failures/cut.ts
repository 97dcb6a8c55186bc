/**
 * The network is cut: cut.ts SECONDS [RESUME-TIME], where taking down `lo` cuts everything. A short
 * cut harms nothing, nor does one that streams outlive. After another all ends on both sides, and
 * the agent comes back by itself.
 */
import { delay } from "../../../lib/wire/delay.ts";
import { succeed } from "../../support/clients.ts";
import { inTime } from "../../support/deadline.ts";
import { gone } from "../../support/processes.ts";
import { Scene } from "./scene.ts";

/** After so long without an answer both sides give up, in seconds. */
const GIVE_UP = 15;

const setLink = (state: "up" | "down") => succeed("ip", ["link", "set", "lo", state]);

const [cut, resumeTime] = Deno.args;
const seconds = Number(cut);
await using scene = await Scene.start({ resumeTime });
const echo = seconds < GIVE_UP || resumeTime ? await scene.openEcho() : undefined;
const ssh = scene.startSsh("echo $$ >&2; exec cat");
const session = Number((await ssh.waitFor(/^(\d+)$/m))[1]);
const { printed } = scene.agent;
await setLink("down");
const trip = echo?.trip();
await delay(seconds * 1_000);
if (!echo) {
  await inTime(gone(session), () => `process ${session} goes on`);
  await inTime(ssh.result(), () => `ssh goes on: ${ssh.stderr}`);
}
await setLink("up");
await trip;
if (!echo) await scene.agent.waitFor(/registered again/, printed);
await scene.canLogIn();
