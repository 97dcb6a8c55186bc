/** A socket of Node as Deno has it: it is asked for bytes, and takes some. */
import type { Socket } from "node:net";
import { denoError, errors } from "./errors.ts";

/** `Deno.TcpConn`, as far as wsproxy and tunnel use it. */
export class NodeConnection {
  readonly socket: Socket;
  #failure: Error | undefined;
  #ended = false;
  #reading = false;
  #wake = () => {};

  /** @param socket open, and read by nobody else */
  constructor(socket: Socket) {
    this.socket = socket;
    const wake = () => this.#wake();
    socket.on("end", () => {
      this.#ended = true;
      wake();
    });
    socket.on("error", (error) => {
      this.#failure ??= denoError(error);
      wake();
    });
    socket.on("close", () => {
      this.#failure ??= new errors.BadResource("the connection is closed");
      wake();
    });
  }

  get remoteAddr(): { transport: "tcp"; hostname: string; port: number } {
    const { remoteAddress = "", remotePort = 0 } = this.socket;
    return { transport: "tcp", hostname: remoteAddress, port: remotePort };
  }

  /** Fills a part of `into`; resolves to how many bytes, null at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    if (!this.#reading) this.socket.on("readable", () => this.#wake());
    this.#reading = true;
    for (;;) {
      const { readableLength } = this.socket;
      const chunk: Uint8Array | null = this.socket.read(Math.min(readableLength, into.length));
      if (chunk !== null) {
        into.set(chunk);
        return chunk.length;
      }
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Resolves when the system has taken all of `bytes`. */
  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => {
        if (error) reject(denoError(error));
        else resolve(bytes.length);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => void this.socket.end(resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  setNoDelay(on = true): void {
    this.socket.setNoDelay(on);
  }
}
