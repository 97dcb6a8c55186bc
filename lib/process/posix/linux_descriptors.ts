/** fcntl(2), the same on all architectures of Linux. */
const F_SETFD = 2;
const FD_CLOEXEC = 1;

/**
 * Keeps what this process has open, apart from stdin, stdout and stderr, from the programs that it
 * starts. Runners and scripts leave pipes open in the programs of a job, and wait until the last
 * program that has one is gone.
 */
export function keepDescriptors(): void {
  const libc = Deno.dlopen("libc.so.6", {
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  });
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    if (Number(name) > 2) libc.symbols.fcntl(Number(name), F_SETFD, FD_CLOEXEC);
  }
  libc.close();
}
