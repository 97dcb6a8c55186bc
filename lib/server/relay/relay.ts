import {
  CloseCode,
  type DrainingMessage,
  EOF_FRAME,
  MAX_PAIR_MESSAGE_LENGTH,
  MESSAGE_COST,
  PLAIN_FRAME,
} from "../../protocol/messages.ts";
import type { Backlog } from "./backlog.ts";
import { FlowReports } from "./flow_reports.ts";
import type { PeerData, PeerSocket } from "./peer_socket.ts";
import type { Link, PairEnd } from "../rendezvous/types.ts";

export interface RelayOptions {
  /** How many bytes a receiver may fall behind before the pair is closed. */
  maxBuffer: number;
  /** Of all receivers; when it is full, a pair that sends more is closed. */
  backlog: Backlog;
  /**
   * Whether the agent wants to be told how far the client is, or the node that has the agent: that
   * one by bytes, as they come from there in other pieces than the agent's messages.
   */
  flow?: boolean | "bytes";
  /** Whether both ends are resumable. */
  resumable?: boolean;
}

/**
 * How long a message may be, in bytes: agents take 16 MiB. A longer one that is complete ends the
 * pair with a reason, one that never is ends without.
 */
const MAX_MESSAGE = 17 * 2 ** 20;

/** One end of a pair. */
class Side {
  /** Whether its peer has sent an end of file. */
  ended = false;
  closed = false;
  /** Whether its first frame, if that is text, is how it asks for a stream that nobody can give. */
  asks = false;

  constructor(readonly name: "agent" | "client", readonly connection: PeerSocket) {}

  isEof(data: PeerData): boolean {
    return data === EOF_FRAME && this.connection.halfClose && !this.ended;
  }

  /** Tells the peer that no more will come; the other direction stays open if it can. */
  finish(): void {
    if (this.connection.halfClose && !this.ended) this.connection.send(EOF_FRAME);
    else this.connection.end();
  }
}

/** What only the server says to an agent between a client's bytes. */
const OURS = ["flow", "draining"];

/** Why a text frame between two resumable ends may not be passed on, if it may not. */
function mistakeIn(text: string, from: Side["name"]): string | undefined {
  if (text.length > MAX_PAIR_MESSAGE_LENGTH) return `of more than ${MAX_PAIR_MESSAGE_LENGTH}`;
  if (from === "client" && OURS.includes(typeOf(text))) return "that only the server may send";
}

/** The type of a message, if it is one. */
function typeOf(text: string): string {
  try {
    return String(JSON.parse(text)?.type);
  } catch {
    return "";
  }
}

/**
 * Copies bytes both ways between an agent's data connection and a client, each message as it is.
 *
 * - An end of file in one direction leaves the other open if both sides speak the half-close
 *   subprotocol; otherwise it ends the pair once all is delivered.
 * - A clean close of one side closes the other cleanly once all is delivered; a side that is
 *   lost, breaks the protocol or falls too far behind ends both at once, with a reason.
 * - Between two ends that are resumable text is passed on like bytes: an end of file is theirs.
 */
export class Relay implements Link {
  toAgent = 0;
  toClient = 0;
  readonly resumable: boolean;
  readonly #agent: Side;
  readonly #client: Side;
  readonly #options: RelayOptions;
  readonly #reports?: FlowReports;
  readonly #done = Promise.withResolvers<PairEnd>();
  #end?: PairEnd;

  /** @param early what the client has sent already */
  constructor(
    agent: PeerSocket,
    client: PeerSocket,
    early: Iterable<PeerData>,
    options: RelayOptions,
  ) {
    this.#agent = new Side("agent", agent);
    this.#client = new Side("client", client);
    this.#options = options;
    this.resumable = options.resumable ?? false;
    if (client.resumable && !this.resumable) {
      this.#client.asks = true;
      client.send(PLAIN_FRAME);
    }
    if (options.flow && client.reports) {
      client.reports.onTaken = (taken) => agent.send(JSON.stringify({ type: "flow", taken }));
    } else if (options.flow) {
      this.#reports = new FlowReports({
        // That node counts messages, of which there may be many in a few bytes.
        ...this.#countsBytes && { least: 1 },
        waiting: () => this.#countsBytes ? client.queued : client.behind,
        send: (report) => agent.send(JSON.stringify(report)),
      });
    }
    this.#own(this.#agent, this.#client);
    this.#own(this.#client, this.#agent, early);
  }

  get buffered(): number {
    return this.#agent.connection.behind + this.#client.connection.behind;
  }

  get done(): Promise<PairEnd> {
    return this.#done.promise;
  }

  get #countsBytes(): boolean {
    return this.#options.flow === "bytes";
  }

  /** Tells both ends, if they can go on elsewhere, that the server is ending. */
  drain(): void {
    if (!this.resumable || this.#end) return;
    const message: DrainingMessage = { type: "draining" };
    for (const { connection } of [this.#agent, this.#client]) {
      connection.send(JSON.stringify(message));
    }
  }

  close(code: number, reason: string): void {
    this.#break({ label: "shutdown", reason }, code, code);
  }

  #own(from: Side, to: Side, early?: Iterable<PeerData>): void {
    from.connection.handTo({
      maxMessage: MAX_MESSAGE,
      message: (data) => this.#forward(from, to, data),
      closed: (code, reason) => this.#closed(from, to, code, reason),
    }, early);
  }

  #forward(from: Side, to: Side, data: PeerData): void {
    if (this.#end) return;
    const isRequest = from.asks && typeof data === "string" && data !== EOF_FRAME;
    from.asks = false;
    if (isRequest) return;
    if (this.resumable) {
      this.#pass(from, to, data);
    } else if (from.isEof(data)) {
      from.ended = true;
      to.finish();
      if (to.ended) from.connection.end();
    } else if (typeof data === "string" || from.ended) {
      const reason = from.ended
        ? `the ${from.name} sent data after its end of file`
        : `the ${from.name} sent a text frame: data must be in binary frames`;
      const code = from.ended ? CloseCode.policyViolation : CloseCode.unsupportedData;
      this.#break({ label: "protocol", reason }, ...this.#codes(from, code, CloseCode.peerLost));
    } else if (data.byteLength > 0) {
      this.#copy(from, to, data);
    }
  }

  /** Copies what comes between two ends that are resumable. */
  #pass(from: Side, to: Side, data: PeerData): void {
    const length = typeof data === "string" ? data.length : data.byteLength;
    const mistake = typeof data === "string" ? mistakeIn(data, from.name) : undefined;
    if (mistake) {
      const reason = `the ${from.name} sent a text frame ${mistake}`;
      const { policyViolation, peerLost } = CloseCode;
      this.#break({ label: "protocol", reason }, ...this.#codes(from, policyViolation, peerLost));
    } else if (length > 0) {
      this.#copy(from, to, data);
    }
  }

  #copy(from: Side, to: Side, data: PeerData): void {
    const { maxBuffer, backlog } = this.#options;
    const length = typeof data === "string" ? data.length : data.byteLength;
    const isBehind = to.connection.behind + length > maxBuffer;
    if (isBehind || backlog.full) {
      const reason = isBehind
        ? `the ${to.name} fell further behind than --max-buffer allows`
        : "all receivers together fell further behind than --max-buffer allows";
      const code = CloseCode.receiverTooSlow;
      return this.#break({ label: "too-slow", reason }, code, code);
    }
    to.connection.send(data);
    if (typeof data === "string") return;
    if (from === this.#client) this.toAgent += length;
    else {
      this.toClient += length;
      this.#reports?.sent(length + (this.#countsBytes ? 0 : MESSAGE_COST));
    }
  }

  #closed(side: Side, other: Side, code: number, reason: string): void {
    side.closed = true;
    this.#reports?.[Symbol.dispose]();
    // 1005: a close frame without a code.
    const clean = [CloseCode.normal, CloseCode.goingAway, 1005].includes(code);
    if (!this.#end && clean) {
      this.#end = { label: "closed", reason: `the ${side.name} closed` };
      other.connection.end();
    } else if (!this.#end) {
      const why = `the ${side.name} was lost${reason ? `: ${reason}` : ""}`;
      this.#break(
        { label: `${side.name}-lost`, reason: why },
        CloseCode.peerLost,
        CloseCode.peerLost,
      );
    }
    if (other.closed) this.#done.resolve(this.#end!);
  }

  #codes(side: Side, its: number, others: number): [agent: number, client: number] {
    return side === this.#agent ? [its, others] : [others, its];
  }

  /** Ends both sides now; the first reason counts. */
  #break(end: PairEnd, agentCode: number, clientCode: number): void {
    this.#end ??= end;
    this.#agent.connection.close(agentCode, end.reason);
    this.#client.connection.close(clientCode, end.reason);
  }
}
