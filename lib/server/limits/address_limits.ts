/** How much one address may ask of the server; docs/operate says what for. */
import { type IpRange, isInRanges, networkOf } from "../../text/ip_address.ts";
import type { Refusal } from "../rendezvous/types.ts";
import { WrongSecrets } from "./wrong_secrets.ts";

/** How many addresses are remembered; the one that was quiet longest is forgotten first. */
const MAX_ADDRESSES = 50_000;
/** How many connections of agents may be waiting for their first message. */
const MAX_UNREGISTERED = 500;
const MINUTE = 60_000;

/** What one address has done. */
interface AddressRecord {
  /** What is left of each limit a minute, and since when it has been filling up. */
  connections: Bucket;
  registrations: Bucket;
  unregistered: number;
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
  /** Addresses without limits. @default none */
  exempt?: IpRange[];
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
  readonly #wrongTokens: WrongSecrets;
  readonly #records = new Map<string, AddressRecord>();

  constructor(options: AddressLimitsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#wrongTokens = new WrongSecrets(options);
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#records.size;
  }

  /** A websocket is asked for. */
  connect(address: string): Refusal | undefined {
    const { maxConnectionsPerMinute: limit } = this.#options;
    if (this.#isExempt(address) || this.#take(this.#record(address).connections, limit)) {
      return undefined;
    }
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
    if (record.unregistered >= MAX_UNREGISTERED && !this.#isExempt(address)) {
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
    const seconds = this.#wrongTokens.lockedOut(address);
    if (seconds > 0) {
      return refusal("locked-out", `too many wrong tokens: try again in ${seconds} seconds`);
    }
    if (this.#isExempt(address) || this.#take(this.#record(address).registrations, limit)) {
      return undefined;
    }
    const reason = `more than ${limit} registrations a minute from one address: try again soon`;
    return refusal("too-many-registrations", reason);
  }

  /** An agent has shown a wrong token. */
  failed(address: string): void {
    this.#wrongTokens.failed(address);
  }

  #isExempt(address: string): boolean {
    return isInRanges(address, this.#options.exempt ?? []);
  }

  #record(address: string): AddressRecord {
    const key = networkOf(address);
    const now = this.#now();
    const record = this.#records.get(key) ?? {
      connections: { left: this.#options.maxConnectionsPerMinute, at: now },
      registrations: { left: this.#options.maxRegistrationsPerMinute, at: now },
      unregistered: 0,
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
