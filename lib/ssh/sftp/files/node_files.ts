import fs from "node:fs";
import {
  type Directory,
  type DirectoryEntry,
  type FileStat,
  type FileSystem,
  type FileSystemStat,
  type FileTarget,
  FileType,
  fileType,
  type OpenOptions,
  SystemError,
} from "./file_system.ts";
import { encodeBytes } from "../../../text/byte_text.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } =
  fs.constants;

/** Splits a message such as `ENOENT: no such file or directory, open 'x'`. */
function systemError(error: unknown): SystemError {
  const { code = "EIO", message } = error as { code?: string; message: string };
  const text = message.startsWith(`${code}: `)
    ? message.slice(code.length + 2).split(", ")[0]!
    : message;
  return new SystemError(code, text);
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw systemError(error);
  }
}

/** Refuses a name that is not valid Unicode: Deno would change it. */
function checked(path: string): string {
  if (!path.isWellFormed()) throw new SystemError("EILSEQ", "Illegal byte sequence");
  return path;
}

function fromStats(stat: fs.Stats): FileStat {
  return {
    // On Windows Deno reports directories without the x bits, and a client would copy that.
    mode: stat.isDirectory() && Deno.build.os === "windows" ? stat.mode | 0o111 : stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    atime: Math.floor(stat.atimeMs / 1000),
    mtime: Math.floor(stat.mtimeMs / 1000),
    nlink: stat.nlink,
    identity: stat.ino ? `${stat.dev}:${stat.ino}` : "",
  };
}

/** A directory whose names were read when it was opened. */
class NodeDirectory implements Directory {
  readonly #path: string;
  readonly #names: string[];
  #next = 0;

  constructor(path: string) {
    this.#path = path;
    this.#names = [".", "..", ...fs.readdirSync(path)];
  }

  next(): DirectoryEntry | null {
    for (;;) {
      const name = this.#names[this.#next++];
      if (name === undefined) return null;
      try {
        const stat = fromStats(fs.lstatSync(`${this.#path}/${name}`));
        return { name: encodeBytes(name), stat };
      } catch {
        // Deleted since it was listed.
      }
    }
  }

  close(): void {}
}

/** Any system through node:fs; names must be Unicode. */
export class NodeFiles implements FileSystem {
  /** The path by which each file was opened. */
  readonly #paths = new Map<number, string>();

  [Symbol.dispose](): void {}

  open(path: string, options: OpenOptions): number {
    const { read, write, append, create, truncate, exclusive, mode } = options;
    // Without O_NONBLOCK opening a FIFO would wait for its other end. Windows has neither flag.
    const always = (O_NOCTTY ?? 0) | (O_NONBLOCK ?? 0);
    const made = (create ? O_CREAT : 0) | (create && exclusive ? O_EXCL : 0);
    const fd = attempt(() => {
      checked(path);
      // Deno creates only files that are written, and does not truncate one to read or append.
      if (create && !write) fs.closeSync(fs.openSync(path, always | O_WRONLY | made, mode));
      if (!write) return fs.openSync(path, always | O_RDONLY);
      const access = (read ? O_RDWR : O_WRONLY) | (append ? O_APPEND : 0);
      return fs.openSync(path, always | access | made, mode);
    });
    this.#paths.set(fd, path);
    try {
      if (truncate) this.truncate({ path, follow: true }, 0);
    } catch (error) {
      this.close(fd);
      throw error;
    }
    return fd;
  }

  close(fd: number): void {
    this.#paths.delete(fd);
    attempt(() => fs.closeSync(fd));
  }

  read(fd: number, into: Uint8Array<ArrayBuffer>, offset: number): number {
    return attempt(() => fs.readSync(fd, into, 0, into.length, offset));
  }

  write(fd: number, bytes: Uint8Array<ArrayBuffer>, offset: number): number {
    return attempt(() => fs.writeSync(fd, bytes, 0, bytes.length, offset));
  }

  sync(fd: number): void {
    attempt(() => fs.fsyncSync(fd));
  }

  stat(target: FileTarget): FileStat {
    return attempt(() => {
      if ("fd" in target) return fromStats(fs.fstatSync(target.fd));
      const path = checked(target.path);
      return fromStats(target.follow ? fs.statSync(path) : fs.lstatSync(path));
    });
  }

  statFileSystem(target: FileTarget): FileSystemStat {
    const path = "fd" in target ? this.#paths.get(target.fd)! : checked(target.path);
    const stat = attempt(() => fs.statfsSync(path, { bigint: true }));
    return {
      bsize: stat.bsize,
      frsize: stat.bsize,
      blocks: stat.blocks,
      bfree: stat.bfree,
      bavail: stat.bavail,
      files: stat.files,
      ffree: stat.ffree,
      favail: stat.ffree,
      fsid: 0n,
      flag: 0n,
      namemax: 255n,
    };
  }

  truncate(target: FileTarget, size: number): void {
    attempt(() =>
      "fd" in target
        ? fs.ftruncateSync(target.fd, size)
        : fs.truncateSync(checked(target.path), size)
    );
  }

  chmod(target: FileTarget, mode: number): void {
    if ("fd" in target) return attempt(() => fs.fchmodSync(target.fd, mode));
    if (!target.follow && fileType(this.stat(target)) === FileType.link) {
      throw new SystemError("ENOTSUP", "Operation not supported");
    }
    attempt(() => fs.chmodSync(checked(target.path), mode));
  }

  chown(target: FileTarget, uid: number, gid: number): void {
    attempt(() => {
      if ("fd" in target) return fs.fchownSync(target.fd, uid, gid);
      const change = target.follow ? fs.chownSync : fs.lchownSync;
      change(checked(target.path), uid, gid);
    });
  }

  utimes(target: FileTarget, atime: number, mtime: number): void {
    attempt(() => {
      if ("fd" in target) return fs.futimesSync(target.fd, atime, mtime);
      const change = target.follow ? fs.utimesSync : fs.lutimesSync;
      change(checked(target.path), atime, mtime);
    });
  }

  openDirectory(path: string): Directory {
    return attempt(() => new NodeDirectory(checked(path)));
  }

  mkdir(path: string, mode: number): void {
    attempt(() => fs.mkdirSync(checked(path), { mode }));
  }

  rmdir(path: string): void {
    attempt(() => fs.rmdirSync(checked(path)));
  }

  unlink(path: string): void {
    attempt(() => fs.unlinkSync(checked(path)));
  }

  rename(from: string, to: string): void {
    attempt(() => fs.renameSync(checked(from), checked(to)));
  }

  link(existing: string, path: string): void {
    attempt(() => fs.linkSync(checked(existing), checked(path)));
  }

  symlink(target: string, path: string): void {
    attempt(() => fs.symlinkSync(checked(target), checked(path)));
  }

  readlink(path: string): string {
    return attempt(() => fs.readlinkSync(checked(path)));
  }
}
