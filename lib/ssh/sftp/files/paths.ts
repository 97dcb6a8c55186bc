/**
 * SFTP's paths (section 6.2: slashes, absolute ones begin with one) and the system's.
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
  /** What the client sees for an absolute path of the system's. */
  fromSystem(path: string): string;
  /** What the client sees for its own `path` once `.`, `..` and links are out of it. */
  canonical(path: string, files: FileSystem): string;
  /** What a symbolic link is to hold. */
  toLink(target: string): string;
  /** What the client sees for what a symbolic link holds. */
  fromLink(target: string): string;
}

/** Linux and macOS: the two are the same. Nothing is taken out, the system knows best what `..` is. */
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

/** Stands for the root above all drives, which Windows itself does not have. */
export const DRIVES_ROOT = "";

const DRIVE = /^[a-z]:/i;

/**
 * Windows, with paths as OpenSSH for Windows shows them: `C:\x` is `/C:/x`, `\\server\share` is
 * `//server/share`, and `/` lists the drives. Links stay in a canonical path, as they do there.
 */
export class WindowsPaths implements Paths {
  constructor(private readonly cwd: string) {}

  toSystem(path: string): string {
    const slashes = path.replaceAll("\\", "/");
    if (slashes === "/" || /^\/[a-z]:\/+\.\.\/*$/i.test(slashes)) return DRIVES_ROOT;
    const native = slashes.replace(/^\/+(?=[a-z]:)/i, "").replaceAll("/", "\\");
    // A bare drive would mean the current directory of that drive.
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
