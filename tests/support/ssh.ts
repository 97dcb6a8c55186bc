/** An SSH server in the tests' own process, and OpenSSH's client for it. */
import { join } from "node:path";
import { createLog } from "../../lib/log/log.ts";
import type { AuthenticationOptions } from "../../lib/ssh/login/authentication.ts";
import { generateHostKey } from "../../lib/ssh/keys/host_key.ts";
import { SshServer, type SshServerOptions } from "../../lib/ssh/server.ts";
import type { ByteStream } from "../../lib/wire/byte_stream.ts";
import { tcpStream } from "../../lib/wire/tcp_stream.ts";
import { Program, type ProgramOptions, type ProgramResult, run, TempDir } from "./program.ts";
import { Terminal, type TerminalOptions } from "./terminal.ts";

/** What a test wants otherwise. */
export type TestServerOptions = Partial<Omit<SshServerOptions, "session">> & {
  authentication?: Partial<AuthenticationOptions>;
  session?: Partial<SshServerOptions["session"]> & { env?: Record<string, string> };
};

/** Makes a key pair without a passphrase. @returns the private key's path */
export async function makeKey(
  dir: TempDir,
  name: string,
  args: string[] = ["-t", "ed25519"],
): Promise<string> {
  const path = join(dir.path, name);
  const keygen = ["-q", "-N", "", "-C", `${name}@example.org`, "-f", path, ...args];
  const { code, stderr } = await run("ssh-keygen", keygen);
  if (code !== 0) throw new Error(stderr);
  return path;
}

/** A server on a free port; leaving its scope ends it. The user is "ann", her key is authorized. */
export class TestSshServer implements AsyncDisposable {
  readonly dir = new TempDir();
  /** Where sessions start. */
  readonly home = new TempDir();
  readonly hostKey = generateHostKey();
  readonly lines: string[] = [];
  authentication!: AuthenticationOptions;
  env!: Record<string, string>;
  key!: string;
  server!: SshServer;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = new Set<Promise<void>>();
  readonly #controller = new AbortController();
  #logged = Promise.withResolvers<void>();
  #accepting!: Promise<void>;

  private constructor() {}

  static async start(options: TestServerOptions = {}): Promise<TestSshServer> {
    const test = new TestSshServer();
    test.key = await makeKey(test.dir, "key");
    test.authorize(await Deno.readTextFile(`${test.key}.pub`));
    test.authentication = {
      username: "ann",
      authorizedKeysFile: test.authorizedKeys,
      ...options.authentication,
    };
    test.server = new SshServer({
      hostKeys: [test.hostKey],
      log: createLog({ level: "debug", write: (line) => test.#log(line) }),
      // No client is too slow for a test, even if this machine stood still meanwhile.
      loginGraceMs: 24 * 3_600_000,
      ...options,
      session: {
        cwd: test.home.path,
        shell: { file: "/bin/bash", kind: "sh" },
        ...options.session,
      },
    });
    test.env = { PATH: Deno.env.get("PATH")!, HOME: test.home.path, ...options.session?.env };
    test.home.write(".bashrc", "PS1='ready> '\n");
    test.home.write(".inputrc", "set enable-bracketed-paste off\n");
    test.dir.write("known_hosts", `[127.0.0.1]:${test.port} ${test.hostKey.publicLine}\n`);
    test.#accepting = test.#accept();
    return test;
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  get authorizedKeys(): string {
    return join(this.dir.path, "authorized_keys");
  }

  /** Replaces the file of keys. */
  authorize(content: string | Uint8Array): void {
    this.dir.write("authorized_keys", content);
  }

  /** Arguments of ssh up to the host. */
  args(...more: string[]): string[] {
    const options = {
      Port: this.port,
      User: "ann",
      ...more.includes("-i") ? {} : { IdentityFile: this.key },
      IdentitiesOnly: "yes",
      UserKnownHostsFile: join(this.dir.path, "known_hosts"),
      StrictHostKeyChecking: "yes",
      BatchMode: "yes",
    };
    const listed = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    // The first value of an option counts.
    return ["-F", "none", ...more, ...listed, "127.0.0.1"];
  }

  /** Runs ssh to its end. */
  ssh(options: string[], command: string[], program?: ProgramOptions): Promise<ProgramResult> {
    return run("ssh", [...this.args(...options), ...command], program);
  }

  /** Starts ssh. */
  start(options: string[], command: string[], program?: ProgramOptions): Program {
    return new Program("ssh", [...this.args(...options), ...command], program);
  }

  /** Starts ssh in a terminal. */
  terminal(options: string[], command: string[], terminal?: TerminalOptions): Terminal {
    return new Terminal("ssh", [...this.args(...options), ...command], terminal);
  }

  /** Resolves once a line of the log matches. */
  async logged(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.lines.find((line) => pattern.test(line));
      if (line) return line;
      await this.#logged.promise;
    }
  }

  /** Resolves once a connection, counted from 1, has ended, with all that it started. */
  async ended(connection: number): Promise<void> {
    await this.logged(new RegExp(` connection ended connection=${connection} `));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort();
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#serving);
    await this.dir[Symbol.asyncDispose]();
    await this.home[Symbol.asyncDispose]();
  }

  /** Serves a client on a stream of the test's own. */
  serve(stream: ByteStream, address: string, signal?: AbortSignal): Promise<void> {
    const { authentication, env } = this;
    return this.server.serve(stream, { peer: { address }, authentication, env: () => env }, signal);
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) {
      const { hostname } = conn.remoteAddr as Deno.NetAddr;
      const served = this.serve(tcpStream(conn), hostname, this.#controller.signal)
        .finally(() => this.#serving.delete(served));
      this.#serving.add(served);
    }
  }

  #log(line: string): void {
    this.lines.push(line);
    this.#logged.resolve();
    this.#logged = Promise.withResolvers();
  }
}
