/** The commands that people paste, given to the real ssh and sshd. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type LoginCommands,
  loginCommands,
  type LoginTarget,
} from "../../../../templates/assets/shared/login_commands.js";
import { run, TempDir } from "../../../support/program.ts";
import { requires } from "../../../support/requires.ts";
import { WineDirectory } from "../../../support/wine.ts";

const test = requires("ssh", "sshd");
const ID = "job-1.a_b";

/** A key pair; returns the public key without its comment. */
async function makeKey(path: string, type = "ed25519"): Promise<string> {
  await run("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", path]);
  return Deno.readTextFileSync(`${path}.pub`).trim();
}

/** A directory with an sshd that `wsproxy`, a stand-in first on PATH, connects to. */
class Host implements AsyncDisposable {
  readonly dir = new TempDir();
  readonly username = Deno.env.get("USER") ?? "root";
  hostKey = "";
  otherKey = "";

  static async make(): Promise<Host> {
    const host = new Host();
    const { dir } = host;
    const sshd = "/usr/sbin/sshd";
    await Deno.mkdir("/run/sshd", { recursive: true }).catch(() => {});
    host.hostKey = await makeKey(join(dir.path, "host"));
    host.otherKey = await makeKey(join(dir.path, "other"));
    await makeKey(join(dir.path, "other_ecdsa"), "ecdsa");
    dir.write("authorized_keys", await makeKey(join(dir.path, "user")));
    dir.write(
      "sshd_config",
      [
        `HostKey ${dir.path}/host`,
        `AuthorizedKeysFile ${dir.path}/authorized_keys`,
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin yes",
        "PidFile none",
        "Subsystem sftp internal-sftp",
      ].join("\n"),
    );
    host.serve(`exec ${sshd} -i -f ${dir.path}/sshd_config`);
    return host;
  }

  /** Makes `wsproxy` run a command. */
  serve(command: string): void {
    const script = `#!/bin/sh\necho "$@" >> "$0.log"\n${command}\n`;
    this.dir.write("wsproxy", script, 0o700);
  }

  /** Makes sshd use another host key. */
  useHostKey(name: string): void {
    const path = join(this.dir.path, "sshd_config");
    const text = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, text.replace(/^HostKey .*/, `HostKey ${this.dir.path}/${name}`));
  }

  /** What `wsproxy` was started with. */
  get proxied(): string {
    return Deno.readTextFileSync(join(this.dir.path, "wsproxy.log"));
  }

  commands(changes: Partial<LoginTarget> = {}, computer?: "windows"): LoginCommands {
    return loginCommands({
      alias: ID,
      username: this.username,
      url: `wss://example.org/client/${ID}`,
      hostKey: this.hostKey,
      ...changes,
    }, computer);
  }

  /** Types a command of ours in sh, without a terminal that ssh could ask at. */
  async type(command: string, after = "", input = "") {
    const own = `-F ${this.dir.path}/ssh_config -oIdentitiesOnly=yes -i ${this.dir.path}/user`;
    const typed = command.replace(/^(ssh|sftp) /, `$1 ${own} `) + after;
    return await run("setsid", ["-w", "sh", "-c", typed], {
      cwd: this.dir.path,
      env: { PATH: `${this.dir.path}:${Deno.env.get("PATH")}` },
      input,
    });
  }

  /** What is in the person's own ssh_config. */
  configure(...lines: string[]): void {
    this.dir.write("ssh_config", lines.map((line) => `${line}\n`).join(""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
  }
}

async function makeHost(): Promise<Host> {
  const host = await Host.make();
  host.configure();
  return host;
}

test({
  name: "loginCommands() let ssh and sftp in at the first connection without a question",
  async fn() {
    await using host = await makeHost();
    const { ssh, sftp } = host.commands();
    const shell = await host.type(ssh, " echo in");
    assert.equal(shell.stdout, "in\n", shell.stderr);
    assert.equal(shell.stderr, "", "nothing is asked, nothing is said");
    const files = await host.type(sftp, "", `ls ${host.dir.path}/sshd_config\n`);
    assert.match(files.stdout, /\/sshd_config *\n/, files.stdout + files.stderr);
    assert.equal(host.proxied, `wss://example.org/client/${ID}\n`.repeat(2));
  },
});

test({
  name: "loginCommands() do not let another host key pass, of the same kind or not",
  async fn() {
    await using host = await makeHost();
    for (const name of ["other", "other_ecdsa"]) {
      host.useHostKey(name);
      const { code, stdout, stderr } = await host.type(host.commands().ssh, " echo in");
      assert.equal(code, 255);
      assert.equal(stdout, "");
      assert.match(stderr, /host key/i);
    }
  },
});

test({
  name: "loginCommands() work although the person's known_hosts has another key for the ID",
  async fn() {
    await using host = await makeHost();
    const old = host.dir.write("known_hosts", `${ID},localhost ${host.otherKey}\n`);
    host.configure(`UserKnownHostsFile ${old}`, "StrictHostKeyChecking no");
    const { ssh } = host.commands();
    const { stdout, stderr } = await host.type(ssh, " echo in");
    assert.equal(stdout, "in\n", stderr);
    // The old key must not count either.
    host.useHostKey("other");
    assert.equal((await host.type(ssh, " echo in")).code, 255);
  },
});

test({
  name: "loginCommands() as an entry of ssh_config",
  async fn() {
    await using host = await makeHost();
    host.configure(...host.commands().sshConfig);
    const { stdout, stderr } = await host.type(`ssh ${ID}`, " echo in");
    assert.equal(stdout, "in\n", stderr);
    host.useHostKey("other");
    assert.equal((await host.type(`ssh ${ID}`, " echo in")).code, 255);
  },
});

test({
  name: "loginCommands() through the port of a tunnel",
  async fn() {
    await using host = await makeHost();
    const { tunnel } = host.commands();
    assert.equal(tunnel.tunnel, `tunnel 10000 wss://example.org/client/${ID}`);
    // The stand-in connects instead of the port.
    host.configure("ProxyCommand wsproxy %h:%p");
    const { stdout, stderr } = await host.type(tunnel.ssh, " echo in");
    assert.equal(stdout, "in\n", stderr);
    await host.type(tunnel.sftp, "", "pwd\n");
    assert.equal(host.proxied, "localhost:10000\n".repeat(2));
  },
});

test({
  name: "loginCommands() for Windows pin the key in a file",
  async fn() {
    await using host = await makeHost();
    const windows = host.commands({}, "windows");
    const [, file, line] = windows.writeHostKey!.match(/^cmd \/c ">(\S+) echo ([^"]+)"$/)!;
    host.dir.write(file!, `${line}\r\n`);
    const { stdout, stderr } = await host.type(windows.ssh, " echo in");
    assert.equal(stdout, "in\n", stderr);
    host.useHostKey("other");
    assert.equal((await host.type(windows.ssh, " echo in")).code, 255);
  },
});

requires("wine")({
  name: "loginCommands() for Windows write the key with cmd",
  async fn() {
    await using dir = await WineDirectory.create();
    // A key may end with a digit, which cmd takes for a handle when a redirection follows.
    const hostKey = "ssh-ed25519 AAAA+/1";
    const target = { alias: ID, username: "u", url: "ws://h/client/i", hostKey };
    const [, typed] = loginCommands(target, "windows").writeHostKey!.match(/^cmd \/c "(.*)"$/)!;
    const [program, args] = dir.command("cmd", ["/c", typed!]);
    // Wine's services outlive the command and would keep pipes open.
    const child = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).spawn();
    assert.equal((await child.status).code, 0);
    const file = join(dir.path, `${ID}.known_hosts`);
    assert.equal(Deno.readTextFileSync(file), `${ID} ${hostKey}\r\n`);
  },
});

test({
  name: "loginCommands() hand over a URL with signs that shells and ssh expand",
  async fn() {
    await using host = await makeHost();
    const url = `wss://example.org/a%20b/$HOME/it's;&%h(x)/client/${ID}`;
    const { ssh, sshConfig } = host.commands({ url });
    const { stdout, stderr } = await host.type(ssh, " echo in");
    assert.equal(stdout, "in\n", stderr);
    host.configure(...sshConfig);
    assert.equal((await host.type(`ssh ${ID}`, " echo in")).stdout, "in\n");
    assert.equal(host.proxied, `${url}\n`.repeat(2));
  },
});

test({
  name: "loginCommands() do not take a username for an option",
  async fn() {
    await using host = await makeHost();
    const username = "-oProxyCommand=touch forged;";
    await host.type(host.commands({ username }).ssh, " echo in");
    assert.throws(() => Deno.statSync(join(host.dir.path, "forged")), Deno.errors.NotFound);
    await host.type(host.commands({ username: "a b$(touch forged)" }).ssh, " echo in");
    assert.throws(() => Deno.statSync(join(host.dir.path, "forged")), Deno.errors.NotFound);
  },
});
