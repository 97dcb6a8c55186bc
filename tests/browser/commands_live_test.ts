/** The commands that the usage page writes, run as they stand: they give a shell. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { Terminal } from "../support/terminal.ts";
import { openBrowser, openPage, startPageServer } from "./support.ts";
import { makeHome, writePrograms } from "../support/home.ts";
import { inHome } from "../support/passwd_home.ts";

const test = requires("chromium", "ssh", "unshare");

for (const local of ["wsproxy", "setup", "tunnel"]) {
  test({
    name: `the commands that the form writes give a shell and files: ${local}`,
    async fn() {
      await using files = new TempDir();
      writePrograms(files);
      await using home = new TempDir();
      const { env, key, config } = await makeHome(home);
      /** The shell command; after setup, as a person whose ~/.ssh the real ssh reads. */
      const shell = (command: string): [string, string[]] =>
        local === "setup"
          ? inHome(home.path, ["env", `PATH=${Deno.env.get("PATH")}`, "sh", "-c", command])
          : ["sh", ["-c", command]];
      if (local === "setup") {
        Deno.mkdirSync(join(home.path, ".ssh"), { mode: 0o700 });
        home.write(".ssh/config", config.replace(/^UserKnownHostsFile.*\n/m, ""));
      }
      await using job = new TempDir();
      await using server = await startPageServer({ staticDir: files.path });
      const blocks = new Map<string, string>();
      {
        await using browser = await openBrowser();
        await using watched = await openPage(browser, server);
        const { page } = watched;
        await page.goto(`${server.url}/usage`);
        await page.getByLabel("Public keys").fill(key);
        await page.getByRole("button", { name: "Generate" }).click();
        await page.locator("#local").selectOption(local);
        for (const figure of await page.locator("#commands figure").all()) {
          const title = await figure.locator("figcaption").innerText();
          blocks.set(title, await figure.locator("code").textContent() ?? "");
        }
      }
      const block = (pattern: RegExp) => [...blocks].find(([title]) => pattern.test(title))![1];
      await using agent = new Program("sh", ["-e", "-c", block(/job/)], { cwd: job.path });
      const [, id] = block(/job/).match(/--id (\S+)/)!;
      await server.logged("agent registered", { id });

      const once = block(/^Once/);
      const fetched = await run("sh", ["-e", "-c", once], { cwd: home.path, env });
      assert.equal(fetched.code, 0, fetched.stderr);
      const setPath = once.split("\n").at(-1);
      // Another run may have the port of the page's example, so the tunnel takes a free one.
      let port = "0";
      const inShell = (command: string) => `${setPath}\n${command.replaceAll("10000", port)}`;
      await using stack = new AsyncDisposableStack();
      if (local === "tunnel") {
        const tunnel = new Program("sh", ["-c", inShell(`exec ${block(/the tunnel/)}`)], { env });
        port = (await stack.use(tunnel).waitFor(/listening on .*:(\d+)/))[1]!;
      }
      await using terminal = new Terminal(...shell(inShell(block(/shell$/))), { env });
      await terminal.waitFor(/fingerprint is SHA256:[\s\S]*\? $/);
      terminal.write("yes\r");
      await terminal.waitFor(/[$#] $/);
      terminal.write("echo $((6 * 7)) > answer; pwd\r");
      await terminal.waitFor(new RegExp(`${job.path}\\r\\n`));
      const options = { env, cwd: home.path };
      await using sftp = new Terminal(...shell(inShell(block(/files$/i))), options);
      if (local !== "setup") {
        await sftp.waitFor(/\[fingerprint\]\)\? $/);
        sftp.write("yes\r");
      }
      await sftp.waitFor(/sftp> $/);
      sftp.write("get answer\rbye\r");
      assert.equal(await sftp.exited, 0, sftp.output);
      assert.equal(Deno.readTextFileSync(join(home.path, "answer")), "42\n");
      terminal.write("exit 7\r");
      assert.equal(await terminal.exited, 7, terminal.output);
      assert.equal((await agent.result()).code, 0);
    },
  });
}
