/** Starting the program of a session. */
import { nearestDirectory } from "../../process/access.ts";
import type { Process, Pty, WindowSize } from "../../process/process.ts";
import { commandArguments, interactiveArguments, type Shell } from "../../process/shell.ts";
import { spawnProcess, spawnPty } from "../../process/spawn.ts";
import { errorMessage } from "../../text/error_message.ts";
import { terminalEnvironment } from "./environment.ts";

/** The value of SSH_TTY; on POSIX systems the terminal's own name replaces it. */
const TERMINAL_NAME = Deno.build.os === "windows" ? "windows-pty" : "";

/** The terminal that a client asks for. */
export interface Terminal extends WindowSize {
  term: string;
  modes: Record<number, number>;
}

/** What to start. */
export interface Launch {
  shell: Shell;
  /** Missing: the shell itself. */
  command?: string;
  cwd: string;
  env: Record<string, string>;
  /** Missing: pipes. */
  terminal?: Terminal;
}

/**
 * Starts a shell, or a command in one.
 *
 * @throws {Error} `cannot start "…": why`, for people
 */
export async function launch(
  { shell, command, cwd, env, terminal }: Launch,
): Promise<Process | Pty> {
  const args = command === undefined
    ? interactiveArguments(shell)
    : commandArguments(shell, command);
  const options = { file: shell.file, args, cwd, env };
  try {
    if (!terminal) return spawnProcess(options);
    const terminalEnv = { ...terminalEnvironment(env, terminal.term), SSH_TTY: TERMINAL_NAME };
    return await spawnPty({ ...options, ...terminal, env: terminalEnv });
  } catch (error) {
    const why = errorMessage(error);
    // On Windows the reason itself begins so.
    throw new Error(/^cannot start /.test(why) ? why : `cannot start "${shell.file}": ${why}`, {
      cause: error,
    });
  }
}

/** Where a session starts. */
export interface StartDirectory {
  path: string;
  /** For people: why it is not the agent's directory, if that is so. */
  notice?: string;
}

/** The agent's directory, or the nearest one above it if that was deleted or cannot be entered. */
export function startDirectory(wanted: string): StartDirectory {
  const path = nearestDirectory(wanted);
  if (path === wanted) return { path };
  const notice = `this session starts in "${path}": ` +
    `"${wanted}" was deleted or cannot be entered`;
  return { path, notice };
}
