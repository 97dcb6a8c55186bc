import type { Terminal } from "./terminal.ts";

/** A prompt that nothing else prints. */
export const PROMPT = "converge-prompt> ";

/** Waits for a POSIX shell and gives it a prompt that can be told from output. */
export async function shellReady(terminal: Terminal): Promise<void> {
  await terminal.waitFor(/[$#%] /);
  terminal.write(`PS1='converge-'prompt'> '\r`);
  await terminal.waitFor(new RegExp(PROMPT));
}
