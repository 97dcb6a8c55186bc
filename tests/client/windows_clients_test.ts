/** wsproxy and tunnel for Windows, under Wine: an ssh client that uses them as people do there. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { serveStatic } from "../../lib/server/http/static_files.ts";
import { builtDist } from "../support/dist.ts";
import { Program, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { startTestServer } from "../support/server.ts";
import { WineDirectory } from "../support/wine.ts";
import { World } from "../support/world.ts";

const test = requires("ssh", "wine");

const name = "wsproxy.exe and tunnel.exe lead ssh to an agent under Wine";

test(name, async (t) => {
  await using world = await World.start();
  await using directory = await WineDirectory.create();
  const dist = await builtDist();
  for (const program of ["wsproxy.exe", "tunnel.exe"]) await directory.add(join(dist, program));
  const agent = await world.startAgent({ args: ["--hold"] }).announced();
  const url = `${world.url}/client/${agent.id}`;
  const bytes = new Uint8Array(randomBytes(1_000_000));

  /** Every byte in both directions, the end of the input, and the status. */
  const useSsh = async (...options: string[]) => {
    const result = await world.ssh(agent, [...options, "cat; exit 7"], { input: bytes });
    assert.equal(result.code, 7, result.stderr);
    assert.deepEqual(result.bytes, bytes);
  };

  await t.step("wsproxy", async () => {
    const [command, args] = directory.command("./wsproxy.exe", [url]);
    await useSsh(`-oProxyCommand=${[command, ...args].join(" ")}`);
  });

  await t.step("wsproxy tells why the server refuses it, and ends with 1", async () => {
    const nobody = `${world.url}/client/nobody`;
    await using program = new Program(...directory.command("./wsproxy.exe", [nobody]));
    const { code, stdout, stderr } = await program.result();
    assert.deepEqual([code, stdout], [1, ""]);
    // Wine at times adds a line of its own, on a thread that it lost at the end.
    assert.match(stderr, /^wsproxy: .*nobody.*\r?\n(wine: .*\n)*$/);
  });

  await t.step("tunnel", async () => {
    await using tunnel = new Program(...directory.command("./tunnel.exe", ["0", url]));
    const [, port] = await tunnel.waitFor(/listening on 127\.0\.0\.1:(\d+)/);
    await useSsh("-oProxyCommand=none", `-oPort=${port}`);
    await useSsh("-oProxyCommand=none", `-oPort=${port}`);
  });
});

test("wsproxy.exe sets itself up, replaces itself while it runs, and undoes it all", async () => {
  await using directory = await WineDirectory.create();
  await directory.add(join(await builtDist(), "wsproxy.exe"), "downloads/wsproxy.exe");
  await using files = new TempDir();
  const sum = createHash("sha256").update("another program").digest("hex");
  files.write("wsproxy.exe", "another program");
  files.write("SHA256SUMS", `${sum}  wsproxy.exe\n`);
  await using server = await startTestServer({}, {
    pages: () => Response.json({ username: "converge" }),
    staticFiles: (request, name) => serveStatic(request, name, { dirs: [files.path] }),
  });
  const home = directory.windowsPath;
  // Wine sets these two itself when a program starts.
  const lines = [`set USERPROFILE=${home}`, `set LOCALAPPDATA=${home}\\local`, "%*"];
  Deno.writeTextFileSync(
    join(directory.path, "home.bat"),
    `@echo off\r\n${lines.join("\r\n")}\r\n`,
  );
  const wsproxy = async (program: string, ...args: string[]) => {
    const path = program.replace(".", home).replaceAll("/", "\\");
    await using running = new Program(
      ...directory.command("cmd", ["/c", "home.bat", path, ...args]),
    );
    const { code, stdout, stderr } = await running.result();
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const installed = join(directory.path, "local/Programs/Converge/wsproxy.exe");
  const read = (name: string) => Deno.readTextFileSync(join(directory.path, name));

  const said = await wsproxy("./downloads/wsproxy.exe", "setup", server.url);
  assert.match(said, /\\local\\Programs\\Converge\\wsproxy\.exe: copied\r?\n/);
  assert.match(said, /is not in PATH; .*in PowerShell:/);
  assert.equal(read(".ssh/config"), "Include converge/config\n");
  const program = `${home}\\local\\Programs\\Converge\\wsproxy.exe`;
  assert.ok(
    read(".ssh/converge/config").includes(
      `ProxyCommand ${program} --known-hosts ${home}\\.ssh\\converge\\known_hosts -- ` +
        `${server.ws} %n\n`,
    ),
    read(".ssh/converge/config"),
  );
  const run = "./local/Programs/Converge/wsproxy.exe";
  assert.match(await wsproxy(run, "setup", server.url), /wsproxy\.exe: unchanged\r?\n/);
  assert.match(await wsproxy("./downloads/wsproxy.exe", "setup", "--undo"), /: removed/);
  assert.deepEqual([...Deno.readDirSync(directory.path)].map(({ name }) => name).sort(), [
    "downloads",
    "home.bat",
  ]);

  await wsproxy("./downloads/wsproxy.exe", "setup", server.url);
  assert.match(await wsproxy(run, "update"), /wsproxy\.exe: updated, from /);
  assert.equal(Deno.readTextFileSync(installed), "another program");
});
