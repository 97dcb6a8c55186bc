import { formatDuration } from "../../templates/assets/shared/format.js";

/** A shorter interruption is not worth a line, in milliseconds. */
const WORTH_A_LINE_MS = 2_000;

/** Tells of a connection that is lost for a while, and that it is back. */
export interface Interruption {
  onLost: (error: Error) => void;
  onResumed: () => void;
  /** It was given up, or is over. */
  onEnded: () => void;
}

/**
 * Tells a person in one line, after two seconds, that the connection was lost, and in one more that
 * it is back.
 *
 * @param resumeMs how long to try, in milliseconds
 */
export function interruptionMessages(
  say: (line: string) => void,
  resumeMs: number,
): Interruption {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasSaid = false;
  return {
    onLost({ message }) {
      timer = setTimeout(() => {
        hasSaid = true;
        const time = formatDuration(resumeMs);
        say(`${message}; trying to reconnect for ${time} (in ssh, Enter ~ . gives up)`);
      }, WORTH_A_LINE_MS);
    },
    onResumed() {
      clearTimeout(timer);
      if (hasSaid) say("reconnected, the session goes on");
      hasSaid = false;
    },
    onEnded: () => clearTimeout(timer),
  };
}
