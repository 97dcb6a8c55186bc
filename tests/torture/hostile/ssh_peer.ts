/** An attacker that speaks SSH. */
import { Client, type ConnectConfig } from "ssh2";
import { connect, type Socket } from "node:net";
import { createWebSocketStream, WebSocket } from "ws";
import type { Prey } from "./peer.ts";

/** Leaving its scope drops it. */
export class SshPeer implements Disposable {
  readonly client = new Client();
  readonly ended: Promise<void>;
  readonly #socket: WebSocket | Socket;

  private constructor(socket: WebSocket | Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => {});
    this.client.on("error", () => {});
  }

  /** Connects and logs in; resolves when that is done, or refused. */
  static async connect(prey: Prey, credentials: ConnectConfig): Promise<SshPeer> {
    const { port, id, address: localAddress } = prey;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/client/${id}`, { localAddress });
    const peer = new SshPeer(socket);
    await Promise.race([new Promise<void>((resolve) => socket.on("open", resolve)), peer.ended]);
    const sock = createWebSocketStream(socket);
    sock.on("error", () => {});
    const ready = new Promise<void>((resolve) => peer.client.on("ready", resolve));
    peer.client.connect({ sock, username: "converge", readyTimeout: 60_000, ...credentials });
    await Promise.race([ready, peer.ended]);
    return peer;
  }

  /** Connects to the jump host and logs in there. */
  static async jump({ sshPort, address: localAddress }: Prey): Promise<SshPeer> {
    const sock = connect({ host: "127.0.0.1", port: sshPort, localAddress });
    const peer = new SshPeer(sock);
    const ready = new Promise<void>((resolve) => peer.client.on("ready", resolve));
    peer.client.connect({ sock, username: "mallory", readyTimeout: 60_000 });
    await Promise.race([ready, peer.ended]);
    return peer;
  }

  /** Takes nothing more of what it is sent. */
  pause(): void {
    this.#socket.pause();
  }

  [Symbol.dispose](): void {
    this.client.destroy();
    if (this.#socket instanceof WebSocket) this.#socket.terminate();
    else this.#socket.destroy();
  }
}
