/** Why a connection could not be opened, for people; the causes are the system's. */

/** What rustls says of a certificate, and what it means here; the first that matches counts. */
const CERTIFICATE_FAILURES: [RegExp, string][] = [
  [
    /UnknownIssuer|BadSignature/,
    "its issuer is unknown; trust it with --ca-file, or any certificate with --insecure",
  ],
  [
    /CaUsedAsEndEntity/,
    "it is an issuer's own; make one with basicConstraints=CA:FALSE, or use --insecure",
  ],
  [/not valid yet|NotValidYet/i, "it is not valid yet; check this machine's clock"],
  [/expired/i, "it has expired"],
  [/not valid for name/i, "it is for another name"],
];

/** Failures that the same connection would have again: a wrong name, certificate or protocol. */
const LASTING = [
  /^failed to lookup address(?!.*temporary)/is,
  /invalid peer certificate/,
  /received corrupt message|wrong version number/,
  /^the server speaks TLS/,
  /^the answer is not /,
];

/** Whether it makes no sense to try again soon. */
export function isLastingFailure(error: unknown): boolean {
  return error instanceof Error && LASTING.some((pattern) => pattern.test(error.message));
}

/** The reason of a failed connection, without the system's numbers. */
export function connectFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "connection refused; check the port, and that the server runs";
  }
  if (error instanceof Deno.errors.TimedOut) {
    return "connection timed out; a firewall may block it";
  }
  if (/^failed to lookup address/.test(error.message)) return "no such host; check the name";
  // rustls says the one, OpenSSL the other.
  if (/received corrupt message|wrong version number/.test(error.message)) {
    return "the server does not speak TLS on this port; try ws: or http:";
  }
  const certificate = /invalid peer certificate: (.*)/s.exec(error.message)?.[1];
  if (certificate !== undefined) {
    const known = CERTIFICATE_FAILURES.find(([pattern]) => pattern.test(certificate));
    const why = known === undefined ? certificate : known[1];
    return `the server's certificate is not trusted: ${why}`;
  }
  return error.message.replace(/ \(os error \d+\)$/, "");
}
