/** One TCP connection of an attacker, from an address of its choice. */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { encodeRawFrame, type RawFrame } from "../../support/raw_websocket_server.ts";

/** Where attackers connect to. */
export interface Prey {
  port: number;
  /** Of the jump host. */
  sshPort: number;
  /** The rendez-vous ID of a real agent. */
  id: string;
  /** What the attacker comes from, as 127.1.2.3. */
  address: string;
  /** Of a person who can log in to the agent. */
  privateKey: string;
}

/** Leaving its scope drops it. */
export class Peer implements Disposable {
  readonly #socket: Socket;
  readonly ended: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => {});
  }

  static async connect({ port, address }: Prey): Promise<Peer> {
    const socket = connect({ host: "127.0.0.1", port, localAddress: address });
    const peer = new Peer(socket);
    await Promise.race([once(socket, "connect"), peer.ended]);
    return peer;
  }

  /** Opens a websocket; what comes back is read and dropped. */
  static async upgrade(prey: Prey, path: string): Promise<Peer> {
    const peer = await Peer.connect(prey);
    await peer.send(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    const answered = once(peer.#socket, "data");
    await Promise.race([answered, peer.ended]);
    peer.#socket.resume();
    return peer;
  }

  get isOpen(): boolean {
    return this.#socket.writable;
  }

  /** Resolves when the kernel takes more, or the connection has ended. */
  async send(data: Uint8Array | string): Promise<void> {
    if (!this.#socket.write(data)) {
      const drained = once(this.#socket, "drain").catch(() => {});
      await Promise.race([drained, this.ended]);
    }
  }

  async sendFrame(frame: Omit<RawFrame, "masked">): Promise<void> {
    await this.send(encodeRawFrame({ ...frame, masked: true }));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
