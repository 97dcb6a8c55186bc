import { sameSecret } from "../../wire/same_secret.ts";
import { WrongSecrets } from "../limits/wrong_secrets.ts";
import { textResponse } from "./http.ts";

/** The user name of the administrator. */
const ADMIN = "admin";

/** The response for a request that is not let in. */
export interface Locked {
  /** 401 or 429. */
  status: number;
  headers: Record<string, string>;
}

/** Reads HTTP Basic credentials (RFC 7617), if any. */
function credentials(request: Request): { name: string; password: string } | undefined {
  const header = request.headers.get("authorization") ?? "";
  const [, base64 = ""] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header) ?? [];
  try {
    const text = new TextDecoder().decode(Uint8Array.fromBase64(base64));
    const colon = text.indexOf(":");
    return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
  } catch {
    return undefined;
  }
}

/**
 * Asks for the administrator's password where there is one. Comparing tells nothing by its time,
 * and an address that tries many is locked out for a while.
 */
export class AdminLock {
  readonly #password: string | undefined;
  readonly #wrongPasswords: WrongSecrets;

  /** @param password without one, everyone is let in */
  constructor(password: string | undefined, wrongPasswords = new WrongSecrets()) {
    this.#password = password;
    this.#wrongPasswords = wrongPasswords;
  }

  /** Whether everyone is let in. */
  get open(): boolean {
    return this.#password === undefined;
  }

  /**
   * Checks a request; undefined lets it in.
   *
   * @param address where it comes from
   */
  check(request: Request, address: string): Locked | undefined {
    if (this.#password === undefined) return undefined;
    const challenge = { "www-authenticate": 'Basic realm="Converge", charset="UTF-8"' };
    const given = credentials(request);
    if (given === undefined) return { status: 401, headers: challenge };
    const seconds = this.#wrongPasswords.lockedOut(address);
    if (seconds > 0) return { status: 429, headers: { "retry-after": `${seconds}` } };
    // Both are always compared.
    const nameFits = sameSecret(given.name, ADMIN);
    if (sameSecret(given.password, this.#password) && nameFits) return undefined;
    this.#wrongPasswords.failed(address);
    return { status: 401, headers: challenge };
  }

  /** Answers a program's request with `answer`, or refuses it with a line of text. */
  async guard(
    request: Request,
    address: string,
    answer: () => Response | Promise<Response>,
  ): Promise<Response> {
    const locked = this.check(request, address);
    if (locked === undefined) return await answer();
    const { status, headers } = locked;
    const reason = status === 401
      ? "log in as admin with the administrator's password"
      : `too many wrong passwords: try again in ${headers["retry-after"]} seconds`;
    return textResponse(status, reason, headers);
  }
}
