import assert from "node:assert/strict";
import { type Program, type ProgramResult, startEntry, TempDir } from "./program.ts";
import type { Announced, World } from "./world.ts";

/** A directory with agents in the background; leaving its scope ends them. */
export class DetachedAgent implements AsyncDisposable {
  readonly dir = new TempDir();

  constructor(readonly world: World, authorizedKeys = world.publicKey) {
    this.dir.write(".authorized_keys", authorizedKeys);
  }

  /** Runs `agent --detach` to its end. */
  detach(args: string[] = [], env?: Record<string, string>): Promise<ProgramResult> {
    return this.run(["--detach", "--shell", "/bin/bash", ...args, this.world.url], env);
  }

  /** Runs `agent --detach --json`, which must succeed. */
  async announced(args: string[] = []): Promise<Announced> {
    const { code, stdout, stderr } = await this.detach(["--json", ...args]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  /** Runs the agent's program in the directory to its end. */
  async run(args: string[], env?: Record<string, string>): Promise<ProgramResult> {
    await using program = this.start(args, env);
    return await program.result();
  }

  start(args: string[], env?: Record<string, string>): Program {
    return startEntry("agent.ts", args, { cwd: this.dir.path, env });
  }

  /** What `agent status --json` prints. */
  async status(): Promise<{ id: string; pid: number; mode: string; shells: number }> {
    const { code, stdout, stderr } = await this.run(["status", "--json"]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  get log(): string {
    return Deno.readTextFileSync(`${this.dir.path}/.converge/agent.log`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let ids: string[] | undefined;
    do {
      const { code, stderr } = await this.run(ids ? ["stop", "--id", ids[0]!] : ["stop"]);
      if (code === 0) break;
      ids = stderr.match(/cannot choose an agent in "[^"]*": there are (.*?);/)?.[1]?.split(", ");
    } while (ids);
    await this.dir[Symbol.asyncDispose]();
  }
}
