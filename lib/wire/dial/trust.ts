import { statSync } from "node:fs";

/** Where Deno finds authorities, and a file of authorities that replaces the system's (OpenSSL's). */
const CA_STORE = "DENO_TLS_CA_STORE", CA_FILE = "SSL_CERT_FILE";

/**
 * Starts TLS on a connection, trusting the authorities that the machine trusts as well as the
 * public ones that are built into Deno, unless `DENO_TLS_CA_STORE` chooses otherwise.
 *
 * Deno looks at that variable when TLS is first used, and keeps what it has read then. It is taken
 * back at once, so that no program started later sees it. So is `SSL_CERT_FILE` if there is no such
 * file: Deno's executables would not start TLS at all.
 *
 * @throws {Error} before the handshake only if the hostname is invalid
 */
export async function startTls(
  conn: Deno.TcpConn,
  options: Deno.StartTlsOptions,
): Promise<Deno.TlsConn> {
  const changes: Record<string, string | undefined> = {};
  if (Deno.env.get(CA_STORE) === undefined) changes[CA_STORE] = "system,mozilla";
  if (isMissing(Deno.env.get(CA_FILE))) changes[CA_FILE] = undefined;
  try {
    return await withEnvironment(changes, () => Deno.startTls(conn, options));
  } catch (error) {
    // A machine without certificates of its own fails before the connection is touched.
    return await Deno.startTls(conn, options).catch(() => {
      throw error;
    });
  }
}

/** Calls `start` in a changed environment; undefined takes a variable away. */
function withEnvironment<T>(changes: Record<string, string | undefined>, start: () => T): T {
  const before = Object.keys(changes).map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  try {
    for (const [name, value] of Object.entries(changes)) set(name, value);
    return start();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

/** Whether a variable names a file that certainly does not exist. */
function isMissing(path: string | undefined): boolean {
  if (path === undefined) return false;
  // Without the permission to read, Deno would ask the person for it.
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  try {
    return !statSync(path).isFile();
  } catch {
    return true;
  }
}
