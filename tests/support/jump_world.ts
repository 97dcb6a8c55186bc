/** A rendez-vous server that is a jump host, and people who come that way. */
import { type ProgramOptions, type ProgramResult, run } from "./program.ts";
import { type Announced, World } from "./world.ts";

/** A world whose server is a jump host, too. */
export class JumpWorld implements AsyncDisposable {
  private constructor(readonly world: World, readonly port: number, readonly fingerprint: string) {}

  static async start(args: string[] = [], env?: Record<string, string>): Promise<JumpWorld> {
    const world = await World.start(["--ssh-port", "0", ...args], env);
    const pattern = /"event":"listening for ssh".*"port":(\d+),"fingerprint":"([^"]+)"/;
    const [, port, fingerprint] = await world.server.waitFor(pattern);
    return new JumpWorld(world, Number(port), fingerprint!);
  }

  /** A config file in which `jump` is the jump host and `job` the agent. */
  config({ id, username, hostKey }: Announced, more: string[] = []): string {
    const lines = [
      ...more,
      ...["Host *", "IdentityAgent none", "BatchMode yes", "LogLevel ERROR"],
      ...["Host jump", "HostName 127.0.0.1", `Port ${this.port}`, "User ann"],
      ...["StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"],
      ...["Host job", `HostName ${id}`, "ProxyJump jump", `User ${username}`],
      ...[`IdentityFile ${this.world.key}`, "IdentitiesOnly yes", `HostKeyAlias ${id}`],
      ...["UserKnownHostsFile /dev/null", "StrictHostKeyChecking yes"],
      `KnownHostsCommand /bin/echo ${id} ${hostKey}`,
    ];
    return this.world.home.write(`config-${crypto.randomUUID()}`, lines.join("\n") + "\n");
  }

  ssh(agent: Announced, args: string[], options?: ProgramOptions): Promise<ProgramResult> {
    return run("ssh", ["-F", this.config(agent), ...args], options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}
