/** Why a connection could not be opened, in words for a person; the causes come as the system's. */

/** What rustls says of a certificate, and what it means here; the first that matches counts. */
const CERTIFICATE_FAILURES: [RegExp, string][] = [
  [
    /UnknownIssuer|BadSignature/,
    "nobody known issued it; --ca-file trusts one more issuer, --insecure anybody",
  ],
  [
    /CaUsedAsEndEntity/,
    "it is that of an issuer itself; make one with basicConstraints=CA:FALSE, or use --insecure",
  ],
  [/not valid yet|NotValidYet/i, "it is not valid yet; is the clock right?"],
  [/expired/i, "it has expired"],
  [/not valid for name/i, "it is for another name"],
];

/** The reason of a failed connection, without the system's numbers. */
export function connectFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  if (error instanceof Deno.errors.TimedOut) return "connection timed out";
  if (/received corrupt message/.test(error.message)) {
    return "the server does not speak TLS there; is it ws: instead of wss:?";
  }
  const certificate = /invalid peer certificate: (.*)/s.exec(error.message)?.[1];
  if (certificate !== undefined) {
    const known = CERTIFICATE_FAILURES.find(([pattern]) => pattern.test(certificate));
    const why = known === undefined ? certificate : known[1];
    return `the server's certificate is not trusted: ${why}`;
  }
  return error.message.replace(/ \(os error \d+\)$/, "");
}
