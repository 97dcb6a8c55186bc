/** TLS that trusts any certificate, for `--insecure`; Deno's own API has no such thing. */

import type { Transport } from "./http_upgrade.ts";

/**
 * Starts TLS on a connection without looking at the certificate.
 *
 * @throws {Error} if the other end does not speak TLS
 */
export async function startInsecureTls(
  conn: Deno.TcpConn,
  hostname: string,
): Promise<Transport> {
  // Loaded only when needed: it would double the time that wsproxy takes to start.
  const [{ connect }, { Duplex }, { isIP }] = await Promise.all([
    import("node:tls"),
    import("node:stream"),
    import("node:net"),
  ]);
  const buffer = new Uint8Array(65_536);
  const socket = new Duplex({
    read() {
      conn.read(buffer).then(
        (count) => this.push(count === null ? null : buffer.slice(0, count)),
        (error) => this.destroy(error),
      );
    },
    write(bytes: Uint8Array, _encoding, done) {
      const writeAll = async () => {
        for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
      };
      writeAll().then(() => done(), done);
    },
    destroy(error, done) {
      try {
        conn.close();
      } catch {
        // It is closed already.
      }
      done(error);
    },
  });
  const servername = isIP(hostname) === 0 ? hostname : undefined;
  const tls = connect({ socket, servername, rejectUnauthorized: false });
  const ready = Promise.withResolvers<void>();
  tls.once("secureConnect", ready.resolve);
  // Kept for good: an error that nobody waits for must not end the program.
  tls.on("error", ready.reject);
  tls.once("close", () => ready.reject(new Error("it was closed before TLS had started")));
  socket.on("error", ready.reject);
  await ready.promise;

  const chunks: AsyncIterator<Uint8Array> = tls[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async read(into) {
      while (rest.length === 0) {
        const { done, value } = await chunks.next();
        if (done) return null;
        rest = value;
      }
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        tls.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
      }),
    close() {
      tls.destroy();
      socket.destroy();
    },
  };
}
