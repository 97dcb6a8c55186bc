/** The disk is full that TMPDIR is on, a small one with the directories of server and agent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startEntry, TempDir } from "../../support/program.ts";
import { Scene } from "./scene.ts";

await using scene = await Scene.start();
const echo = await scene.openEcho();
await using directory = new TempDir();

const filler = await Deno.create(join(scene.dir.path, "filler"));
await assert.rejects(async () => {
  for (;;) await filler.write(new Uint8Array(1_000));
}, /No space left/);
filler.close();

await echo.trip();
await scene.canLogIn();
const full = scene.startSsh("echo new >far");
await full.closeInput();
assert.notEqual((await full.result()).code, 0);
assert.match(full.stderr, /No space left/);

// The server and the agent start again with what they have; what they lack they name.
scene.world.server.kill("SIGKILL");
await scene.world.server.result();
await scene.restartServer();
scene.agent.kill("SIGKILL");
await scene.agent.result();
await scene.startAgent();
await scene.canLogIn();
const state = join(directory.path, "state");
await using fresh = startEntry("server.ts", ["--port", "0", "--state-dir", state]);
const { code, stderr } = await fresh.result();
assert.equal(code, 1);
assert.match(stderr, /cannot use --state-dir ".*": the disk is full/);

await Deno.remove(join(scene.dir.path, "filler"));
const room = scene.startSsh("echo new >far");
await room.closeInput();
assert.equal((await room.result()).code, 0, room.stderr);
