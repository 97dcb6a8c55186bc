import { errorMessage } from "../../text/error_message.ts";
import type { Log } from "../../log/log.ts";
import { CHANNEL_PACKET, type ChannelLimits, TransportChannel } from "./channel.ts";
import {
  type Channel,
  type ChannelHandler,
  type GlobalRequestHandler,
  Refused,
  type SshConnection,
} from "./handler.ts";
import type { KeyOptions } from "../login/key_options.ts";
import { Message, OpenFailure } from "../protocol/numbers.ts";
import { ReceiveBudget, type ReceiveWindow } from "./receive_window.ts";
import { RequestQueue } from "./request_queue.ts";
import { SendQueue } from "./send_queue.ts";
import type { Transport } from "../transport/transport.ts";
import { MalformedError, Reader, Writer } from "../protocol/wire_format.ts";

/** How many channels a connection may have at a time, with those being opened. */
const MAX_CHANNELS = 1000;

/** How many of them may be sessions: each can be a program or an SFTP server. */
const MAX_SESSIONS = 100;

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

export interface ServerConnectionOptions {
  id: number;
  address: string;
  permissions: KeyOptions;
  log: Log;
  /** By the type of channel. */
  channels: Record<string, ChannelHandler>;
  /** By the request's name. */
  globalRequests: Record<string, GlobalRequestHandler>;
  /** Called for all data on any channel. */
  onInput: () => void;
  /** Called for each channel that is opened, by either side. */
  onChannel: (type: string, channel: Channel) => void;
}

/** The channels and requests of one client that is logged in (RFC 4254). */
export class ServerConnection implements SshConnection {
  readonly id: number;
  readonly address: string;
  readonly permissions: KeyOptions;
  readonly log: Log;
  readonly #transport: Transport;
  readonly #options: ServerConnectionOptions;
  readonly #controller = new AbortController();
  readonly #channels = new Map<number, TransportChannel>();
  readonly #channelRequests = new Map<number, ChannelRequestHandler>();
  readonly #requests = new RequestQueue();
  readonly #sendQueue: SendQueue;
  readonly #receiveBudget = new ReceiveBudget();
  /** Channels that we have asked the client to open. */
  readonly #opening = new Map<number, (answer: Reader | Refused) => void>();
  /** How many channels the client has asked for that no handler has accepted yet. */
  #pendingOpens = 0;
  #sessions = 0;
  #nextId = 0;
  #noMoreSessions = false;
  readonly #work = new Set<Promise<unknown>>();

  constructor(transport: Transport, options: ServerConnectionOptions) {
    this.#transport = transport;
    this.#sendQueue = new SendQueue(transport);
    this.#options = options;
    ({ id: this.id, address: this.address, permissions: this.permissions, log: this.log } =
      options);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  track(work: Promise<unknown>): void {
    const settled = work.catch(() => {}).finally(() => this.#work.delete(settled));
    this.#work.add(settled);
  }

  openChannel(type: string, data: Uint8Array): Promise<Channel> {
    if (this.signal.aborted) return Promise.reject(new Refused("the connection has ended"));
    if (this.#isFull) return Promise.reject(new Refused("too many channels"));
    const localId = this.#nextId++;
    const incoming = this.#receiveBudget.open();
    return new Promise((resolve, reject) => {
      this.#opening.set(localId, (answer) => {
        if (answer instanceof Refused) {
          incoming.close();
          reject(answer);
        } else {
          const [remoteId, window, packetSize] = [
            answer.uint32(),
            answer.uint32(),
            answer.uint32(),
          ];
          const channel = this.#addChannel({ localId, remoteId, window, packetSize }, incoming);
          this.#options.onChannel(type, channel);
          resolve(channel);
        }
      });
      this.#transport.send(
        new Writer().byte(Message.channelOpen).string(type).uint32(localId)
          .uint32(incoming.size).uint32(CHANNEL_PACKET).raw(data).bytes(),
      );
    });
  }

  /** Sets who serves the requests on an accepted channel. */
  onChannelRequest(channel: Channel, handler: ChannelRequestHandler): void {
    this.#channelRequests.set((channel as TransportChannel).localId, handler);
  }

  /**
   * Takes one packet.
   *
   * @throws {MalformedError} if it breaks the protocol
   */
  receive(type: number, payload: Uint8Array): void {
    const message = new Reader(payload.subarray(1));
    switch (type) {
      case Message.globalRequest:
        return this.#globalRequest(message.text(), message.boolean(), message.rest());
      case Message.channelOpen:
        return this.#channelOpen(message);
      case Message.channelOpenConfirmation:
        return this.#opened(message.uint32(), message);
      case Message.channelOpenFailure:
        return this.#openFailed(message.uint32(), message);
      case Message.requestSuccess:
      case Message.requestFailure:
        // Nothing we send waits for an answer.
        return;
      case Message.userauthRequest:
        // It came after the login (RFC 4252, section 5.1).
        return;
    }
    if (type < Message.channelWindowAdjust || type > Message.channelFailure) {
      return this.#transport.refusePacket();
    }
    const channel = this.#channels.get(message.uint32());
    // It may have been under way when we closed the channel.
    if (!channel) return;
    switch (type) {
      case Message.channelWindowAdjust:
        return channel.receiveWindow(message.uint32());
      case Message.channelData:
        channel.receive(message.string());
        return this.#options.onInput();
      case Message.channelEof:
        return channel.receiveEnd();
      case Message.channelClose:
        this.#channels.delete(channel.localId);
        this.#channelRequests.delete(channel.localId);
        return channel.receiveClose();
      case Message.channelRequest:
        return this.#channelRequest(channel, message.text(), message.boolean(), message.rest());
    }
  }

  /**
   * Ends all sessions and other channels in order, so that the client gets their output and exit
   * status; resolves when every handler is done.
   */
  async drain(): Promise<void> {
    this.#controller.abort();
    for (const channel of this.#channels.values()) {
      // Those with requests are sessions, which end by themselves.
      if (!this.#channelRequests.has(channel.localId)) channel.close();
    }
    await this.#settled();
  }

  /** To be called when the transport has ended; resolves when every handler is done. */
  async end(error?: Error): Promise<void> {
    this.#controller.abort();
    for (const channel of this.#channels.values()) channel.receiveClose(error);
    this.#channels.clear();
    for (const answer of this.#opening.values()) answer(new Refused("the connection has ended"));
    this.#opening.clear();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #addChannel(limits: ChannelLimits, incoming: ReceiveWindow): TransportChannel {
    if (limits.packetSize === 0) throw new MalformedError("a channel with a packet size of 0");
    const queue = this.#sendQueue;
    const channel = new TransportChannel(this.#transport, limits, { queue, incoming });
    this.#channels.set(limits.localId, channel);
    return channel;
  }

  get #isFull(): boolean {
    return this.#channels.size + this.#pendingOpens + this.#opening.size >= MAX_CHANNELS;
  }

  #globalRequest(name: string, wantReply: boolean, data: Uint8Array): void {
    const reply = (success: boolean, content?: Uint8Array) => {
      if (!wantReply) return;
      const message = new Writer().byte(success ? Message.requestSuccess : Message.requestFailure);
      if (content) message.raw(content);
      this.#transport.send(message.bytes());
    };
    const isNoMoreSessions = name === "no-more-sessions@openssh.com";
    // At once: the next message may ask for a session.
    if (isNoMoreSessions) this.#noMoreSessions = true;
    this.track(this.#requests.add(GLOBAL, data.length, async () => {
      if (isNoMoreSessions) return reply(true);
      const handler = own(this.#options.globalRequests, name);
      try {
        if (!handler) throw new Refused("not supported");
        reply(true, await handler({ name, data, connection: this }) ?? undefined);
      } catch (error) {
        this.#logRefusal("global request", name, error);
        reply(false);
      }
    }));
  }

  #channelOpen(message: Reader): void {
    const [type, remoteId, window] = [message.text(), message.uint32(), message.uint32()];
    const [packetSize, data] = [message.uint32(), message.rest()];
    let channel: TransportChannel | undefined;
    const serve = async () => {
      try {
        const handler = own(this.#options.channels, type);
        if (!handler) throw new Refused("unknown channel type", OpenFailure.unknownChannelType);
        if (isSession && this.#noMoreSessions) {
          throw new Refused("no more sessions", OpenFailure.administrativelyProhibited);
        }
        if (isFull || isSession && this.#sessions > MAX_SESSIONS) {
          const what = isFull ? "channels" : "sessions";
          throw new Refused(`too many ${what}`, OpenFailure.resourceShortage);
        }
        await handler({
          type,
          data,
          connection: this,
          accept: () => {
            if (channel) throw new Error("the channel is already accepted");
            if (this.signal.aborted) throw new Refused("the connection has ended");
            const incoming = this.#receiveBudget.open();
            const localId = this.#nextId++;
            channel = this.#addChannel({ localId, remoteId, window, packetSize }, incoming);
            this.#pendingOpens--;
            this.#transport.send(
              new Writer().byte(Message.channelOpenConfirmation).uint32(remoteId)
                .uint32(localId).uint32(incoming.size).uint32(CHANNEL_PACKET).bytes(),
            );
            this.#options.onChannel(type, channel);
            return channel;
          },
        });
        if (!channel) throw new Refused("no handler accepted it");
      } catch (error) {
        if (channel) return this.log.warn("channel failed", { type, reason: errorMessage(error) });
        this.#logRefusal("channel", type, error);
        const reason = error instanceof Refused ? error.reason : undefined;
        this.#transport.send(
          new Writer().byte(Message.channelOpenFailure).uint32(remoteId)
            .uint32(reason ?? OpenFailure.connectFailed).string(errorMessage(error)).string("")
            .bytes(),
        );
        this.#pendingOpens--;
      } finally {
        if (isSession) this.#sessions--;
        channel?.close();
      }
    };
    const [isSession, isFull] = [type === "session", this.#isFull];
    if (isSession) this.#sessions++;
    this.#pendingOpens++;
    this.track(serve());
  }

  #opened(localId: number, message: Reader): void {
    const answer = this.#opening.get(localId);
    if (!answer) throw new MalformedError("an answer to a channel that was not requested");
    // Afterwards: if that throws, end() answers.
    answer(message);
    this.#opening.delete(localId);
  }

  #openFailed(localId: number, message: Reader): void {
    const answer = this.#opening.get(localId);
    if (!answer) throw new MalformedError("an answer to a channel that was not requested");
    message.uint32();
    answer(new Refused(message.text() || "refused by the client"));
    this.#opening.delete(localId);
  }

  #channelRequest(
    channel: TransportChannel,
    type: string,
    wantReply: boolean,
    data: Uint8Array,
  ): void {
    const handler = this.#channelRequests.get(channel.localId);
    this.track(this.#requests.add(channel.localId, data.length, async () => {
      try {
        if (!handler) throw new Refused("not supported");
        const next = await handler(type, data);
        if (wantReply) channel.reply(true);
        next?.();
      } catch (error) {
        this.#logRefusal("channel request", type, error);
        if (wantReply) channel.reply(false);
      }
    }));
  }

  #logRefusal(what: string, name: string, error: unknown): void {
    const level = error instanceof Refused ? "debug" : "warn";
    this.log[level](`${what} refused`, { name, reason: errorMessage(error) });
  }
}

/** An entry of a map whose keys come from the network. */
export function own<T>(map: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}
