/** An SSH client that can send anything. */
import ssh2, { type Client } from "ssh2";
import type { TestSshServer } from "./ssh.ts";
import { ALGORITHMS, sendPacket } from "./ssh2_internals.ts";

/** A client that is logged in. */
export class RawClient implements AsyncDisposable {
  readonly client: Client;
  readonly #ended = Promise.withResolvers<void>();

  private constructor() {
    this.client = new ssh2.Client();
    this.client.on("close", () => this.#ended.resolve());
    this.client.on("error", () => {});
  }

  static async connect(server: TestSshServer): Promise<RawClient> {
    const raw = new RawClient();
    const ready = new Promise<void>((resolve, reject) => {
      raw.client.on("ready", () => resolve()).on("error", reject);
    });
    raw.client.connect({
      host: "127.0.0.1",
      port: server.port,
      username: "ann",
      privateKey: Deno.readTextFileSync(server.key),
      // Our server knows OpenSSH's extensions, too.
      strictVendor: false,
      algorithms: ALGORITHMS,
    });
    await ready;
    return raw;
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Sends one packet as it is. */
  send(payload: Uint8Array): void {
    sendPacket(this.client, payload);
  }

  /** Runs a command. @returns its output and its exit status or signal */
  exec(
    command: string,
    then?: (stream: ssh2.ClientChannel) => void,
    onStderr?: (text: string) => void,
  ): Promise<{ output: string; code?: number; signal?: string }> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, (error, stream) => {
        if (error) return reject(error);
        let output = "";
        let ended: { code?: number; signal?: string } = {};
        stream.on("data", (data: Uint8Array) => {
          output += new TextDecoder().decode(data);
          then?.(stream);
          then = undefined;
        });
        stream.stderr.on("data", (data: Uint8Array) => onStderr?.(new TextDecoder().decode(data)));
        stream.on("exit", (code: number | null, signal?: string) => {
          ended = code === null ? { signal } : { code };
        });
        stream.on("close", () => resolve({ output, ...ended }));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.end();
    await this.#ended.promise;
  }
}
