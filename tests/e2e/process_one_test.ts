/** An agent that is process 1, as in a container without an init. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { World } from "../support/world.ts";

const test = requires("ssh", "unshare");

/**
 * Fails after a minute if there still is a program that has ended and that nobody has waited for.
 */
const NO_ZOMBIES = `
  i=0
  while grep -qs '^State:.*zombie' /proc/[0-9]*/status; do
    i=$((i + 1)); [ $i -lt 600 ] || exit 1; sleep 0.1
  done
  echo clean`;

test("process 1 waits for what sessions leave behind", async () => {
  await using world = await World.start();
  await using dir = new TempDir();
  dir.write(".authorized_keys", world.publicKey);
  const agent = [Deno.execPath(), "run", "--no-check", "-A", join(ROOT, "agent.ts"), "--json"];
  await using program = new Program(
    "unshare",
    ["-Urpf", "--mount-proc", "--kill-child", ...agent, world.url],
    { cwd: dir.path },
  );
  const announced = JSON.parse((await program.waitFor(/^\{.*\}$/m))[0]);
  for (let session = 0; session < 5; session++) {
    // What setsid starts outlives the session, and then belongs to process 1.
    const options = session % 2 === 0 ? [] : ["-tt"];
    const { code, stderr } = await world.ssh(announced, [
      ...options,
      "(setsid sleep 0.1 < /dev/null > /dev/null 2>&1 &) ; exit 3",
    ]);
    assert.equal(code, 3, stderr);
  }
  const { stdout } = await world.ssh(announced, [`readlink /proc/1/exe; ${NO_ZOMBIES}`]);
  assert.equal(stdout, `${Deno.realPathSync(Deno.execPath())}\nclean\n`);
});
