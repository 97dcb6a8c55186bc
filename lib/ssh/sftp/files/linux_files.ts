import { constants } from "node:fs";
import {
  type Directory,
  type DirectoryEntry,
  type FileStat,
  type FileSystem,
  type FileSystemStat,
  type FileTarget,
  type OpenOptions,
  SystemError,
} from "./file_system.ts";
import { type LibC, Linux } from "./libc.ts";
import { decodeBytes, encodeBytes } from "../../../text/byte_text.ts";

/** A path as a C string. */
function cPath(path: string): Uint8Array<ArrayBuffer> {
  if (path.includes("\0")) throw new SystemError("EINVAL", "Invalid argument");
  return encodeBytes(path + "\0");
}

const NO_PATH = new Uint8Array(1);

/** struct statx of statx(2), the same on every architecture. */
function readStatx(view: DataView): FileStat {
  const seconds = (offset: number) => Number(view.getBigInt64(offset, true));
  return {
    nlink: view.getUint32(16, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    mode: view.getUint16(28, true),
    size: Number(view.getBigUint64(40, true)),
    atime: seconds(64),
    mtime: seconds(112),
    identity: [136, 140, 32, 36].map((offset) => view.getUint32(offset, true)).join(":"),
  };
}

/** struct statvfs of statvfs(3) on 64-bit systems. */
function readStatvfs(view: DataView): FileSystemStat {
  const field = (index: number) => view.getBigUint64(index * 8, true);
  return {
    bsize: field(0),
    frsize: field(1),
    blocks: field(2),
    bfree: field(3),
    bavail: field(4),
    files: field(5),
    ffree: field(6),
    favail: field(7),
    fsid: field(8),
    flag: field(9) & 3n,
    namemax: field(10),
  };
}

/** A directory, read by getdents64(2) and statx(2) relative to it: it may be renamed meanwhile. */
class LinuxDirectory implements Directory {
  readonly #files: LinuxFiles;
  readonly #fd: number;
  readonly #bytes = new Uint8Array(32 * 1024);
  readonly #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;

  constructor(files: LinuxFiles, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  next(): DirectoryEntry | null {
    for (;;) {
      if (this.#start === this.#end) {
        this.#start = 0;
        this.#end = this.#read();
        if (this.#end === 0) return null;
      }
      // struct linux_dirent64: inode, offset, 16-bit record length, type, name ending in NUL.
      const record = this.#start;
      this.#start += this.#view.getUint16(record + 16, true);
      const name = this.#bytes.subarray(record + 19, this.#start);
      try {
        const stat = this.#files.statAt(this.#fd, name, Linux.atSymlinkNofollow);
        return { name: name.subarray(0, name.indexOf(0)), stat };
      } catch {
        // Deleted since it was listed.
      }
    }
  }

  /** A removed directory is at its end, as for readdir(3). */
  #read(): number {
    try {
      return this.#files.libc.getdents(this.#fd, this.#bytes);
    } catch (error) {
      if ((error as SystemError).code === "ENOENT") return 0;
      throw error;
    }
  }

  close(): void {
    this.#files.close(this.#fd);
  }
}

/** Linux through its C library: names of any bytes, and the system's own error messages. */
export class LinuxFiles implements FileSystem {
  readonly libc: LibC;
  readonly #struct = new Uint8Array(256);
  readonly #view = new DataView(this.#struct.buffer);

  /** @param libc is closed with this */
  constructor(libc: LibC) {
    this.libc = libc;
  }

  [Symbol.dispose](): void {
    this.libc[Symbol.dispose]();
  }

  /** Calls the function for a path or the one for a descriptor. */
  #at(
    target: FileTarget,
    byPath: (path: Uint8Array<ArrayBuffer>, flags: number) => number,
    byFd: (fd: number) => number,
  ): void {
    this.libc.check(
      "fd" in target
        ? byFd(target.fd)
        : byPath(cPath(target.path), target.follow ? 0 : Linux.atSymlinkNofollow),
    );
  }

  open(path: string, options: OpenOptions): number {
    const access = !options.write
      ? constants.O_RDONLY
      : options.read
      ? constants.O_RDWR
      : constants.O_WRONLY;
    // Without O_NONBLOCK opening a FIFO would wait for its other end.
    const flags = access | Linux.openCloseOnExec | constants.O_NOCTTY | constants.O_NONBLOCK |
      (options.append ? constants.O_APPEND : 0) |
      (options.create ? constants.O_CREAT : 0) |
      (options.truncate ? constants.O_TRUNC : 0) |
      (options.exclusive ? constants.O_EXCL : 0);
    return this.libc.check(this.libc.call.open(cPath(path), flags, options.mode));
  }

  close(fd: number): void {
    this.libc.check(this.libc.call.close(fd));
  }

  read(fd: number, into: Uint8Array<ArrayBuffer>, offset: number): number {
    return this.libc.check(this.libc.call.pread(fd, into, BigInt(into.length), BigInt(offset)));
  }

  write(fd: number, bytes: Uint8Array<ArrayBuffer>, offset: number): number {
    return this.libc.check(this.libc.call.pwrite(fd, bytes, BigInt(bytes.length), BigInt(offset)));
  }

  sync(fd: number): void {
    this.libc.check(this.libc.call.fsync(fd));
  }

  /** Like {@link stat}, for a path relative to directory `fd`, with flags of statx(2). */
  statAt(fd: number, path: Uint8Array<ArrayBuffer>, flags: number): FileStat {
    const { statx } = this.libc.call;
    this.libc.check(statx(fd, path, flags, Linux.statxBasic, this.#struct));
    return readStatx(this.#view);
  }

  stat(target: FileTarget): FileStat {
    if ("fd" in target) return this.statAt(target.fd, NO_PATH, Linux.atEmptyPath);
    const flags = target.follow ? 0 : Linux.atSymlinkNofollow;
    return this.statAt(Linux.atFdCwd, cPath(target.path), flags);
  }

  statFileSystem(target: FileTarget): FileSystemStat {
    const { statvfs, fstatvfs } = this.libc.call;
    this.#at(target, (path) => statvfs(path, this.#struct), (fd) => fstatvfs(fd, this.#struct));
    return readStatvfs(this.#view);
  }

  truncate(target: FileTarget, size: number): void {
    const { truncate, ftruncate } = this.libc.call;
    const length = BigInt(size);
    this.#at(target, (path) => truncate(path, length), (fd) => ftruncate(fd, length));
  }

  chmod(target: FileTarget, mode: number): void {
    const { fchmodat, fchmod } = this.libc.call;
    this.#at(
      target,
      (path, flags) => fchmodat(Linux.atFdCwd, path, mode, flags),
      (fd) => fchmod(fd, mode),
    );
  }

  chown(target: FileTarget, uid: number, gid: number): void {
    const { fchownat, fchown } = this.libc.call;
    this.#at(
      target,
      (path, flags) => fchownat(Linux.atFdCwd, path, uid, gid, flags),
      (fd) => fchown(fd, uid, gid),
    );
  }

  utimes(target: FileTarget, atime: number, mtime: number): void {
    const { utimensat, futimens } = this.libc.call;
    const times = new Uint8Array(BigInt64Array.of(BigInt(atime), 0n, BigInt(mtime), 0n).buffer);
    this.#at(
      target,
      (path, flags) => utimensat(Linux.atFdCwd, path, times, flags),
      (fd) => futimens(fd, times),
    );
  }

  openDirectory(path: string): Directory {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | Linux.openCloseOnExec;
    return new LinuxDirectory(this, this.libc.check(this.libc.call.open(cPath(path), flags, 0)));
  }

  mkdir(path: string, mode: number): void {
    this.libc.check(this.libc.call.mkdir(cPath(path), mode));
  }

  rmdir(path: string): void {
    this.libc.check(this.libc.call.rmdir(cPath(path)));
  }

  unlink(path: string): void {
    this.libc.check(this.libc.call.unlink(cPath(path)));
  }

  rename(from: string, to: string): void {
    this.libc.check(this.libc.call.rename(cPath(from), cPath(to)));
  }

  link(existing: string, path: string): void {
    this.libc.check(this.libc.call.link(cPath(existing), cPath(path)));
  }

  symlink(target: string, path: string): void {
    this.libc.check(this.libc.call.symlink(cPath(target), cPath(path)));
  }

  readlink(path: string): string {
    const into = new Uint8Array(4096);
    const size = BigInt(into.length);
    const length = this.libc.check(this.libc.call.readlink(cPath(path), into, size));
    return decodeBytes(into.subarray(0, length));
  }
}
