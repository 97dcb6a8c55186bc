/**
 * The TCP connections of this process as Linux knows them, through the C library: Deno tells
 * neither how much a connection has received nor does it end one.
 *
 * @module
 */

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const;

// The numbers are the same on x86-64 and ARM64.
const O_DIRECTORY_AND_CLOEXEC = Deno.build.arch === "aarch64" ? 0o2040000 : 0o2200000;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_INFO = 11;
const TCP_NOTSENT_LOWAT = 25;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const FIONREAD = 0x541bn;
const SHUT_RDWR = 2;

/** How many bytes of directory entries to read at a time: about a thousand descriptors. */
const SLICE = 24 * 1_024;

/** One accepted connection. */
export interface OwnSocket {
  fd: number;
  /** From {@link peerKey}. */
  peer: string;
  /** Bytes received so far, without those that the process has not read yet. */
  received: number;
  /** Bytes that the process has not read yet. */
  unread: number;
  /** Bytes sent so far that the peer has acknowledged. */
  acknowledged: number;
  /** Whether bytes wait for the peer to take them. */
  sending: boolean;
}

/** Reads and ends the connections that a port has accepted. */
export interface Sockets extends Disposable {
  /** All of them, in slices, so that the caller can do something else in between. */
  slices(port: number): Iterable<OwnSocket[]>;
  /** Ends a connection, if the descriptor is still this peer's. */
  end(socket: OwnSocket, port: number): void;
  /**
   * Has each connection that the port accepts from now on send small messages at once, and keep at
   * most so many bytes unsent.
   */
  prepare(port: number, maxUnsent: number): void;
  /** Has the port accept nothing more; what it has accepted goes on. */
  stopListening(port: number): void;
}

/** What tells connections to one port apart: the address and port of the peer. */
export function peerKey(address: Uint8Array, port: number): string {
  const isMapped = address.length === 16 && address.subarray(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff && address[11] === 0xff;
  return `${(isMapped ? address.subarray(12) : address).join(".")}:${port}`;
}

/** {@link Sockets} of Linux. */
export class OwnSockets implements Sockets {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  /** `/proc/self/fd`, open all the time: it works when no descriptor is left, too. */
  readonly #directory: number;
  readonly #address = new Uint8Array(28);
  readonly #addressView = new DataView(this.#address.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  readonly #info = new Uint8Array(256);
  readonly #infoView = new DataView(this.#info.buffer);

  /** @throws {Error} on other systems, or without the permission for `Deno.dlopen` */
  constructor() {
    if (Deno.build.os !== "linux") throw new Error(`this works on Linux, not on ${Deno.build.os}`);
    this.#library = Deno.dlopen("libc.so.6", SYMBOLS);
    const path = new TextEncoder().encode("/proc/self/fd\0");
    this.#directory = this.#library.symbols.open(path, O_DIRECTORY_AND_CLOEXEC);
    if (this.#directory >= 0) return;
    this.#library.close();
    throw new Error("cannot open /proc/self/fd");
  }

  *slices(port: number): Iterable<OwnSocket[]> {
    for (const fds of this.#descriptors()) yield fds.flatMap((fd) => this.#read(fd, port) ?? []);
  }

  *#descriptors(): Iterable<number[]> {
    const { lseek, getdents64 } = this.#library.symbols;
    lseek(this.#directory, 0n, 0);
    const entries = new Uint8Array(SLICE);
    for (;;) {
      const length = Number(getdents64(this.#directory, entries, BigInt(SLICE)));
      if (length <= 0) return;
      yield descriptors(entries.subarray(0, length));
    }
  }

  end(socket: OwnSocket, port: number): void {
    if (this.#peer(socket.fd, port) === socket.peer) {
      const { setsockopt, shutdown } = this.#library.symbols;
      // What the peer has not taken is discarded, and the peer gets a reset.
      const linger = new Uint8Array(Int32Array.of(1, 0).buffer);
      setsockopt(socket.fd, SOL_SOCKET, SO_LINGER, linger, linger.length);
      shutdown(socket.fd, SHUT_RDWR);
    }
  }

  prepare(port: number, maxUnsent: number): void {
    // What the port accepts inherits them. Deno 2.9 sets the first one itself, 2.7 does not: there
    // what comes behind a small message would wait up to 40 ms, for a delayed acknowledgement.
    const options = [[TCP_NODELAY, 1], [TCP_NOTSENT_LOWAT, maxUnsent]] as const;
    for (const fd of this.#listeners(port)) {
      for (const [option, value] of options) {
        const bytes = new Uint8Array(Int32Array.of(value).buffer);
        this.#library.symbols.setsockopt(fd, IPPROTO_TCP, option, bytes, bytes.length);
      }
    }
  }

  stopListening(port: number): void {
    for (const fd of this.#listeners(port)) this.#library.symbols.shutdown(fd, SHUT_RDWR);
  }

  /** The sockets that listen on a port: they have no peer. */
  #listeners(port: number): number[] {
    const { getsockname, getpeername } = this.#library.symbols;
    return [...this.#descriptors()].flat().filter((fd) => {
      const isOwn = this.#name(getsockname, fd) && this.#addressView.getUint16(2) === port;
      return isOwn && this.#name(getpeername, fd) === undefined;
    });
  }

  [Symbol.dispose](): void {
    this.#library.symbols.close(this.#directory);
    this.#library.close();
  }

  #read(fd: number, port: number): OwnSocket | undefined {
    const peer = this.#peer(fd, port);
    if (peer === undefined) return undefined;
    const { getsockopt, ioctl } = this.#library.symbols;
    this.#length[0] = this.#info.length;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#info, this.#lengthBytes) !== 0) return;
    // struct tcp_info of linux/tcp.h.
    const info = this.#infoView;
    const acknowledged = Number(info.getBigUint64(120, true));
    const received = Number(info.getBigUint64(128, true));
    const sending = info.getUint32(24, true) > 0 || info.getUint32(144, true) > 0;
    const unread = ioctl(fd, FIONREAD, this.#lengthBytes) === 0 ? this.#length[0]! : 0;
    return { fd, peer, received: received - unread, unread, acknowledged, sending };
  }

  /** The peer's key, if `fd` is a connection that `port` has accepted. */
  #peer(fd: number, port: number): string | undefined {
    const { getsockname, getpeername } = this.#library.symbols;
    const own = this.#name(getsockname, fd);
    if (own === undefined || this.#addressView.getUint16(2) !== port) return undefined;
    const family = this.#name(getpeername, fd);
    if (family === undefined) return undefined;
    const address = this.#address.subarray(...(family === AF_INET ? [4, 8] : [8, 24]));
    return peerKey(address, this.#addressView.getUint16(2));
  }

  /** Fills in the address of one end (struct sockaddr_in, sockaddr_in6) and returns its family. */
  #name(
    read: (fd: number, address: Uint8Array<ArrayBuffer>, length: Uint8Array<ArrayBuffer>) => number,
    fd: number,
  ): number | undefined {
    this.#length[0] = this.#address.length;
    if (read(fd, this.#address, this.#lengthBytes) !== 0) return undefined;
    const family = this.#addressView.getUint16(0, true);
    return family === AF_INET || family === AF_INET6 ? family : undefined;
  }
}

/** The numbers that are the names of directory entries (struct linux_dirent64). */
function descriptors(entries: Uint8Array): number[] {
  const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
  const found: number[] = [];
  for (let at = 0; at < entries.length; at += view.getUint16(at + 16, true)) {
    let number = 0;
    for (let i = at + 19; entries[i]! >= 0x30 && entries[i]! <= 0x39; i++) {
      number = number * 10 + entries[i]! - 0x30;
    }
    // "." and ".." come out as 0, which is standard input.
    if (number > 0) found.push(number);
  }
  return found;
}
