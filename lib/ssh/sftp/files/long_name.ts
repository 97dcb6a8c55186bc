import { type FileStat, FileType, fileType } from "./file_system.ts";
import type { Users } from "./users.ts";

const TYPE_LETTERS: Record<number, string> = {
  [FileType.fifo]: "p",
  [FileType.character]: "c",
  [FileType.directory]: "d",
  [FileType.block]: "b",
  [FileType.regular]: "-",
  [FileType.link]: "l",
  [FileType.socket]: "s",
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Half a year in milliseconds: older files show the year instead of the time of day. */
const RECENT = 365 / 2 * 24 * 60 * 60 * 1000;

/** Three letters for three bits; `special` replaces the x for a set-ID or sticky bit. */
function permissionLetters(bits: number, isSpecial: boolean, special: string): string {
  const execute = (bits & 1) !== 0;
  const last = isSpecial ? (execute ? special : special.toUpperCase()) : execute ? "x" : "-";
  return (bits & 4 ? "r" : "-") + (bits & 2 ? "w" : "-") + last;
}

/** The mode as ls(1) shows it, for instance `drwxr-xr-x`. */
export function formatMode(stat: FileStat): string {
  const { mode } = stat;
  return (TYPE_LETTERS[fileType(stat)] ?? "?") +
    permissionLetters(mode >> 6, (mode & 0o4000) !== 0, "s") +
    permissionLetters(mode >> 3, (mode & 0o2000) !== 0, "s") +
    permissionLetters(mode, (mode & 0o1000) !== 0, "t");
}

function formatTime(seconds: number, now: number): string {
  const time = new Date(seconds * 1000);
  const day = `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
  if (time.getTime() > now || time.getTime() < now - RECENT) {
    return `${day} ${String(time.getFullYear()).padStart(5)}`;
  }
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${day} ${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

/**
 * The line of `ls -l` for a file, up to its name.
 *
 * @param now milliseconds since the epoch
 */
export function formatLongName(stat: FileStat, users: Users, now: number): string {
  const owner = users.userName(stat.uid) ?? String(stat.uid);
  const group = users.groupName(stat.gid) ?? String(stat.gid);
  return [
    formatMode(stat),
    String(stat.nlink).padStart(3),
    owner.padEnd(8),
    group.padEnd(8),
    String(stat.size).padStart(8),
    formatTime(stat.mtime, now),
    "",
  ].join(" ");
}
