import { errorMessage } from "../../text/error_message.ts";
import type { Log } from "../../log/log.ts";
import { CHANNEL_PACKET, type ChannelLimits, TransportChannel } from "./channel.ts";
import {
  type Channel,
  type ChannelHandler,
  type GlobalRequestHandler,
  own,
  Refused,
  type SshConnection,
} from "./handler.ts";
import type { KeyOptions } from "../login/key_options.ts";
import { Message, OpenFailure } from "../protocol/numbers.ts";
import { OpeningChannels } from "./opening_channels.ts";
import { FixedWindow, ReceiveBudget, type ReceiveWindow } from "./receive_window.ts";
import { type ChannelRequestHandler, logRefusal, Requests } from "./requests.ts";
import { SendQueue } from "./send_queue.ts";
import type { Transport } from "../transport/transport.ts";
import { MalformedError, Reader, Writer } from "../protocol/wire_format.ts";

/** How many channels a connection may have at a time, with those being opened. */
const MAX_CHANNELS = 1000;

/** How many of them may be sessions: each can be a program or an SFTP server. */
const MAX_SESSIONS = 100;

export interface ServerConnectionOptions {
  id: number;
  address: string;
  permissions: KeyOptions;
  log: Log;
  /**
   * What the client may send on each channel before it is read, in bytes. Missing: it follows what
   * the client uses and how long that is on its way.
   */
  receiveWindow?: number;
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
  readonly #requests: Requests;
  readonly #sendQueue: SendQueue;
  readonly #receiveBudget: ReceiveBudget;
  readonly #opening = new OpeningChannels();
  /** How many channels the client has asked for that no handler has accepted yet. */
  #pendingOpens = 0;
  #sessions = 0;
  #nextId = 0;
  readonly #work = new Set<Promise<unknown>>();

  constructor(transport: Transport, options: ServerConnectionOptions) {
    this.#transport = transport;
    this.#sendQueue = new SendQueue(transport);
    this.#receiveBudget = new ReceiveBudget(() => this.#askForAnswer());
    this.#options = options;
    ({ id: this.id, address: this.address, permissions: this.permissions, log: this.log } =
      options);
    this.#requests = new Requests(transport, this, options.globalRequests);
    // The client has just logged in, and has sent nothing else yet.
    this.#receiveBudget.ask();
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
    const incoming = this.#openWindow();
    return new Promise((resolve, reject) => {
      this.#opening.add(localId, (answer) => {
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
    this.#requests.serveChannel((channel as TransportChannel).localId, handler);
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
        return this.#requests.receiveGlobal(message);
      case Message.channelOpen:
        return this.#channelOpen(message);
      case Message.channelOpenConfirmation:
        return this.#opening.confirmed(message);
      case Message.channelOpenFailure:
        return this.#opening.failed(message);
      case Message.requestSuccess:
      case Message.requestFailure:
        return this.#receiveBudget.answered();
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
        this.#requests.forgetChannel(channel.localId);
        return channel.receiveClose();
      case Message.channelRequest:
        return this.#requests.receiveOnChannel(channel, message);
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
      if (!this.#requests.servesChannel(channel.localId)) channel.close();
    }
    await this.#settled();
  }

  /** To be called when the transport has ended; resolves when every handler is done. */
  async end(error?: Error): Promise<void> {
    this.#controller.abort();
    for (const channel of this.#channels.values()) channel.receiveClose(error);
    this.#channels.clear();
    this.#opening.end();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #openWindow(): ReceiveWindow {
    const { receiveWindow } = this.#options;
    return receiveWindow === undefined
      ? this.#receiveBudget.open()
      : new FixedWindow(receiveWindow);
  }

  #addChannel(limits: ChannelLimits, incoming: ReceiveWindow): TransportChannel {
    if (limits.packetSize === 0) throw new MalformedError("a channel with a packet size of 0");
    const queue = this.#sendQueue;
    const channel = new TransportChannel(this.#transport, limits, { queue, incoming });
    this.#channels.set(limits.localId, channel);
    return channel;
  }

  /** No client knows the request, each answers it; sshd asks for signs of life by it. */
  #askForAnswer(): void {
    this.#transport.send(
      new Writer().byte(Message.globalRequest).string("keepalive@openssh.com").boolean(true)
        .bytes(),
    );
  }

  get #isFull(): boolean {
    return this.#channels.size + this.#pendingOpens + this.#opening.size >= MAX_CHANNELS;
  }

  #channelOpen(message: Reader): void {
    const [type, remoteId, window] = [message.text(), message.uint32(), message.uint32()];
    const [packetSize, data] = [message.uint32(), message.rest()];
    let channel: TransportChannel | undefined;
    const serve = async () => {
      try {
        const handler = own(this.#options.channels, type);
        if (!handler) throw new Refused("unknown channel type", OpenFailure.unknownChannelType);
        if (isSession && this.#requests.noMoreSessions) {
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
            const incoming = this.#openWindow();
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
        logRefusal(this.log, "channel", type, error);
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
}
