/**
 * The functions of glibc that processes and terminals need, by their own names; their meaning is in
 * the manual pages of the same names. Only Linux has them.
 *
 * @module
 */
import { encodeBytes } from "../../text/byte_text.ts";

/** Of read(2) and write(2) no caller asks for 2 GiB, so their results fit. */
export const libc = Deno.dlopen("libc.so.6", {
  access: { parameters: ["buffer", "i32"], result: "i32" },
  chdir: { parameters: ["buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  /** The address of the variable. */
  environ: { type: "pointer" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  /** Runs on one of Deno's threads for blocking calls. */
  epoll_wait: {
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  getcwd: { parameters: ["buffer", "usize"], result: "pointer" },
  grantpt: { parameters: ["i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  posix_openpt: { parameters: ["i32"], result: "i32" },
  posix_spawn: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  /** Since glibc 2.29. */
  posix_spawn_file_actions_addchdir_np: {
    parameters: ["buffer", "buffer"],
    result: "i32",
    optional: true,
  },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_addopen: {
    parameters: ["buffer", "i32", "buffer", "i32", "u32"],
    result: "i32",
  },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  posix_spawnattr_setsigdefault: { parameters: ["buffer", "buffer"], result: "i32" },
  ptsname_r: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  strlen: { parameters: ["pointer"], result: "usize" },
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  tcgetpgrp: { parameters: ["i32"], result: "i32" },
  tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  unlockpt: { parameters: ["i32"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
}).symbols;

/** Flags of open(2), posix_openpt(3), pipe2(2) and the like, the same on x86-64 and ARM64. */
export const O_RDWR = 2, O_NOCTTY = 0o400, O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;

/** Commands of fcntl(2). */
export const F_SETFD = 2, F_SETFL = 4, F_SETPIPE_SZ = 1031;
export const FD_CLOEXEC = 1;

/**
 * Text as a C string.
 *
 * @throws {TypeError} if it holds a NUL, which would end it
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("it contains a NUL character");
  return encodeBytes(`${text}\0`);
}

/** Texts as C has argv and environ: an array of pointers to strings, NULL at its end. */
export function cStrings(texts: string[]): Uint8Array<ArrayBuffer> {
  const strings = texts.map(cString);
  const tableLength = 8 * (strings.length + 1);
  const size = strings.reduce((sum, { length }) => sum + length, tableLength);
  // In one piece, which lives as long as the call that it is passed to.
  const memory = new Uint8Array(size);
  const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(memory));
  const table = new DataView(memory.buffer);
  let at = tableLength;
  for (const [index, string] of strings.entries()) {
    memory.set(string, at);
    table.setBigUint64(8 * index, base + BigInt(at), true);
    at += string.length;
  }
  return memory;
}

/** What the system says of an error number. */
export function errorText(number: number): string {
  const pointer = libc.strerror(number);
  return pointer === null ? `error ${number}` : Deno.UnsafePointerView.getCString(pointer);
}
