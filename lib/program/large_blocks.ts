/** The parameter of mallopt(3). */
const M_MMAP_THRESHOLD = -3;

/** What counts as large, in bytes. */
const LARGE = 2 ** 20;

/**
 * Has the C library give memory back to the system when a large block is freed. By itself glibc does
 * that only until the first one is freed; from then on each thread may keep tens of MiB forever, which
 * strangers can bring about by checks of passwords and by long messages. Does nothing elsewhere than
 * with glibc, or without the permission for `Deno.dlopen`.
 */
export function freeLargeBlocks(): void {
  let libc;
  try {
    libc = Deno.dlopen("libc.so.6", {
      mallopt: { parameters: ["i32", "i32"], result: "i32" },
    });
  } catch {
    return;
  }
  libc.symbols.mallopt(M_MMAP_THRESHOLD, LARGE);
  libc.close();
}
