/**
 * How an agent in the background that has no pipes to the program that started it tells that program
 * of its registration: on a connection to a port of 127.0.0.1, which begins with a secret.
 *
 * @module
 */
import { accepted } from "../../wire/accept.ts";
import { sameSecret } from "../../wire/same_secret.ts";
import { writeAll } from "../../wire/raw_connection.ts";

/** How long the secret is, in characters. */
const SECRET_LENGTH = 64;

/** Where to report, as the value of a variable. */
export type Home = `${number} ${string}`;

/** The program that waits for a report. */
export class ReportListener implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #secret = crypto.getRandomValues(new Uint8Array(SECRET_LENGTH / 2)).toHex();

  get home(): Home {
    return `${this.#listener.addr.port} ${this.#secret}`;
  }

  /** Resolves to the first connection with the secret; undefined when it is disposed before. */
  async report(): Promise<Deno.TcpConn | undefined> {
    const { promise, resolve } = Promise.withResolvers<Deno.TcpConn | undefined>();
    const check = async (connection: Deno.TcpConn) => {
      const isOurs = sameSecret(await readSecret(connection), this.#secret);
      if (isOurs) resolve(connection);
      else connection.close();
    };
    const listen = async () => {
      // One that stays silent keeps nobody else from reporting.
      for await (const connection of accepted(this.#listener, { onError: () => {} })) {
        void check(connection);
      }
      resolve(undefined);
    };
    void listen();
    return await promise;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

async function readSecret(connection: Deno.TcpConn): Promise<string> {
  const bytes = new Uint8Array(SECRET_LENGTH);
  let length = 0;
  while (length < SECRET_LENGTH) {
    const count = await connection.read(bytes.subarray(length)).catch(() => null);
    if (count === null) break;
    length += count;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** The agent's end of that. */
export class Reporter implements AsyncDisposable {
  readonly #connection: Deno.TcpConn;
  #writing = Promise.resolve();

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** @throws {Error} if nobody listens */
  static async connect(home: Home): Promise<Reporter> {
    const [port, secret] = home.split(" ");
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const reporter = new Reporter(connection);
    reporter.print(secret!);
    return reporter;
  }

  print(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#writing = this.#writing.then(() => writeAll(this.#connection, bytes)).catch(() => {});
  }

  /** Sends what was printed and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    this.#connection.close();
  }
}
