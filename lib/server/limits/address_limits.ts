/** How much one address may ask of the server; docs/operate says what for. */
import { networkOf } from "../../text/ip_address.ts";
import type { Refusal } from "../rendezvous/types.ts";

/** How many addresses are remembered; the one that was quiet longest is forgotten first. */
const MAX_ADDRESSES = 50_000;
/** How many connections of agents may be waiting for their first message. */
const MAX_UNREGISTERED = 500;
/** How many wrong tokens cost nothing. */
const FREE_FAILURES = 20;
/** After this long without a wrong token they are forgotten, in milliseconds. */
const FORGIVEN_MS = 600_000;
/** The longest lockout: a registered agent whose connection is lost keeps its ID for longer. */
const MAX_LOCKOUT_MS = 30_000;

const MINUTE = 60_000;

/** What one address has done. */
interface AddressRecord {
  /** What is left of each limit a minute, and since when it has been filling up. */
  connections: Bucket;
  registrations: Bucket;
  unregistered: number;
  failures: number;
  failedAt: number;
  lockedUntil: number;
}

interface Bucket {
  left: number;
  at: number;
}

export interface AddressLimitsOptions {
  /** Websockets a minute; 0: any number. */
  maxConnectionsPerMinute: number;
  /** Registrations of agents a minute; 0: any number. */
  maxRegistrationsPerMinute: number;
  /** In milliseconds. @default performance.now */
  now?: () => number;
}

function refusal(label: Refusal["label"], reason: string): Refusal {
  return { label, reason, status: 503 };
}

/** Limits for each address; of IPv6 for each network of 64 bits, which one person has. */
export class AddressLimits {
  readonly #options: AddressLimitsOptions;
  readonly #now: () => number;
  readonly #records = new Map<string, AddressRecord>();

  constructor(options: AddressLimitsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#records.size;
  }

  /** A websocket is asked for. */
  connect(address: string): Refusal | undefined {
    const { maxConnectionsPerMinute: limit } = this.#options;
    if (this.#take(this.#record(address).connections, limit)) return undefined;
    const reason = `more than ${limit} connections a minute from one address: try again soon`;
    return refusal("too-many-connections", reason);
  }

  /**
   * A connection of an agent waits for its first message.
   *
   * @returns what to call when it waits no more, or why it must not
   */
  awaitHello(address: string): (() => void) | Refusal {
    const record = this.#record(address);
    if (record.unregistered >= MAX_UNREGISTERED) {
      const reason = `${MAX_UNREGISTERED} connections from one address wait to register: ` +
        "try again soon";
      return refusal("too-many-unregistered", reason);
    }
    record.unregistered++;
    return () => void record.unregistered--;
  }

  /** An agent wants to register. */
  register(address: string): Refusal | undefined {
    const { maxRegistrationsPerMinute: limit } = this.#options;
    const record = this.#record(address);
    const left = record.lockedUntil - this.#now();
    if (left > 0) {
      const seconds = Math.ceil(left / 1_000);
      return refusal("locked-out", `too many wrong tokens: try again in ${seconds} seconds`);
    }
    if (this.#take(record.registrations, limit)) return undefined;
    const reason = `more than ${limit} registrations a minute from one address: try again soon`;
    return refusal("too-many-registrations", reason);
  }

  /** An agent has shown a wrong token. From the 21st on the address is locked out, ever longer. */
  failed(address: string): void {
    const record = this.#record(address);
    const now = this.#now();
    if (now - record.failedAt >= FORGIVEN_MS) record.failures = 0;
    record.failedAt = now;
    const paid = ++record.failures - FREE_FAILURES;
    if (paid > 0) record.lockedUntil = now + Math.min(1_000 * 2 ** (paid - 1), MAX_LOCKOUT_MS);
  }

  #record(address: string): AddressRecord {
    const key = networkOf(address);
    const now = this.#now();
    const record = this.#records.get(key) ?? {
      connections: { left: this.#options.maxConnectionsPerMinute, at: now },
      registrations: { left: this.#options.maxRegistrationsPerMinute, at: now },
      unregistered: 0,
      failures: 0,
      failedAt: now,
      lockedUntil: 0,
    };
    // The last in the map is the one that was heard of last.
    this.#records.delete(key);
    this.#records.set(key, record);
    if (this.#records.size > MAX_ADDRESSES) {
      const [oldest] = this.#records.keys();
      this.#records.delete(oldest!);
    }
    return record;
  }

  /** Takes one of `limit` a minute, if there is one left. */
  #take(bucket: Bucket, limit: number): boolean {
    if (limit === 0) return true;
    const now = this.#now();
    bucket.left = Math.min(limit, bucket.left + (now - bucket.at) * limit / MINUTE);
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }
}
