import { Writer } from "../../protocol/wire_format.ts";
import { writeAttributes } from "./attributes.ts";
import type { FileStat } from "../files/file_system.ts";
import { encodeBytes } from "../../../text/byte_text.ts";
import { PacketType, Status } from "./numbers.ts";
import type { SftpOutput } from "./output.ts";
import { endOfFile, toStatus } from "./status.ts";

/** Where the data of a read begins: after the type, the request's ID and the length. */
const DATA_START = 9;

/** Answers one request, by a call of exactly one of the methods. */
export class Reply {
  readonly #output: SftpOutput;
  readonly #id: number;

  constructor(output: SftpOutput, id: number) {
    this.#output = output;
    this.#id = id;
  }

  ok(): void {
    this.#status(Status.ok, "Success");
  }

  /** Answers with the status for anything that was thrown. */
  error(error: unknown): void {
    const { status, message } = toStatus(error);
    this.#status(status, message);
  }

  #status(status: Status, message: string): void {
    this.#send(this.#message(PacketType.status).uint32(status).string(message).string("en"));
  }

  handle(handle: Uint8Array): void {
    this.#send(this.#message(PacketType.handle).string(handle));
  }

  attributes(stat: FileStat): void {
    this.#send(writeAttributes(this.#message(PacketType.attrs), stat));
  }

  /** Answers with one path. */
  path(path: string): void {
    const name = encodeBytes(path);
    const message = this.#message(PacketType.name).uint32(1).string(name).string(name);
    this.#send(writeAttributes(message));
  }

  /** Answers with the `count` entries that {@link writeName} has written to `names`. */
  names(count: number, names: Writer): void {
    this.#send(this.#message(PacketType.name).uint32(count).raw(names.bytes()));
  }

  /**
   * Answers with data, or with end of file.
   *
   * @param read reads at most `length` bytes into a buffer and returns how many
   */
  data(length: number, read: (into: Uint8Array<ArrayBuffer>) => number): void {
    this.#output.add(DATA_START + length, (into, view) => {
      const read_ = read(into.subarray(DATA_START));
      if (read_ === 0 && length > 0) throw endOfFile();
      view.setUint8(0, PacketType.data);
      view.setUint32(1, this.#id);
      view.setUint32(5, read_);
      return DATA_START + read_;
    });
  }

  /** Answers an extended request with data of its own format. */
  extended(fill: (message: Writer) => void): void {
    const message = this.#message(PacketType.extendedReply);
    fill(message);
    this.#send(message);
  }

  #message(type: number): Writer {
    return new Writer().byte(type).uint32(this.#id);
  }

  #send(message: Writer): void {
    const bytes = message.bytes();
    this.#output.add(bytes.length, (into) => {
      into.set(bytes);
      return bytes.length;
    });
  }
}

/** Adds one entry of a listing. */
export function writeName(
  names: Writer,
  name: Uint8Array,
  longName: Uint8Array,
  stat: FileStat,
): void {
  writeAttributes(names.string(name).string(longName), stat);
}
