import { findProgram } from "../../program/find_program.ts";
import { isProgram, nearestDirectory } from "../access.ts";
import type { ProcessOptions } from "../process.ts";
import { readDirectory } from "./self.ts";
import { cString, cStrings, errorText, libc, O_RDWR } from "./libc.ts";

/** Flags of posix_spawnattr_setflags(3). */
const POSIX_SPAWN_SETSIGDEF = 0x04, POSIX_SPAWN_SETSIGMASK = 0x08, POSIX_SPAWN_SETSID = 0x80;

/** More than posix_spawn_file_actions_t and posix_spawnattr_t have, in bytes. */
const STRUCT_SIZE = 512;

/** The size of sigset_t, in bytes. */
const SIGNAL_SET_SIZE = 128;

const ENOENT = 2;

/** What stands in for stdin, stdout and stderr: descriptors, or a terminal's path for all three. */
export type Stdio = [stdin: number, stdout: number, stderr: number] | Uint8Array<ArrayBuffer>;

/**
 * Starts a program in a session of its own (setsid(2)), with the signals as a fresh program has
 * them. A terminal becomes its controlling one. It has nothing else of ours open.
 *
 * Each text is passed on byte for byte, see lib/text/byte_text.ts; Deno.Command would take valid
 * UTF-8 alone, and a shell in between would lose variables whose names are no identifiers.
 *
 * @returns its process ID
 * @throws {Error} if it cannot be started
 */
export function startLinuxProgram({ file, args, cwd, env }: ProcessOptions, stdio: Stdio): number {
  const path = findProgram(file, env, isProgram) ?? file;
  const actions = new Uint8Array(STRUCT_SIZE);
  const attributes = new Uint8Array(STRUCT_SIZE);
  libc.posix_spawnattr_init(attributes);
  libc.posix_spawnattr_setflags(
    attributes,
    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK,
  );
  libc.posix_spawnattr_setsigdefault(attributes, new Uint8Array(SIGNAL_SET_SIZE).fill(0xff));
  libc.posix_spawn_file_actions_init(actions);
  try {
    if (stdio instanceof Uint8Array) {
      libc.posix_spawn_file_actions_addopen(actions, 0, stdio, O_RDWR, 0);
      libc.posix_spawn_file_actions_adddup2(actions, 0, 1);
      libc.posix_spawn_file_actions_adddup2(actions, 0, 2);
    } else {
      for (const [to, fd] of stdio.entries()) {
        libc.posix_spawn_file_actions_adddup2(actions, fd, to);
      }
    }
    const pid = new Int32Array(1);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const error = inDirectory(cwd, actions, () =>
      libc.posix_spawn(
        new Uint8Array(pid.buffer),
        cString(path),
        actions,
        attributes,
        cStrings([file, ...args]),
        cStrings(variables),
      ));
    if (error !== 0) {
      const isThere = nearestDirectory(cwd) === cwd;
      throw new Error(isThere ? errorText(error) : `no directory "${cwd}"`);
    }
    return pid[0]!;
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
  }
}

/** Calls `spawn` so that the program starts in `cwd`. */
function inDirectory(
  cwd: string,
  actions: Uint8Array<ArrayBuffer>,
  spawn: () => number,
): number {
  const addChdir = libc.posix_spawn_file_actions_addchdir_np;
  if (addChdir) {
    addChdir(actions, cString(cwd));
    return spawn();
  }
  // Before glibc 2.29 this process has to go there itself. Nothing else runs meanwhile.
  const before = readDirectory();
  if (libc.chdir(cString(cwd)) !== 0) return ENOENT;
  try {
    return spawn();
  } finally {
    libc.chdir(cString(before));
  }
}
