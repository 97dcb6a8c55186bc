import { errorMessage } from "../../text/error_message.ts";
import type { Log } from "../../log/log.ts";
import type { TransportChannel } from "./channel.ts";
import { type GlobalRequestHandler, own, Refused, type SshConnection } from "./handler.ts";
import { Message } from "../protocol/numbers.ts";
import { RequestQueue } from "./request_queue.ts";
import type { Transport } from "../transport/transport.ts";
import { type Reader, Writer } from "../protocol/wire_format.ts";

/** The queue of global requests; a channel's requests have its number. */
const GLOBAL = -1;

/**
 * Serves a request on a channel; throws to refuse it.
 *
 * @returns what to do after the reply, if anything
 */
export type ChannelRequestHandler = (
  type: string,
  data: Uint8Array,
) => Promise<(() => void) | void>;

/**
 * Answers the requests of one connection (RFC 4254, sections 4 and 5.4): the global ones, and those
 * of each channel, one after the other.
 */
export class Requests {
  readonly #transport: Transport;
  readonly #connection: SshConnection;
  readonly #globalHandlers: Record<string, GlobalRequestHandler>;
  readonly #channelHandlers = new Map<number, ChannelRequestHandler>();
  readonly #queue = new RequestQueue();
  #noMoreSessions = false;

  /** @param globalHandlers by the request's name */
  constructor(
    transport: Transport,
    connection: SshConnection,
    globalHandlers: Record<string, GlobalRequestHandler>,
  ) {
    this.#transport = transport;
    this.#connection = connection;
    this.#globalHandlers = globalHandlers;
  }

  /** Whether the client has said that it will ask for no more sessions. */
  get noMoreSessions(): boolean {
    return this.#noMoreSessions;
  }

  /** Sets who serves the requests of a channel. */
  serveChannel(localId: number, handler: ChannelRequestHandler): void {
    this.#channelHandlers.set(localId, handler);
  }

  /** Whether a handler serves the requests of this channel. */
  servesChannel(localId: number): boolean {
    return this.#channelHandlers.has(localId);
  }

  forgetChannel(localId: number): void {
    this.#channelHandlers.delete(localId);
  }

  /** Takes SSH_MSG_GLOBAL_REQUEST. */
  receiveGlobal(message: Reader): void {
    const [name, wantReply, data] = [message.text(), message.boolean(), message.rest()];
    const reply = (success: boolean, content?: Uint8Array) => {
      if (!wantReply) return;
      const answer = new Writer().byte(success ? Message.requestSuccess : Message.requestFailure);
      if (content) answer.raw(content);
      this.#transport.send(answer.bytes());
    };
    const isNoMoreSessions = name === "no-more-sessions@openssh.com";
    // At once: the next message may ask for a session.
    if (isNoMoreSessions) this.#noMoreSessions = true;
    const connection = this.#connection;
    connection.track(this.#queue.add(GLOBAL, data.length, async () => {
      if (isNoMoreSessions) return reply(true);
      const handler = own(this.#globalHandlers, name);
      try {
        if (!handler) throw new Refused("not supported");
        reply(true, await handler({ name, data, connection }) ?? undefined);
      } catch (error) {
        logRefusal(connection.log, "global request", name, error);
        reply(false);
      }
    }));
  }

  /** Takes SSH_MSG_CHANNEL_REQUEST, from after its channel's number. */
  receiveOnChannel(channel: TransportChannel, message: Reader): void {
    const [type, wantReply, data] = [message.text(), message.boolean(), message.rest()];
    const handler = this.#channelHandlers.get(channel.localId);
    this.#connection.track(this.#queue.add(channel.localId, data.length, async () => {
      try {
        if (!handler) throw new Refused("not supported");
        const next = await handler(type, data);
        if (wantReply) channel.reply(true);
        next?.();
      } catch (error) {
        logRefusal(this.#connection.log, "channel request", type, error);
        if (wantReply) channel.reply(false);
      }
    }));
  }
}

/** Logs why a request of the client failed; a plain refusal is no warning. */
export function logRefusal(log: Log, what: string, name: string, error: unknown): void {
  const level = error instanceof Refused ? "debug" : "warn";
  log[level](`${what} refused`, { name, reason: errorMessage(error) });
}
