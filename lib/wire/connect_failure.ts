/** Why a connection could not be opened, in words for a person; the causes come as the system's. */

const NOT_TRUSTED = "the server's certificate is not trusted";

/** What rustls says, and what it means here; the first that matches counts. */
const TLS_FAILURES: [RegExp, string][] = [
  [
    /UnknownIssuer/,
    `${NOT_TRUSTED}: nobody known issued it; --ca-file trusts one more issuer, --insecure anybody`,
  ],
  [
    /CaUsedAsEndEntity/,
    `${NOT_TRUSTED}: it is that of an issuer itself; make one with basicConstraints=CA:FALSE`,
  ],
  [/Expired/i, `${NOT_TRUSTED}: it has expired`],
  [/NotValidYet|not valid yet/i, `${NOT_TRUSTED}: it is not valid yet; is the clock right?`],
  [/not valid for name/i, `${NOT_TRUSTED}: it is for another name`],
  [/invalid peer certificate/, NOT_TRUSTED],
  [/received corrupt message/, "the server does not speak TLS there; is it ws: instead of wss:?"],
];

/** The reason of a failed connection, without the system's numbers. */
export function connectFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Deno.errors.ConnectionRefused) return "connection refused";
  if (error instanceof Deno.errors.TimedOut) return "connection timed out";
  const known = TLS_FAILURES.find(([pattern]) => pattern.test(error.message));
  if (known !== undefined) {
    const detail = /not valid for name.*|Expired.*/i.exec(error.message)?.[0];
    return known[1] + (detail === undefined ? "" : ` (${detail})`);
  }
  return error.message.replace(/ \(os error \d+\)$/, "");
}
