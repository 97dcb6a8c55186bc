/** Standard input and output, as `Deno.stdin` and `Deno.stdout` are. */
import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";
import { NodeConnection } from "./connection.ts";

/** Whether a descriptor is a pipe or a socket, as ssh hands them to its ProxyCommand. */
function isStream(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() || stat.isSocket();
}

/**
 * Opens a descriptor. Node's own stdin and stdout serve terminals and files; on pipes its stdout
 * would hold up the whole program while nobody reads it.
 */
function open(fd: number, own: () => unknown): NodeConnection {
  const ends = { readable: fd === 0, writable: fd !== 0 };
  return new NodeConnection((isStream(fd) ? new Socket({ fd, ...ends }) : own()) as Socket);
}

/** A descriptor that is opened when it is first used: a stream that is open keeps Node running. */
class NodeStdio {
  readonly #fd: number;
  readonly #own: () => unknown;
  #opened: NodeConnection | undefined;

  constructor(fd: number, own: () => unknown) {
    this.#fd = fd;
    this.#own = own;
  }

  get #connection(): NodeConnection {
    return this.#opened ??= open(this.#fd, this.#own);
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#connection.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#connection.write(bytes);
  }

  isTerminal(): boolean {
    return isatty(this.#fd);
  }

  writeSync(bytes: Uint8Array): number {
    return writeSync(this.#fd, bytes);
  }
}

export const stdin = new NodeStdio(0, () => process.stdin);
export const stdout = new NodeStdio(1, () => process.stdout);
export const stderr = new NodeStdio(2, () => process.stderr);
