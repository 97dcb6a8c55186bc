/** Moves the clock of server and agent, as an administrator or NTP may. */
import assert from "node:assert/strict";
import { succeed } from "../../support/clients.ts";
import { TempDir } from "../../support/program.ts";
import { Scene } from "./scene.ts";

/** A day forth, and then two back. */
const SHIFTS = ["+1d", "-1d"];

/** A session goes on, the agent keeps its ID and its lifetime, people log in, the server restarts. */
export async function moveClock(): Promise<void> {
  await using dir = new TempDir();
  const { stdout } = await succeed("faketime", ["-f", "+0", "printenv", "LD_PRELOAD"]);
  const file = dir.write("clock", "+0");
  // The clock that measures time only does not jump.
  const env = {
    LD_PRELOAD: stdout.trim(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    NO_FAKE_STAT: "1",
  };
  await using scene = await Scene.start({ env, hold: false });
  const echo = await scene.openEcho();
  for (const shift of SHIFTS) {
    dir.write("clock", shift);
    await echo.trip();
    await scene.canLogIn();
    const logged = Date.parse(scene.agent.stderr.trim().split("\n").at(-1)!.slice(0, 24));
    const days = Math.round((logged - Date.now()) / 86_400_000);
    assert.equal(days, Number.parseInt(shift), "the agent's clock has not moved");
  }
  scene.world.server.kill("SIGKILL");
  await scene.world.server.result();
  await scene.restartServer();
  await scene.canLogIn();
}
