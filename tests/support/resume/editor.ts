import assert from "node:assert/strict";
import { join } from "node:path";
import { assertSameFile, randomBytes, succeed } from "../clients.ts";
import { EDITOR_SERVER, installScript, startScript } from "../editor_scripts.ts";
import { Program, TempDir } from "../program.ts";
import { freePort } from "../sshd.ts";

/**
 * Starts an editor's server in the job as VS Code does, in one connection, and ends it.
 *
 * @param config a file in which `job` is the agent
 * @param home the agent's directory
 * @param meanwhile called between the steps
 */
export async function runEditor(
  config: string,
  home: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  await using local = new TempDir();
  local.write("server.ts", EDITOR_SERVER);
  const control = ["-F", config, `-oControlPath=${join(local.path, "control")}`];
  const socks = freePort();
  await using session = new Program("ssh", [
    ...["-T", ...control, "-M", "-D", `127.0.0.1:${socks}`, "job", "bash"],
  ], { interactive: true });
  const marker = crypto.randomUUID();
  await session.write(installScript(marker));
  await session.waitFor(new RegExp(`${marker}: running`));
  await meanwhile();
  await session.waitFor(/directory==made==/);
  await session.waitFor(new RegExp(`home==${home}==`));

  const sftp = (input: string) =>
    succeed("sftp", [...control, "-b", "-", "job"], { cwd: local.path, input });
  const file = local.write("file", randomBytes(3_000_000));
  await Promise.all([
    sftp("put server.ts .editor/bin/server.ts\nput file editor-file\n"),
    meanwhile(),
  ]);
  await session.write(startScript(marker));
  await meanwhile();
  const [, port] = await session.waitFor(/listeningOn==(\d+)==/);
  await session.waitFor(new RegExp(`${marker}: end`));
  await Promise.all([
    ...Array.from({ length: 4 }, async () => {
      const proxy = ["--socks5-hostname", `127.0.0.1:${socks}`];
      const { stdout } = await succeed("curl", ["-sS", ...proxy, `http://127.0.0.1:${port}/`]);
      assert.equal(stdout, "hello from the editor's server");
    }),
    sftp("get editor-file file-back\n"),
    meanwhile(),
  ]);
  await assertSameFile(join(local.path, "file-back"), file);
  await session.closeInput();
  await session.waitFor(new RegExp(`${marker}: gone`));
  assert.equal((await session.result()).code, 0);
}
