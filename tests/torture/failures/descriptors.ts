/** Takes all descriptors from a program that it does not have yet, and gives them back. */
import assert from "node:assert/strict";
import { inTime } from "../../support/deadline.ts";
import { succeed } from "../../support/clients.ts";
import type { Program } from "../../support/program.ts";
import type { Scene } from "./scene.ts";

/** The program has all that are below this. */
const NONE_FREE = 10;

async function setLimit({ pid }: Program, limit: number): Promise<void> {
  await succeed("prlimit", ["--pid", String(pid), `--nofile=${limit}:`]);
}

/** What is open stays open, and afterwards people log in again. */
export async function useUpDescriptors(scene: Scene, victim: "server" | "agent"): Promise<void> {
  const program = victim === "server" ? scene.world.server : scene.agent;
  const echo = await scene.openEcho();
  const { stdout } = await succeed("prlimit", [
    ...["--pid", String(program.pid), "--nofile", "--output=SOFT", "--noheadings"],
  ]);
  const { printed } = program;
  await setLimit(program, NONE_FREE);
  const refused = [1, 2, 3].map(() => scene.startSsh("echo in >&2"));
  await Promise.any(refused.map(async (ssh) => {
    const { code } = await inTime(ssh.result(), () => `ssh goes on: ${ssh.stderr}`);
    assert.notEqual(code, 0);
  }));
  // It tries to listen again twice a second.
  if (victim === "server") await program.waitFor(/cannot listen, trying again/, printed);
  await echo.trip();
  const full = program.printed;
  await setLimit(program, Number(stdout));
  for (const ssh of refused) ssh.kill();
  if (victim === "server") await program.waitFor(/listening again/, full);
  await scene.canLogIn();
  await echo.trip();
}
