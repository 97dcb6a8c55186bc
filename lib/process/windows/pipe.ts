import type { ByteSource } from "../process.ts";
import { allocate, INVALID_HANDLE, kernel32, lastError } from "./api.ts";
import { utf16z } from "./command_line.ts";
import { completionPort, isFailure } from "./completion_port.ts";

/** How much Windows buffers in a pipe, and how much is read at once, in bytes. */
const PIPE_SIZE = 65_536;

/** A pipe whose one end is ours. */
export interface Pipe<End extends PipeEnd> {
  ours: End;
  /** The handle of the other end, to be closed when a program has got it. */
  theirs: bigint;
}

/** A pipe that a program writes to; `inheritable` says whether a child may get the other end. */
export function createReaderPipe(inheritable: boolean): Pipe<PipeReader> {
  const { reader, writer } = createPipe("reader", inheritable);
  return { ours: new PipeReader(reader), theirs: writer };
}

/** A pipe that a program reads from; `inheritable` says whether a child may get the other end. */
export function createWriterPipe(inheritable: boolean): Pipe<PipeWriter> {
  const { reader, writer } = createPipe("writer", inheritable);
  return { ours: new PipeWriter(writer), theirs: reader };
}

/**
 * As with CreatePipe the reading end is the pipe's server, so that bytes can still be read after
 * the writer has closed its end; but an end of CreatePipe's cannot be waited for without a thread.
 */
function createPipe(ours: "reader" | "writer", inheritable: boolean) {
  const FLAG_OVERLAPPED = 0x4000_0000;
  const overlapped = (end: typeof ours) => end === ours ? FLAG_OVERLAPPED : 0;
  const inherit = allocate(24); // SECURITY_ATTRIBUTES
  inherit.setUint32(0, inherit.byteLength, true);
  inherit.setUint32(16, 1, true);
  const security = (end: typeof ours) => end !== ours && inheritable ? inherit : null;
  const name = utf16z(`\\\\.\\pipe\\converge-${Deno.pid}-${crypto.randomUUID()}`);

  const ACCESS_INBOUND = 1, FIRST_PIPE_INSTANCE = 0x8_0000, REJECT_REMOTE_CLIENTS = 8;
  const reader = kernel32.CreateNamedPipeW(
    name,
    ACCESS_INBOUND | FIRST_PIPE_INSTANCE | overlapped("reader"),
    REJECT_REMOTE_CLIENTS,
    1,
    PIPE_SIZE,
    PIPE_SIZE,
    0,
    security("reader"),
  );
  if (reader === INVALID_HANDLE) throw lastError("make a pipe");

  const GENERIC_WRITE = 0x4000_0000, FILE_READ_ATTRIBUTES = 0x80, OPEN_EXISTING = 3;
  const writer = kernel32.CreateFileW(
    name,
    GENERIC_WRITE | FILE_READ_ATTRIBUTES,
    0,
    security("writer"),
    OPEN_EXISTING,
    overlapped("writer"),
    0n,
  );
  if (writer === INVALID_HANDLE) {
    const error = lastError("open a pipe");
    kernel32.CloseHandle(reader);
    throw error;
  }
  const pipe = { reader, writer };
  completionPort.add(pipe[ours]);
  return pipe;
}

/** One end of a pipe; its handle is closed once Windows has let go of it. */
class PipeEnd {
  readonly handle: bigint;
  #transfers = 0;
  #closed = false;

  constructor(handle: bigint) {
    this.handle = handle;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Counts `transfer` as under way on this handle. */
  protected async track<T>(transfer: Promise<T>): Promise<T> {
    this.#transfers++;
    const result = await transfer;
    this.#transfers--;
    this.#release();
    return result;
  }

  /** Ends what is under way and gives the handle back; may be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    kernel32.CancelIoEx(this.handle, null);
    this.#release();
  }

  #release(): void {
    if (this.#closed && this.#transfers === 0) kernel32.CloseHandle(this.handle);
  }
}

/** Our end of a pipe that a program writes to. Closes itself at end of file. */
export class PipeReader extends PipeEnd implements ByteSource {
  readonly #chunks: Uint8Array[] = [];
  #filling?: Promise<void>;
  #discarding = false;

  async read(): Promise<Uint8Array | null> {
    while (this.#chunks.length === 0 && !this.closed) await this.#fill();
    return this.#chunks.shift() ?? null;
  }

  /** Reads on until end of file whether anyone takes the bytes or not. */
  async readAhead(): Promise<void> {
    while (!this.closed) await this.#fill();
  }

  /** Reads on until end of file and drops the bytes. */
  discard(): Promise<void> {
    this.#discarding = true;
    this.#chunks.length = 0;
    return this.readAhead();
  }

  /** Waits for the next chunk; callers at the same time share one read. */
  #fill(): Promise<void> {
    this.#filling ??= this.#readChunk().finally(() => this.#filling = undefined);
    return this.#filling;
  }

  async #readChunk(): Promise<void> {
    const buffer = new Uint8Array(PIPE_SIZE);
    const { status, length } = await this.track(completionPort.read(this.handle, buffer));
    // The usual failure is STATUS_PIPE_BROKEN: all writers are gone. After any other there is no
    // more either.
    if (isFailure(status)) return this.close();
    if (length > 0 && !this.#discarding) this.#chunks.push(buffer.slice(0, length));
  }
}

/** Our end of a pipe that a program reads from. */
export class PipeWriter extends PipeEnd {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when the pipe has taken the bytes; they are dropped when nobody will read them. */
  async write(bytes: Uint8Array): Promise<void> {
    // Windows would hand a write of no bytes on as a read of none, which programs take for end of
    // file.
    if (this.closed || bytes.length === 0) return;
    const copy = new Uint8Array(new ArrayBuffer(bytes.length));
    copy.set(bytes);
    const written = this.track(completionPort.write(this.handle, copy));
    this.#last = written;
    if (isFailure((await written).status)) this.close();
  }

  /** Closes once what was written is taken. */
  async end(): Promise<void> {
    await this.#last;
    this.close();
  }
}
