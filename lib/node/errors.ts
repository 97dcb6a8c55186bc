/** Errors of Node as Deno has them: the programs tell them apart by class and by message. */

class AddrInUse extends Error {}
class AddrNotAvailable extends Error {}
class BadResource extends Error {}
class BrokenPipe extends Error {}
class ConnectionRefused extends Error {}
class PermissionDenied extends Error {}
class TimedOut extends Error {}

/** `Deno.errors`, as far as wsproxy and tunnel look at it. */
export const errors = {
  AddrInUse,
  AddrNotAvailable,
  BadResource,
  BrokenPipe,
  ConnectionRefused,
  PermissionDenied,
  TimedOut,
};

const CLASSES: Record<string, new (message: string, options: ErrorOptions) => Error> = {
  EACCES: PermissionDenied,
  EADDRINUSE: AddrInUse,
  EADDRNOTAVAIL: AddrNotAvailable,
  ECONNREFUSED: ConnectionRefused,
  EPIPE: BrokenPipe,
  ETIMEDOUT: TimedOut,
};

/** What rustls, the TLS library of Deno, says where OpenSSL gives this code. */
const CERTIFICATE_FAILURES: Record<string, string> = {
  CERT_HAS_EXPIRED: "certificate expired",
  CERT_NOT_YET_VALID: "certificate not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "UnknownIssuer",
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate not valid for name",
  SELF_SIGNED_CERT_IN_CHAIN: "UnknownIssuer",
  UNABLE_TO_GET_ISSUER_CERT: "UnknownIssuer",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "UnknownIssuer",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "UnknownIssuer",
};

/** The error that Deno would give; one that has no counterpart stays as it is. */
export function denoError(cause: Error): Error {
  const { code = "" } = cause as NodeJS.ErrnoException;
  const known = CLASSES[code];
  if (known !== undefined) return new known(cause.message, { cause });
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new Error("failed to lookup address information", { cause });
  }
  const certificate = CERTIFICATE_FAILURES[code];
  if (certificate === undefined) return cause;
  return new Error(`invalid peer certificate: ${certificate}`, { cause });
}
