import { delay } from "../../wire/delay.ts";
import { sameSecret } from "../../wire/same_secret.ts";
import { textResponse } from "./http.ts";

/** The user name of the administrator. */
const ADMIN = "admin";

export interface AdminLockOptions {
  /** Resolves when a wrong password has cost enough time. @default after a second */
  delay?: () => Promise<unknown>;
  /** How many wrong ones may be waiting at a time; more are turned down at once. @default 20 */
  maxWaiting?: number;
}

/** The response for a request that is not let in. */
export interface Locked {
  status: 401 | 429;
  headers: Record<string, string>;
}

/** Reads HTTP Basic credentials (RFC 7617), if any. */
function credentials(request: Request): { name: string; password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(request.headers.get("authorization") ?? "");
  if (!match) return undefined;
  try {
    const text = new TextDecoder().decode(Uint8Array.fromBase64(match[1]!));
    const colon = text.indexOf(":");
    return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
  } catch {
    return undefined;
  }
}

/**
 * Asks for the administrator's password where there is one. Comparing tells nothing by its time, a
 * wrong password costs time, and only a few can be tried at once.
 */
export class AdminLock {
  readonly #password: string | undefined;
  readonly #delay: () => Promise<unknown>;
  readonly #maxWaiting: number;
  #waiting = 0;

  /** @param password without one, everyone is let in */
  constructor(password: string | undefined, options: AdminLockOptions = {}) {
    this.#password = password;
    this.#delay = options.delay ?? (() => delay(1000));
    this.#maxWaiting = options.maxWaiting ?? 20;
  }

  /** Whether everyone is let in. */
  get open(): boolean {
    return this.#password === undefined;
  }

  /** Checks a request; undefined lets it in. */
  async check(request: Request): Promise<Locked | undefined> {
    if (this.#password === undefined) return undefined;
    const challenge = { "www-authenticate": 'Basic realm="Converge", charset="UTF-8"' };
    const given = credentials(request);
    if (given === undefined) return { status: 401, headers: challenge };
    // Both are always compared.
    const nameFits = sameSecret(given.name, ADMIN);
    if (sameSecret(given.password, this.#password) && nameFits) return undefined;
    if (this.#waiting >= this.#maxWaiting) return { status: 429, headers: { "retry-after": "5" } };
    this.#waiting++;
    try {
      await this.#delay();
    } finally {
      this.#waiting--;
    }
    return { status: 401, headers: challenge };
  }

  /** Answers a program's request with `answer`, or refuses it with a line of text. */
  async guard(request: Request, answer: () => Response | Promise<Response>): Promise<Response> {
    const locked = await this.check(request);
    if (locked === undefined) return await answer();
    const { status, headers } = locked;
    const reason = status === 401
      ? "log in as admin with the administrator's password"
      : "too many wrong passwords: try again in a few seconds";
    return textResponse(status, reason, headers);
  }
}
