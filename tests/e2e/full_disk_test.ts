/** Agents and servers in a directory whose disk is full. */
import assert from "node:assert/strict";
import { run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { World } from "../support/world.ts";

const test = requires("ssh", "unshare");

/** Mounts a disk that only the script sees, and fills it. */
const FULL_DISK = `
mount -t tmpfs -o size=64k tmpfs "$1" && cd "$1" || exit
printf '%s' "$KEYS" > .authorized_keys
cat /dev/zero > filling 2> /dev/null
run() { "$DENO" run --no-check -A "$ROOT/$@"; echo "status $?"; }
`;

/** Runs a script on a full disk. */
async function onFullDisk(script: string, env: Record<string, string> = {}) {
  await using dir = new TempDir();
  const namespace = ["--map-root-user", "--mount"];
  const command = ["bash", "-c", FULL_DISK + script, "bash", dir.path];
  return await run("unshare", [...namespace, ...command], {
    env: { DENO: Deno.execPath(), ROOT, ...env },
  });
}

test("a host key that a full disk has no room for leaves no file, and is made later", async () => {
  const { stdout, stderr } = await onFullDisk(`
    run agent.ts --host-key host_key ws://127.0.0.1:1
    ls -A
    rm filling
    # The missing token ends it once it has the key.
    run agent.ts --host-key host_key --token-file none ws://127.0.0.1:1
    ssh-keygen -l -f host_key && ls -A`);
  assert.match(stderr, /^agent: cannot write the host key ".*": the disk is full$/m);
  const [full, ...rest] = stdout.split(/(?<=^status \d+\n)/m);
  assert.equal(full, "status 1\n");
  assert.match(rest[0]!, /^\.authorized_keys\nfilling\n/);
  assert.match(rest.at(-1)!, /^256 SHA256:.* \(ED25519\)\n\.authorized_keys\nhost_key\n$/);
});

test("no agent stays in the background that a full disk has no room to record", async () => {
  await using world = await World.start();
  const { stdout, stderr } = await onFullDisk(
    `
    run agent.ts --detach --id job "$URL"
    find .converge -type f -size +0
    rm filling
    run agent.ts --detach --id job "$URL"
    run agent.ts stop`,
    { URL: world.url, KEYS: world.publicKey },
  );
  assert.match(stderr, /^agent: cannot use ".*\.converge": the disk is full$/m);
  const [full, ...rest] = stdout.split(/(?<=^status \d+\n)/m);
  assert.equal(full, "status 1\n");
  assert.match(rest[0]!, /you can log in to the job job until .*status 0\n$/s);
  assert.match(rest[1]!, /^The agent job ended with status 0: .*\nstatus 0\n$/);
});

test("a server's key that a full disk has no room for leaves no file", async () => {
  const { stdout, stderr } = await onFullDisk(`
    run server.ts --host 127.0.0.1 --port 0 --state-dir state
    ls -A state`);
  assert.match(stderr, /^server: cannot use --state-dir "state": the disk is full$/m);
  assert.equal(stdout, "status 1\n");
});
