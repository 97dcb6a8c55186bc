import { errorMessage } from "../text/error_message.ts";

/** What to do about a port or an address that cannot be had, for a person. */
export interface ListenHints {
  port: string;
  host: string;
}

/** Why a program cannot listen, and what to do about it. */
export function listenFailure(error: unknown, hints: ListenHints): string {
  if (error instanceof Deno.errors.AddrInUse) return `the port is in use; ${hints.port}`;
  if (error instanceof Deno.errors.PermissionDenied) {
    return "permission denied; ports below 1024 are for root";
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `this machine has no such address; ${hints.host}`;
  }
  const message = errorMessage(error);
  return /lookup|resolve|name/i.test(message) ? `there is no such host; ${hints.host}` : message;
}
