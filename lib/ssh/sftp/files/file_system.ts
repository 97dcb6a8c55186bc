/**
 * What the SFTP server needs of a file system. All calls are synchronous: they run in a thread that
 * serves one client. Paths are the system's own, names as in lib/text/byte_text.ts.
 *
 * @module
 */

/** An error of the system. */
export class SystemError extends Error {
  override name = "SystemError";

  /**
   * @param code the name of the error, for instance `ENOENT`
   * @param message the system's text for it
   */
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

/** One file. Times are seconds since the epoch. */
export interface FileStat {
  /** Type and permissions as in POSIX. */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  atime: number;
  mtime: number;
  nlink: number;
  /** Device and inode, by which two handles can be compared; "" if unknown. */
  identity: string;
}

/** One name in a directory, and its lstat(2). */
export interface DirectoryEntry {
  name: Uint8Array;
  stat: FileStat;
}

/** A directory that is being listed. */
export interface Directory {
  /** The next entry, `.` and `..` too, or null at the end. Skips entries deleted meanwhile. */
  next(): DirectoryEntry | null;
  close(): void;
}

/** The result of statvfs(3), in the order of the reply to `statvfs@openssh.com`. */
export interface FileSystemStat {
  bsize: bigint;
  frsize: bigint;
  blocks: bigint;
  bfree: bigint;
  bavail: bigint;
  files: bigint;
  ffree: bigint;
  favail: bigint;
  fsid: bigint;
  /** 1: read-only, 2: no set-user-ID bits. */
  flag: bigint;
  namemax: bigint;
}

/** How to open a file: the flags of open(2). */
export interface OpenOptions {
  read: boolean;
  write: boolean;
  append: boolean;
  create: boolean;
  truncate: boolean;
  exclusive: boolean;
  /** The permissions of a new file, before the umask. */
  mode: number;
}

/** A file by its path, with or without following a symbolic link, or by its descriptor. */
export type FileTarget =
  | { path: string; follow: boolean }
  | { fd: number };

/** Every method throws {@link SystemError}. */
export interface FileSystem extends Disposable {
  open(path: string, options: OpenOptions): number;
  close(fd: number): void;
  /** Reads at `offset`; returns how many bytes, 0 at the end of the file. */
  read(fd: number, into: Uint8Array<ArrayBuffer>, offset: number): number;
  /**
   * Writes at `offset`, or at the end if opened to append; returns how many bytes, at least one.
   */
  write(fd: number, bytes: Uint8Array<ArrayBuffer>, offset: number): number;
  sync(fd: number): void;
  stat(target: FileTarget): FileStat;
  statFileSystem(target: FileTarget): FileSystemStat;
  truncate(target: FileTarget, size: number): void;
  chmod(target: FileTarget, mode: number): void;
  chown(target: FileTarget, uid: number, gid: number): void;
  /** Both in seconds since the epoch. */
  utimes(target: FileTarget, atime: number, mtime: number): void;
  openDirectory(path: string): Directory;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  /** Replaces `to`. */
  rename(from: string, to: string): void;
  link(existing: string, path: string): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
}

/** The file type in a mode. */
export const FileType = {
  mask: 0o170000,
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  regular: 0o100000,
  link: 0o120000,
  socket: 0o140000,
} as const;

/** The file type of `stat`, one of {@link FileType}. */
export function fileType(stat: FileStat): number {
  return stat.mode & FileType.mask;
}
