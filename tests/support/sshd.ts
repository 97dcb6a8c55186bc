/** OpenSSH's own server, on a free port of loopback, as the peer to compare with. */
import { join } from "node:path";
import { Program, run, TempDir } from "./program.ts";

/** A port that nothing listens on at the moment. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A running sshd; leaving its scope ends it. */
export class Sshd implements AsyncDisposable {
  private constructor(
    readonly program: Program,
    readonly port: number,
    readonly hostKey: string,
    readonly dir: TempDir,
  ) {}

  /** @param publicKey who may log in, as the user who runs this */
  static async start(publicKey: string): Promise<Sshd> {
    const dir = new TempDir();
    const hostKey = join(dir.path, "host");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
    const port = freePort();
    const config = dir.write(
      "sshd_config",
      [
        `ListenAddress 127.0.0.1:${port}`,
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${dir.write("keys", publicKey)}`,
        `PidFile none`,
        "StrictModes no",
        "PermitRootLogin yes",
        "UsePAM no",
        "MaxStartups 100",
        "Subsystem sftp internal-sftp",
        "",
      ].join("\n"),
    );
    // Where sshd's unprivileged half lives; Debian makes it when the service starts.
    await Deno.mkdir("/run/sshd", { recursive: true });
    const program = new Program("/usr/sbin/sshd", ["-D", "-e", "-f", config]);
    await program.waitFor(/Server listening/);
    const key = Deno.readTextFileSync(`${hostKey}.pub`).split(" ").slice(0, 2).join(" ");
    return new Sshd(program, port, key, dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}
