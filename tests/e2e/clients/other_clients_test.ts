/**
 * Clients that share no code with OpenSSH's: PuTTY, Dropbear, curl and lftp, the host key pinned.
 */
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
import { JumpWorld } from "../../support/jump_world.ts";

const test = requires("ssh");

test("PuTTY, Dropbear, curl and lftp", async (t) => {
  await using jump = await JumpWorld.start();
  const { world } = jump;
  await using local = new TempDir();
  const agent = world.startAgent({ args: ["--hold"] });
  const announced = await agent.announced();
  const { username, fingerprint } = announced;
  const tunnel = world.startTunnel(announced.id);
  const [, port] = await tunnel.waitFor(/127\.0\.0\.1:(\d+)/);
  const here = (...names: string[]) => join(local.path, ...names);
  const there = (...names: string[]) => join(agent.dir.path, ...names);
  /** A home without settings of its own; Deno keeps its cache. */
  const env = {
    HOME: local.path,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME")!, ".cache", "deno"),
  };
  const big = local.write("big", randomBytes(5_000_000));
  const tree = makeTree(local, "tree");
  // Neither of them does with links what the others do.
  Deno.removeSync(join(tree, "directory", "link"));

  await requires("plink").step(t, {
    name: "PuTTY's plink and psftp, with wsproxy as the local proxy command",
    fn: async () => {
      const key = here("key.ppk");
      await succeed("puttygen", [world.key, "-O", "private", "-o", key]);
      const options = [
        ...["-batch", "-noagent", "-i", key, "-hostkey", fingerprint, "-l", username],
        ...["-proxycmd", world.proxyCommand(announced.id)],
      ];
      // PuTTY uses no proxy for localhost.
      const input = Deno.readFileSync(big);
      const plink = await run("plink", [...options, "job", "cat; echo err >&2; exit 7"], {
        env,
        input,
      });
      assert.equal(plink.code, 7, plink.stderr);
      assert.match(plink.stderr, /err/);
      assert.deepEqual(plink.bytes, input);
      const batch = local.write(
        "batch",
        "put big psftp\nget psftp psftp\nput -r tree psftp-tree\nget -r psftp-tree psftp-tree\n" +
          "mkdir made\nmv psftp made/moved\nchmod 600 made/moved\nls made\nrm psftp-tree/file-0\n",
      );
      const psftp = await succeed("psftp", [...options, "-b", batch, "job"], {
        cwd: local.path,
        env,
      });
      assert.match(psftp.stdout, /^-rw------- .* 5000000 .* moved\r?$/m);
      await assertSameFile(here("psftp"), big);
      await assertSameFile(there("made", "moved"), big);
      await assertSameTree(here("psftp-tree"), tree, { modes: false, times: false });
      // A wrong pin must end it.
      const wrong = `SHA256:${"A".repeat(43)}`;
      const pinned = options.map((option) => option === fingerprint ? wrong : option);
      assert.notEqual((await run("plink", [...pinned, "job", "true"], { env })).code, 0);
    },
  });

  await requires("plink").step(t, {
    name: "PuTTY through the jump host: plink in front of plink, and as PuTTY's proxy",
    fn: async () => {
      const key = here("key.ppk");
      await succeed("puttygen", [world.key, "-O", "private", "-o", key]);
      const input = Deno.readFileSync(big);
      const command = "cat; exit 7";
      const before = `plink -batch -noagent -P ${jump.port} -hostkey ${jump.fingerprint} ` +
        "-nc %host:%port ann@127.0.0.1";
      const behind = ["-batch", "-noagent", "-i", key, "-hostkey", fingerprint];
      const sessions = {
        jump: [
          ...["HostName=127.0.0.1", `PortNumber=${jump.port}`, "UserName=ann"],
          `SSHManualHostKeys=${jump.fingerprint}`,
        ],
        job: [
          ...[`HostName=${announced.id}`, "PortNumber=22", `UserName=${username}`],
          ...["ProxyMethod=6", "ProxyHost=jump", `ProxyPort=${jump.port}`],
          ...[`PublicKeyFile=${key}`, `SSHManualHostKeys=${fingerprint}`],
        ],
      };
      Deno.mkdirSync(here(".putty/sessions"), { recursive: true });
      for (const [name, lines] of Object.entries(sessions)) {
        local.write(`.putty/sessions/${name}`, ["Protocol=ssh", ...lines, ""].join("\n"));
      }
      for (
        const args of [
          [...behind, "-proxycmd", before, `${username}@${announced.id}`, command],
          ["-batch", "-noagent", "-load", "job", command],
        ]
      ) {
        const { code, bytes, stderr } = await run("plink", args, { env, input });
        assert.equal(code, 7, stderr);
        assert.deepEqual(bytes, input);
      }
      const session = ["-batch", "-noagent", "-load", "jump", "true"];
      const refused = await run("plink", session, { env });
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /this host leads to agents only|refused/i);
    },
  });

  await requires("dbclient").step(t, {
    name: "Dropbear's dbclient, with wsproxy as its proxy command",
    fn: async () => {
      const key = here("key.dropbear");
      await succeed("dropbearconvert", ["openssh", "dropbear", world.key, key]);
      Deno.mkdirSync(here(".ssh"));
      local.write(".ssh/known_hosts", `localhost ${announced.hostKey}\n`);
      const options = ["-i", key, "-J", world.proxyCommand(announced.id), `${username}@localhost`];
      const input = Deno.readFileSync(big);
      const result = await run("dbclient", [...options, "cat; echo err >&2; exit 7"], {
        env,
        input,
      });
      assert.equal(result.code, 7, result.stderr);
      assert.match(result.stderr, /err/);
      assert.deepEqual(result.bytes, input);
    },
  });

  await requires("curl").step(t, {
    name: "curl on sftp://, through tunnel",
    // Some builds of curl do not know the scheme.
    ignore: !/\bsftp\b/.test((await run("sh", ["-c", "curl --version"])).stdout),
    fn: async () => {
      const url = `sftp://${username}@127.0.0.1:${port}`;
      const curl = (...args: string[]) =>
        run("curl", [
          ...["-sS", "--key", world.key, "--pubkey", `${world.key}.pub`],
          ...["--hostpubsha256", fingerprint.replace("SHA256:", ""), ...args],
        ]);
      const sent = await curl("-T", big, `${url}/~/curl`);
      assert.equal(sent.code, 0, sent.stderr);
      await assertSameFile(there("curl"), big);
      const got = await curl("-o", here("curl"), `${url}${there("curl")}`);
      assert.equal(got.code, 0, got.stderr);
      await assertSameFile(here("curl"), big);
      const part = await curl("-r", "1000000-1000999", `${url}/~/curl`);
      assert.deepEqual(part.bytes, Deno.readFileSync(big).subarray(1_000_000, 1_001_000));
      const list = await curl("-l", "-Q", "rename curl renamed", `${url}/~/`);
      assert.match(list.stdout, /^renamed$/m, list.stderr);
      assert.equal((await curl(`${url}/~/missing`)).code, 78);
    },
  });

  await requires("lftp").step(t, {
    name: "lftp mirrors directories both ways",
    fn: async () => {
      const config = writeSshConfig(world, announced);
      await succeed("lftp", [
        "-c",
        `set sftp:connect-program "ssh -a -x -F ${config}"; set net:max-retries 1
         open sftp://${username}:@job
         mirror -R --no-perms ${tree} lftp-tree && mirror --no-perms lftp-tree ${here("lftp-tree")}
         pget -n 3 ${there("lftp-tree", "file-1000000")} -o ${here("lftp-parts")}
         rm lftp-tree/file-0 && mv lftp-tree/file-1 lftp-tree/moved`,
      ], { env });
      await assertSameTree(here("lftp-tree"), tree, { modes: false });
      await assertSameFile(here("lftp-parts"), join(tree, "file-1000000"));
      await assertSameFile(there("lftp-tree", "moved"), join(tree, "file-1"));
    },
  });
});
