/**
 * Translates between SFTP's paths (section 6.2) and the system's.
 *
 * @module
 */

import { win32 } from "node:path";
import type { FileSystem } from "./file_system.ts";
import { realPath } from "./real_path.ts";

/** Translates paths for one client. */
export interface Paths {
  /** The system's path; a relative one starts from the client's directory. */
  toSystem(path: string): string;
  /** The client's path for an absolute path of the system. */
  fromSystem(path: string): string;
  /** The client's path for its own `path`, with `.`, `..` and links resolved. */
  canonical(path: string, files: FileSystem): string;
  /** The target to write into a symbolic link. */
  toLink(target: string): string;
  /** The client's path for the target of a symbolic link. */
  fromLink(target: string): string;
}

/** Linux and macOS: both paths are the same, and `..` is left to the system. */
export class PosixPaths implements Paths {
  constructor(private readonly cwd: string) {}

  toSystem(path: string): string {
    if (path.startsWith("/")) return path;
    return path === "" ? this.cwd : `${this.cwd.replace(/\/$/, "")}/${path}`;
  }

  fromSystem(path: string): string {
    return path;
  }

  canonical(path: string, files: FileSystem): string {
    return realPath(files, this.toSystem(path));
  }

  toLink(target: string): string {
    return target;
  }

  fromLink(target: string): string {
    return target;
  }
}

/** The root above all drives, which Windows itself does not have. */
export const DRIVES_ROOT = "";

const DRIVE = /^[a-z]:/i;

/**
 * Windows, with paths as OpenSSH for Windows has them: `C:\x` is `/C:/x`, `\\server\share` is
 * `//server/share`, and `/` lists the drives. As there, a canonical path keeps its links.
 */
export class WindowsPaths implements Paths {
  constructor(private readonly cwd: string) {}

  toSystem(path: string): string {
    const slashes = path.replaceAll("\\", "/");
    if (slashes === "/" || /^\/[a-z]:\/+\.\.\/*$/i.test(slashes)) return DRIVES_ROOT;
    const native = slashes.replace(/^\/+(?=[a-z]:)/i, "").replaceAll("/", "\\");
    // A drive alone would be that drive's current directory.
    if (DRIVE.test(native)) return win32.resolve(native.replace(/^(.:)(?!\\)/, "$1\\"));
    return win32.resolve(this.cwd, native);
  }

  fromSystem(path: string): string {
    const slashes = path.replaceAll("\\", "/");
    return DRIVE.test(slashes) || slashes === DRIVES_ROOT ? `/${slashes}` : slashes;
  }

  canonical(path: string): string {
    return this.fromSystem(this.toSystem(path));
  }

  toLink(target: string): string {
    return target.replace(/^\/+(?=[a-z]:)/i, "").replaceAll("/", "\\");
  }

  fromLink(target: string): string {
    return this.fromSystem(target.replace(/^\\\\\?\\/, ""));
  }
}
