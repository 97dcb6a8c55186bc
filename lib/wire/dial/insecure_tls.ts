/**
 * TLS that trusts any certificate, for `--insecure`. Deno's own API has no such thing; node:tls
 * has, but on Deno 2.7 only over a TCP connection that it opens itself. So it gets one, to this
 * program, where its bytes are put on the connection that is there.
 */

import type { RawConnection } from "../raw_connection.ts";
import { pipe } from "../pipe.ts";
import { tcpStream } from "../tcp_stream.ts";

/**
 * Starts TLS on a connection without looking at the certificate.
 *
 * @throws {Error} if the other end does not speak TLS
 */
export async function startInsecureTls(
  conn: Deno.TcpConn,
  hostname: string,
): Promise<RawConnection> {
  // Loaded only when needed: it would double the time that wsproxy takes to start.
  const [{ connect }, { isIP }] = await Promise.all([import("node:tls"), import("node:net")]);
  // With Node it is a promise.
  using listener = await Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tls = connect({
    host: "127.0.0.1",
    port: listener.addr.port,
    servername: isIP(hostname) === 0 ? hostname : "",
    rejectUnauthorized: false,
  });
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  // Kept for good: an error that nobody waits for must not end the program.
  let failure: Error | undefined;
  tls.on("error", (error: Error) => {
    failure ??= error;
    ready.reject(error);
  });
  tls.once(
    "close",
    () => ready.reject(new Error("the connection was closed before TLS had started")),
  );
  tls.once("secureConnect", ready.resolve);
  // Why the connection broke shows at the end of TLS.
  void pipe(tcpStream(await listener.accept()), tcpStream(conn)).catch(() => {});
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
        tls.write(bytes, (error) => error ? reject(failure ?? error) : resolve(bytes.length));
      }),
    close: () => void tls.destroy(),
  };
}
