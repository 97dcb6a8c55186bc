/** The parameter of mallopt(3). */
const M_MMAP_THRESHOLD = -3;

/** What counts as large, in bytes. */
const LARGE = 2 ** 20;

/** How often to look for memory that is free, in milliseconds. */
const LOOK_MS = 2_000;

/** By how much memory has to grow for a look, in bytes. */
const GROWTH = 8 * 2 ** 20;

/**
 * Has the C library give memory back to the system: large blocks when they are freed, and what is
 * free between others every two seconds, if memory has grown, which takes about a millisecond. By
 * itself glibc may keep tens of MiB for each thread forever, which strangers can bring about by
 * checks of passwords and by long messages. Does nothing elsewhere than with glibc, or without the
 * permission for `Deno.dlopen`.
 *
 * @returns what ends it
 */
export function giveFreeMemoryBack(): Disposable {
  const stack = new DisposableStack();
  let libc;
  try {
    libc = Deno.dlopen("libc.so.6", {
      mallopt: { parameters: ["i32", "i32"], result: "i32" },
      malloc_trim: { parameters: ["usize"], result: "i32" },
    });
  } catch {
    return stack;
  }
  const { mallopt, malloc_trim } = libc.symbols;
  stack.defer(() => libc.close());
  mallopt(M_MMAP_THRESHOLD, LARGE);
  let kept = Deno.memoryUsage().rss;
  const timer = setInterval(() => {
    const now = Deno.memoryUsage().rss;
    if (now - kept < GROWTH) return void (kept = Math.min(kept, now));
    malloc_trim(0n);
    kept = Deno.memoryUsage().rss;
  }, LOOK_MS);
  Deno.unrefTimer(timer);
  stack.defer(() => clearInterval(timer));
  return stack;
}
