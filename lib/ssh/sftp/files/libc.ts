/**
 * The system calls of Linux that the file system needs, from the C library: Deno's functions take
 * and return names as UTF-8 only, and change or lose other names.
 *
 * @module
 */

import { constants } from "node:os";
import { SystemError } from "./file_system.ts";

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  strerror: { parameters: ["i32"], result: "pointer" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  fsync: { parameters: ["i32"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  statvfs: { parameters: ["buffer", "buffer"], result: "i32" },
  fstatvfs: { parameters: ["i32", "buffer"], result: "i32" },
  truncate: { parameters: ["buffer", "i64"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  link: { parameters: ["buffer", "buffer"], result: "i32" },
  symlink: { parameters: ["buffer", "buffer"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  syscall: { parameters: ["i64", "i32", "buffer", "usize"], result: "i64" },
} as const;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

/** The number of getdents64(2); a function of that name is in newer C libraries only. */
const GETDENTS64 = { x86_64: 217, aarch64: 61 }[Deno.build.arch as "x86_64" | "aarch64"];

/** Flags, which have the same value on both architectures. */
export const Linux = {
  atFdCwd: -100,
  atSymlinkNofollow: 0x100,
  atEmptyPath: 0x1000,
  openCloseOnExec: 0o2000000,
  statxBasic: 0x7ff,
} as const;

const codes = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));

/** The C library's functions, for a thread that makes no other call before it reads errno. */
export class LibC implements Disposable {
  readonly #library: Library;
  readonly #errno: Deno.UnsafePointerView;
  readonly call: Library["symbols"];

  /** @throws {Error} if the library or one of the functions is missing */
  constructor() {
    this.#library = Deno.dlopen("libc.so.6", SYMBOLS);
    this.call = this.#library.symbols;
    this.#errno = new Deno.UnsafePointerView(this.call.__errno_location()!);
  }

  /** Whether this system and architecture are supported. */
  static get supported(): boolean {
    return Deno.build.os === "linux" && GETDENTS64 !== undefined;
  }

  /** Fills `into` with directory entries (struct linux_dirent64); returns how many bytes. */
  getdents(fd: number, into: Uint8Array<ArrayBuffer>): number {
    return this.check(this.call.syscall(BigInt(GETDENTS64), fd, into, BigInt(into.length)));
  }

  /**
   * Returns the result of the call just made.
   *
   * @throws {SystemError} for errno, if it is negative
   */
  check(result: number | bigint): number {
    if (result < 0) throw this.#error(this.#errno.getInt32());
    return Number(result);
  }

  #error(errno: number): SystemError {
    const text = Deno.UnsafePointerView.getCString(this.call.strerror(errno)!);
    return new SystemError(codes.get(errno) ?? `E${errno}`, text);
  }

  [Symbol.dispose](): void {
    this.#library.close();
  }
}
