/** OpenSSH's sftp against the server on Windows, or what Wine makes of that. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run, TempDir } from "../../support/program.ts";
import { requires } from "../../support/requires.ts";
import { windowsDeno, WineDirectory } from "../../support/wine.ts";
import { ROOT } from "../../support/root.ts";

const SERVER = "tests/ssh/sftp/stdio_server.ts";
const name = "sftp copies, lists and changes files on Windows";

requires("ssh", "wine")(name, async () => {
  await using directory = await WineDirectory.create();
  await directory.add(await windowsDeno());
  const sources = readdirSync(join(ROOT, "lib/ssh/sftp"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).map((name) => `lib/ssh/sftp/${name}`);
  for (
    const file of [
      ...sources,
      "lib/ssh/connection/handler.ts",
      "lib/ssh/protocol/wire_format.ts",
      "lib/text/byte_text.ts",
      SERVER,
    ]
  ) {
    await directory.add(join(ROOT, file), file);
  }
  await using local = new TempDir();
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  const up = local.write("up", content);
  const down = join(local.path, "down");
  const batch = local.write(
    "batch",
    [
      "pwd",
      "mkdir directory",
      `put -p ${up} directory/file`,
      "rename directory/file directory/änder",
      "ls -l directory",
      "ln directory/änder directory/second",
      `get directory/second ${down}`,
      "rm directory/second",
      "df",
      "-chown 5 directory/änder",
      "cd /",
      "pwd",
      "ls -1",
      "cd /C:",
      "pwd",
      "cd ..",
      "pwd",
    ].join("\n"),
  );
  const [program, args] = directory.command(
    "./deno.exe",
    ["run", "-A", "--no-check", "--no-config", SERVER],
  );
  const { code, stdout, stderr } = await run(
    "sftp",
    ["-b", batch, "-D", [program, ...args].join(" ")],
    { env: { LC_ALL: "C.UTF-8" } },
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(Deno.readFileSync(down), content);
  assert.deepEqual(Deno.readFileSync(join(directory.path, "directory", "änder")), content);
  const shown = directory.windowsPath.replaceAll("\\", "/");
  const directories = [...stdout.matchAll(/^Remote working directory: (.*)$/gm)];
  assert.deepEqual(directories.map(([, path]) => path), [`/${shown}`, "/", "/C:/", "/"]);
  assert.match(stdout, /^-rw-rw-rw- .* 60000 .* directory\/änder$/m);
  assert.match(stdout, /^C:\nZ:$/m);
  assert.match(stderr, /Operation unsupported/);
});
