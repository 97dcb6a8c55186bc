import type { Log } from "../../log/log.ts";
import { RepeatedLines } from "../../log/repeated_lines.ts";
import { formatDuration } from "../../../templates/assets/shared/format.js";
import { Penalties } from "../../limits/penalties.ts";
import { type IpRange, networkOf } from "../../text/ip_address.ts";
import { Startups } from "./startups.ts";

/** What a source is charged for, in milliseconds. */
const CHARGES = {
  /** A wrong password or signature. */
  failure: 2_000,
  /** A connection that ended without a login. */
  noLogin: 1_000,
  /** A connection that did not log in in time. */
  timeout: 10_000,
  /** A login, which cancels mistakes. */
  login: -10_000,
} as const;

/** With two minutes' charges a source is locked out, for ten minutes at most, in milliseconds. */
const PENALTIES = { lockOutMs: 120_000, mostMs: 600_000 };

export interface AdmissionOptions {
  log: Log;
  startups?: Startups;
  penalties?: Penalties;
  /** Addresses that are never locked out. @default none */
  exempt?: IpRange[];
  /** A clock that never jumps, in milliseconds. */
  now?: () => number;
}

/** A client that may try to log in. */
export interface Admitted {
  /** Charges a wrong password or signature. @returns how long to wait before the answer, in ms */
  failed(): number;
  /** The client has logged in. */
  succeeded(): void;
  /** The client needs no place here: whether it may log in is asked elsewhere, or need not be. */
  released(): void;
  /** The connection has ended, logged in or not. */
  ended(how: "timeout" | "disconnect"): void;
}

/** Decides which clients may try to log in, by their sources: an IPv4 address, or an IPv6 /64. */
export class Admission {
  readonly #log: Log;
  readonly #startups: Startups;
  readonly #penalties: Penalties;
  readonly #refusals: RepeatedLines;

  constructor(options: AdmissionOptions) {
    const { log, now = () => performance.now() } = options;
    this.#log = log;
    this.#startups = options.startups ?? new Startups();
    this.#penalties = options.penalties ??
      new Penalties({ ...PENALTIES, exempt: options.exempt, now });
    this.#refusals = new RepeatedLines(log, now);
  }

  /** @param drop disconnects the client if its place is needed */
  admit(address: string, drop: () => void): Admitted | { refused: string } {
    const lockedOut = this.#penalties.lockedOut(address);
    if (lockedOut > 0) {
      const wait = formatDuration(lockedOut);
      return this.#refuse(address, `too many failed logins from ${address}; try again in ${wait}`);
    }
    const leave = this.#startups.enter(networkOf(address), drop);
    if (!leave) return this.#refuse(address, "too many clients are logging in; try again later");
    const charge = (charged: keyof typeof CHARGES) => {
      if (!this.#penalties.charge(address, CHARGES[charged])) return;
      const duration = formatDuration(this.#penalties.lockedOut(address));
      this.#log.warn("address locked out", { address, duration });
    };
    let loggedIn = false;
    return {
      failed: () => {
        charge("failure");
        return this.#penalties.delay(address);
      },
      succeeded: () => {
        loggedIn = true;
        leave();
        charge("login");
      },
      released: leave,
      ended: (how) => {
        leave();
        if (!loggedIn) charge(how === "timeout" ? "timeout" : "noLogin");
      },
    };
  }

  #refuse(address: string, refused: string): { refused: string } {
    this.#refusals.warn(networkOf(address), "connection refused", { address }, { reason: refused });
    return { refused };
  }
}
