const CA_STORE = "DENO_TLS_CA_STORE";

/**
 * Starts TLS on a connection, trusting the authorities that the machine trusts as well as the
 * public ones that are built into Deno, unless `DENO_TLS_CA_STORE` chooses otherwise.
 *
 * Deno looks at that variable when TLS is first used, and keeps what it has read then. It is taken
 * back at once, so that no program started later sees it.
 *
 * @throws {Error} before the handshake only if the hostname is invalid
 */
export async function startTls(
  conn: Deno.TcpConn,
  options: Deno.StartTlsOptions,
): Promise<Deno.TlsConn> {
  if (Deno.env.get(CA_STORE) !== undefined) return await Deno.startTls(conn, options);
  let starting: Promise<Deno.TlsConn>;
  Deno.env.set(CA_STORE, "system,mozilla");
  try {
    starting = Deno.startTls(conn, options);
  } finally {
    Deno.env.delete(CA_STORE);
  }
  try {
    return await starting;
  } catch (error) {
    // A machine without certificates of its own fails before the connection is touched.
    return await Deno.startTls(conn, options).catch(() => {
      throw error;
    });
  }
}
