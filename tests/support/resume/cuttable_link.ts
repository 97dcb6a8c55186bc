/** A way to a server that a test cuts as networks are cut. */
import { connect as dial, createServer, type Server, type Socket } from "node:net";

/** The two connections that one that goes through is made of. */
type Ends = [near: Socket, far: Socket];

/** TCP through this process; leaving its scope cuts it. */
export class CuttableLink implements AsyncDisposable {
  readonly #target: number;
  #server: Server;
  #port = 0;
  /** Whether nothing goes through. */
  #silent = false;
  readonly #open = new Set<Ends>();
  #accepted = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = this.#makeServer();
  }

  /** @param target a port of 127.0.0.1 */
  static async start(target: number): Promise<CuttableLink> {
    const link = new CuttableLink(target);
    await link.#listen();
    return link;
  }

  /** The port of 127.0.0.1 that leads through it. */
  get port(): number {
    return this.#port;
  }

  /** How many connections there were so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Both ends of each connection are reset, and new ones refused. */
  async reset(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const ends of this.#open) this.#end(ends);
    await closed;
  }

  /** Nothing goes through any more, and nobody is told. */
  silence(): void {
    this.#silent = true;
    for (const ends of this.#open) ends.forEach((end) => end.pause());
  }

  /** All is well again; what was sent in silence, and still has an end, arrives. */
  async restore(): Promise<void> {
    if (!this.#server.listening) await this.#listen();
    this.#silent = false;
    for (const ends of this.#open) ends.forEach((end) => end.resume());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reset();
  }

  async #listen(): Promise<void> {
    this.#server = this.#makeServer();
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen(this.#port, "127.0.0.1", () => resolve());
    });
    this.#port = (this.#server.address() as { port: number }).port;
  }

  #makeServer(): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = dial({
        host: "127.0.0.1",
        port: this.#target,
        allowHalfOpen: true,
        noDelay: true,
      });
      const ends: Ends = [near, far];
      this.#open.add(ends);
      this.#accepted++;
      this.#carry(near, far, ends);
      this.#carry(far, near, ends);
      if (this.#silent) ends.forEach((end) => end.pause());
    });
  }

  #carry(from: Socket, to: Socket, ends: Ends): void {
    from.on("data", (bytes) => {
      if (to.write(bytes)) return;
      from.pause();
      to.once("drain", () => this.#silent || from.resume());
    });
    from.on("end", () => to.end());
    from.on("error", () => this.#end(ends));
    from.on("close", (hadError) => {
      if (hadError || to.destroyed) this.#end(ends);
    });
  }

  #end(ends: Ends): void {
    this.#open.delete(ends);
    for (const end of ends) end.resetAndDestroy();
  }
}
