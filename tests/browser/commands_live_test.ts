/** The commands that the usage page writes, run as they stand: they give a shell. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Program, run, TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { Terminal } from "../support/terminal.ts";
import { openBrowser, openPage, startPageServer } from "./support.ts";
import { makeHome, writeChecksums, writePrograms } from "../support/home.ts";
import { inHome } from "../support/passwd_home.ts";

const test = requires("chromium", "ssh", "unshare", "curl");

/** The titles of the blocks: what to run once, what to leave running, a shell, files. */
interface Way {
  once?: string;
  tunnel?: string;
  shell: string;
  /** Missing: what the shell's command is with sftp in place of ssh. */
  files?: string;
}

const WAYS: Record<string, Way> = {
  setup: {
    once: "On your computer, once: install wsproxy and set up this server",
    shell: "On your computer: a shell",
  },
  jump: { shell: "Or with nothing installed" },
  wsproxy: {
    once: "Once: download wsproxy",
    shell: "A shell, by wsproxy",
    files: "Files, by wsproxy",
  },
  tunnel: {
    once: "Once: download tunnel",
    tunnel: "The tunnel; keep it running",
    shell: "A shell, by the tunnel",
    files: "Files, by the tunnel",
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  test({
    name: `the commands that the form writes give a shell and files: ${name}`,
    async fn() {
      await using files = new TempDir();
      writePrograms(files);
      writeChecksums(files, ["wsproxy", "tunnel"]);
      await using home = new TempDir();
      const { env, key, config } = await makeHome(home);
      // Installed as for a person who is not root.
      home.write("id", "#!/bin/sh\necho 1000\n", 0o755);
      /** A command of a shell; after setup, of a person whose ~/.ssh the real ssh reads. */
      const shell = (command: string): [string, string[]] =>
        name === "setup"
          ? inHome(
            home.path,
            ["env", `PATH=${home.path}/.local/bin:${Deno.env.get("PATH")}`]
              .concat(["sh", "-c", command]),
          )
          : ["sh", ["-c", command]];
      if (name === "setup") {
        Deno.mkdirSync(join(home.path, ".ssh"), { mode: 0o700 });
        home.write(".ssh/config", config.replace(/^UserKnownHostsFile.*\n/m, ""));
      }
      await using job = new TempDir();
      await using server = await startPageServer({ staticDir: files.path, sshPort: 0 });
      const blocks = new Map<string, string>();
      {
        await using browser = await openBrowser();
        await using watched = await openPage(browser, server);
        const { page } = watched;
        await page.goto(`${server.url}/usage`);
        await page.getByLabel("Public keys").fill(key);
        await page.getByRole("button", { name: "Generate" }).click();
        for (const figure of await page.locator("#commands figure").all()) {
          const title = await figure.locator("figcaption").textContent() ?? "";
          blocks.set(title, await figure.locator("code").textContent() ?? "");
        }
      }
      const block = (title: string) => blocks.get(title) ?? assert.fail(`no block ${title}`);
      await using agent = new Program("sh", ["-e", "-c", block("In the job")], { cwd: job.path });
      const [, id] = block("In the job").match(/--id (\S+)/)!;
      await server.logged("agent registered", { id });

      let setPath = "";
      if (way.once !== undefined) {
        const once = block(way.once);
        const fetched = await run("sh", ["-e", "-c", once], { cwd: home.path, env });
        assert.equal(fetched.code, 0, fetched.stderr);
        setPath = /^export PATH.*$/m.exec(once)?.[0] ?? "";
      }
      // Another run may have the port of the page's example, so the tunnel takes a free one.
      let port = "0";
      const inShell = (command: string) => `${setPath}\n${command.replaceAll("10000", port)}`;
      await using stack = new AsyncDisposableStack();
      if (way.tunnel !== undefined) {
        const tunnel = new Program("sh", ["-c", inShell(`exec ${block(way.tunnel)}`)], { env });
        port = (await stack.use(tunnel).waitFor(/listening on .*:(\d+)/))[1]!;
      }
      await using terminal = new Terminal(...shell(inShell(block(way.shell))), { env });
      // The jump host's key comes first.
      for (let keys = name === "jump" ? 2 : 1; keys > 0; keys--) {
        await terminal.waitFor(/fingerprint is SHA256:[\s\S]*\? $/);
        terminal.write("yes\r");
      }
      await terminal.waitFor(/[$#] $/);
      terminal.write("echo $((6 * 7)) > answer; pwd\r");
      await terminal.waitFor(new RegExp(`${job.path}\\r\\n`));
      const options = { env, cwd: home.path };
      const command = way.files === undefined
        ? block(way.shell).replace(/^ssh/, "sftp")
        : block(way.files);
      await using sftp = new Terminal(...shell(inShell(command)), options);
      if (name !== "setup") {
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
