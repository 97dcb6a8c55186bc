/**
 * Programs on Windows: with a terminal on ConPTY, or with pipes; each in a job object, so that all
 * it starts can be ended with it. docs/windows.md says what of it was tried where.
 *
 * @module
 */

export { spawnProcess } from "./windows_pipes.ts";
export { spawnPty } from "./windows_pty.ts";
