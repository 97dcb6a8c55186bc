import { delay } from "./delay.ts";

export interface AcceptOptions {
  /** Told why a connection could not be accepted. */
  onError: (error: unknown) => void;
  /** How long to wait after that, in milliseconds. @default 200 */
  pause?: number;
}

/**
 * The connections that a listener accepts, until it is closed.
 *
 * A failure, for instance too many open files, passes: connections that are open go on, and make
 * room eventually. Deno's own iterator ends at the first one.
 */
export async function* accepted<C>(
  listener: { accept(): Promise<C> },
  options: AcceptOptions,
): AsyncGenerator<C> {
  const { onError, pause = 200 } = options;
  for (;;) {
    let connection: C;
    try {
      connection = await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      onError(error);
      await delay(pause);
      continue;
    }
    yield connection;
  }
}
