import {
  type Directory,
  type FileStat,
  type FileTarget,
  FileType,
  SystemError,
} from "./file_system.ts";
import { encodeBytes } from "../../../text/byte_text.ts";
import { NodeFiles } from "./node_files.ts";
import { DRIVES_ROOT } from "./paths.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

const ROOT_STAT: FileStat = {
  mode: FileType.directory | 0o555,
  uid: 0,
  gid: 0,
  size: 0,
  atime: 0,
  mtime: 0,
  nlink: 1,
  identity: "",
};

/** Windows through node:fs, with {@link DRIVES_ROOT} as a directory of the drives. */
export class WindowsFiles extends NodeFiles {
  override stat(target: FileTarget): FileStat {
    if ("path" in target && target.path === DRIVES_ROOT) return ROOT_STAT;
    return super.stat(target);
  }

  override openDirectory(path: string): Directory {
    return path === DRIVES_ROOT ? this.#drives() : super.openDirectory(path);
  }

  override chown(): never {
    throw new SystemError("ENOSYS", "Windows has no numeric owners");
  }

  #drives(): Directory {
    const letters = [...LETTERS].reverse();
    return {
      next: () => {
        for (let letter = letters.pop(); letter !== undefined; letter = letters.pop()) {
          try {
            const stat = this.stat({ path: `${letter}:\\`, follow: true });
            return { name: encodeBytes(`${letter}:`), stat };
          } catch {
            // No such drive, or it is empty.
          }
        }
        return null;
      },
      close: () => {},
    };
  }
}
