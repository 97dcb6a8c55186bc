/** OpenSSH's sftp and scp, and what runs over ssh: rsync, git and sshfs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  assertSameFile,
  assertSameTree,
  makeTree,
  randomBytes,
  succeed,
  writeSshConfig,
} from "../../support/clients.ts";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { World } from "../../support/world.ts";

const test = requires("ssh");

test("files come and go by sftp, scp, rsync, git and sshfs", async (t) => {
  await using world = await World.start();
  await using local = new TempDir();
  const agent = world.startAgent({ args: ["--hold"] });
  const config = writeSshConfig(world, await agent.announced());
  const here = (...names: string[]) => join(local.path, ...names);
  const there = (...names: string[]) => join(agent.dir.path, ...names);
  const big = local.write("big", randomBytes(20_000_000));
  const tree = makeTree(local, "tree");
  // Neither sftp -r nor sshfs does with links what cp does.
  const plain = here("plain");
  await succeed("cp", ["-a", tree, plain]);
  Deno.removeSync(join(plain, "directory", "link"));
  const sftp = (batch: string[], args: string[] = []) =>
    succeed("sftp", ["-F", config, ...args, "-b", "-", "job"], {
      cwd: local.path,
      input: batch.join("\n") + "\n",
    });

  await t.step("sftp puts and gets", async () => {
    await sftp(["put big", "get big big-back"]);
    await assertSameFile(there("big"), big);
    await assertSameFile(here("big-back"), big);
  });

  await t.step("sftp takes up a transfer that broke off: reget and reput", async () => {
    const half = Deno.readFileSync(big).subarray(0, 9_999_999);
    local.write("half", half);
    agent.dir.write("half", half);
    const { stdout } = await sftp(["reget big half", "reput big half"]);
    assert.doesNotMatch(stdout, /error|fail/i);
    await assertSameFile(here("half"), big);
    await assertSameFile(there("half"), big);
  });

  await t.step("sftp copies directories both ways, with modes and times", async () => {
    await sftp(["put -rp plain", "get -rp plain plain-back"]);
    await assertSameTree(there("plain"), plain);
    await assertSameTree(here("plain-back"), plain);
  });

  await t.step("sftp's other commands", async () => {
    const { stdout } = await sftp([
      "mkdir made",
      "cd made",
      "put tree/file-1 one",
      "rename one other",
      "chmod 600 other",
      "ln other hard",
      "ln -s other soft",
      "cp other copy",
      "ls -l",
      "df -h .",
      "pwd",
      "rm soft",
      "-rmdir .",
    ]);
    assert.match(stdout, /^-rw------- +\S+ +\S+ +\S+ +1 .* other$/m);
    assert.match(stdout, /^lrwxrwxrwx .* soft$/m);
    assert.match(stdout, /%$/m);
    assert.ok(stdout.includes(`Remote working directory: ${there("made")}`));
    assert.deepEqual([...Deno.readDirSync(there("made"))].map(({ name }) => name).sort(), [
      "copy",
      "hard",
      "other",
    ]);
    await sftp(["rm made/*", "rmdir made"]);
  });

  for (const [protocol, args] of [["sftp", []], ["scp", ["-O"]]] as const) {
    await t.step(`scp copies files and directories by the ${protocol} protocol`, async () => {
      const scp = (...more: string[]) =>
        succeed("scp", ["-F", config, ...args, "-p", ...more], { cwd: local.path });
      await scp("big", `job:scp-${protocol}`);
      await scp(`job:scp-${protocol}`, `scp-${protocol}`);
      await assertSameFile(here(`scp-${protocol}`), big);
      // scp follows links.
      await scp("-r", "tree", `job:scp-tree-${protocol}`);
      await scp("-r", `job:scp-tree-${protocol}`, `scp-tree-${protocol}`);
      await assertSameTree(here(`scp-tree-${protocol}`), tree, { followLinks: true });
      await scp(`job:scp-tree-${protocol}/file-3*`, here());
      await assertSameFile(here("file-32768"), join(tree, "file-32768"));
    });
  }

  await t.step("an error of scp and sftp is told and has a status", async () => {
    const scp = await run("scp", ["-F", config, "job:missing", local.path]);
    assert.equal(scp.code, 1);
    assert.match(scp.stderr, /missing.*No such file or directory/);
    const sftp = await run("sftp", ["-F", config, "-b", "-", "job"], { input: "get missing\n" });
    assert.equal(sftp.code, 1);
    assert.match(sftp.stderr, /missing.*not found/);
  });

  await requires("rsync").step(t, {
    name: "rsync brings directories in step, both ways, with deletions and modes",
    fn: async () => {
      const rsync = (from: string, to: string) =>
        succeed("rsync", ["-a", "--delete", "-e", `ssh -F ${config}`, from, to]);
      await rsync(`${tree}/`, "job:rsync/");
      await assertSameTree(there("rsync"), tree);
      Deno.removeSync(there("rsync", "file-0"));
      Deno.chmodSync(there("rsync", "file-1"), 0o400);
      agent.dir.write("rsync/new", randomBytes(300_000), 0o751);
      const changed = Deno.readFileSync(there("rsync", "file-1000000"));
      changed.set(randomBytes(1000), 500_000);
      agent.dir.write("rsync/file-1000000", changed);
      await rsync("job:rsync/", here("rsync/"));
      await assertSameTree(here("rsync"), there("rsync"));
      Deno.removeSync(here("rsync", "directory"), { recursive: true });
      await rsync(here("rsync/"), "job:rsync/");
      await assertSameTree(there("rsync"), here("rsync"));
    },
  });

  await requires("git").step(t, {
    name: "git clones and pushes",
    fn: async () => {
      const env = {
        GIT_SSH_COMMAND: `ssh -F ${config}`,
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "Ann",
        GIT_AUTHOR_EMAIL: "ann@example.org",
        GIT_COMMITTER_NAME: "Ann",
        GIT_COMMITTER_EMAIL: "ann@example.org",
      };
      const git = (cwd: string, ...args: string[]) => succeed("git", args, { cwd, env });
      const commit = async (cwd: string, name: string) => {
        Deno.writeFileSync(join(cwd, name), randomBytes(3_000_000));
        await git(cwd, "add", name);
        await git(cwd, "commit", "-q", "-m", name);
        return (await git(cwd, "rev-parse", "HEAD")).stdout;
      };
      await git(there(), "init", "-q", "-b", "main", "repository");
      const first = await commit(there("repository"), "one");
      await git(here(), "clone", "-q", "job:repository", "clone");
      assert.equal((await git(here("clone"), "rev-parse", "HEAD")).stdout, first);
      const second = await commit(here("clone"), "two");
      await git(here("clone"), "push", "-q", "origin", "HEAD:refs/heads/pushed");
      assert.equal((await git(there("repository"), "rev-parse", "pushed")).stdout, second);
      await git(there("repository"), "fsck", "--strict");
    },
  });

  await requires("sshfs").step(t, {
    name: "sshfs shows the job's files as if they were here",
    ignore: !await canMount(),
    fn: async () => {
      const mount = here("mount");
      Deno.mkdirSync(mount);
      await succeed("sshfs", ["-F", config, "job:", mount]);
      try {
        await assertSameFile(join(mount, "big"), big);
        await succeed("cp", ["-a", plain, join(mount, "mounted")]);
        await assertSameTree(there("mounted"), plain);
        await assertSameTree(join(mount, "mounted"), plain);
        const script = `
          set -e
          cd mounted
          mv file-0 file-moved; rm file-1; chmod 700 file-32768; truncate -s 100 file-262145
          printf more >> file-moved; ln -s file-moved soft; ln file-moved hard
          mkdir new; rmdir new; test "$(cat soft)" = more; df . > /dev/null
          printf middle | dd of=file-1000000 bs=1 seek=500000 conv=notrunc,fsync status=none`;
        await succeed("bash", ["-c", script], { cwd: mount });
        await assertSameTree(join(mount, "mounted"), there("mounted"));
      } finally {
        await succeed("fusermount3", ["-u", mount]);
      }
    },
  });
});

/** Whether file systems can be mounted here; if not, says what is skipped. */
async function canMount(): Promise<boolean> {
  const { code } = await run("unshare", ["-m", "true"]);
  let fuse = code === 0;
  try {
    using _device = Deno.openSync("/dev/fuse", { read: true, write: true });
  } catch {
    fuse = false;
  }
  if (!fuse) console.log("skipped: sshfs, for /dev/fuse cannot be used here");
  return fuse;
}
