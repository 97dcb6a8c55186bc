/** Resolves after `milliseconds`, or as soon as the signal is aborted. */
export async function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = () => resolve();
  signal?.addEventListener("abort", stop);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", stop);
}

/** Waits for `event`; rejects with the signal's reason if that is aborted before. */
export async function unlessAborted<T>(signal: AbortSignal, event: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([event, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Waits for `event`, but no longer than `milliseconds`; what comes later is ignored.
 *
 * @returns what it settled to, undefined if it did not in time
 */
export async function within<T>(milliseconds: number, event: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  try {
    return await Promise.race([event, delay(milliseconds, settled.signal).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}
