import { F_SETFD, FD_CLOEXEC, libc } from "./libc.ts";

/**
 * Keeps what this process has open, apart from stdin, stdout and stderr, from the programs that it
 * starts. Runners and scripts leave pipes open in the programs of a job, and wait until the last
 * program that has one is gone.
 */
export function keepDescriptors(): void {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    if (Number(name) > 2) libc.fcntl(Number(name), F_SETFD, FD_CLOEXEC);
  }
}
