import { MalformedError, Reader, Writer } from "../protocol/wire_format.ts";
import type { SftpClient } from "./client.ts";
import { writeExtensions } from "./extensions.ts";
import type { FileSystem } from "./files/file_system.ts";
import { Handles } from "./handles.ts";
import { Input } from "./packets/input.ts";
import { PacketType, SFTP_VERSION, Status } from "./packets/numbers.ts";
import { SftpOutput } from "./packets/output.ts";
import type { Paths } from "./files/paths.ts";
import { Reply } from "./packets/reply.ts";
import { requests } from "./requests.ts";
import { StatusError } from "./packets/status.ts";
import type { Users } from "./files/users.ts";

export interface SftpSessionOptions {
  files: FileSystem;
  paths: Paths;
  users: Users;
  /** Takes replies for the client, in order, and owns them. */
  send: (bytes: Uint8Array<ArrayBuffer>) => void;
}

/**
 * One client's SFTP session: bytes in, bytes out. Requests are handled one after the other, so each
 * sees the effect of those before it, however many the client has sent ahead.
 */
export class SftpSession implements Disposable {
  readonly #client: SftpClient;
  readonly #handles: Handles;
  readonly #input = new Input();
  readonly #output: SftpOutput;
  #greeted = false;
  /** The request in progress, if it takes long. */
  #work?: { steps: Generator<void>; reply: Reply };

  constructor({ files, paths, users, send }: SftpSessionOptions) {
    this.#handles = new Handles(files);
    this.#client = { files, paths, users, handles: this.#handles };
    this.#output = new SftpOutput(send);
  }

  /** Takes bytes of the client and owns them. */
  receive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#input.add(bytes);
  }

  /** Whether a request that takes long is in progress. */
  get isWorking(): boolean {
    return this.#work !== undefined;
  }

  /**
   * Handles the next request, or continues one that takes long.
   *
   * @returns false if there is nothing to do
   * @throws {MalformedError} if the client breaks the protocol; the session is over then
   */
  step(): boolean {
    if (this.#work) {
      const { steps, reply } = this.#work;
      this.#attempt(reply, () => {
        if (steps.next().done) this.#work = undefined;
      });
      return true;
    }
    const packet = this.#input.next();
    if (packet === null) return false;
    const request = new Reader(packet);
    const type = request.byte();
    if (type === PacketType.init) this.#greet(request);
    else if (this.#greeted) this.#handle(type, request);
    else throw new MalformedError(`a request of type ${type} before SSH_FXP_INIT`);
    return true;
  }

  /** Sends the replies collected so far. */
  flush(): void {
    this.#output.flush();
  }

  /** Closes what the client has open. */
  [Symbol.dispose](): void {
    this.#handles[Symbol.dispose]();
  }

  #greet(request: Reader): void {
    request.uint32();
    this.#greeted = true;
    const message = new Writer().byte(PacketType.version).uint32(SFTP_VERSION);
    writeExtensions(message);
    const bytes = message.bytes();
    this.#output.add(bytes.length, (into) => {
      into.set(bytes);
      return bytes.length;
    });
  }

  #handle(type: number, request: Reader): void {
    const reply = new Reply(this.#output, request.uint32());
    this.#attempt(reply, () => {
      const handler = requests.get(type);
      if (handler === undefined) {
        throw new StatusError(Status.opUnsupported, `Operation unsupported: type ${type}`);
      }
      const steps = handler(this.#client, request, reply);
      if (steps) this.#work = { steps, reply };
    });
  }

  /** Answers with what `action` throws, unless the request is malformed. */
  #attempt(reply: Reply, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#work = undefined;
      if (error instanceof MalformedError) throw error;
      reply.error(error);
    }
  }
}
