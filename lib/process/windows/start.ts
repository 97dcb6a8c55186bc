import { existsSync } from "node:fs";
import { findProgram } from "../../program/find_program.ts";
import type { ProcessOptions } from "../process.ts";
import { allocate, kernel32, lastError, pointerTo } from "./api.ts";
import { commandLine, environmentBlock, utf16z } from "./command_line.ts";
import { Job } from "./job.ts";
import { IS_WINE, wineConsole } from "./wine.ts";

/** What a program is connected to: a pseudo console, or its own ends of three pipes. */
export type StandardStreams =
  | { console: bigint }
  | { stdin: bigint; stdout: bigint; stderr: bigint };

/** What startProgram() started. */
export interface StartedProgram {
  job: Job;
  pid: number;
}

/** A STARTUPINFOEXW, and the attribute list that it refers to. */
function startupInfo(connection: StandardStreams) {
  const info = allocate(112);
  info.setUint32(0, info.byteLength, true);
  const setStdio = (handles: bigint[]) => {
    const USE_STD_HANDLES = 0x100;
    info.setUint32(60, USE_STD_HANDLES, true);
    handles.forEach((handle, i) => info.setBigUint64(80 + 8 * i, handle, true));
  };

  const size = allocate(8);
  kernel32.InitializeProcThreadAttributeList(null, 1, 0, size);
  const listSize = Number(size.getBigUint64(0, true));
  // The list holds the address of the handles, so they share its memory.
  const list = allocate(listSize + 24);
  const address = pointerTo(list);
  info.setBigUint64(104, address, true);
  let key: bigint, value: bigint, length: bigint;
  if ("console" in connection) {
    const PSEUDOCONSOLE = 0x2_0016n;
    [key, value, length] = [PSEUDOCONSOLE, connection.console, 8n];
    // Where our own stdio is redirected, as in most CI jobs, a program would get copies of that in
    // place of its console, unless it is told to use other handles; so it is given none, and opens
    // its console (microsoft/terminal#11276, microsoft/node-pty#334).
    setStdio(IS_WINE ? wineConsole() : [0n, 0n, 0n]);
  } else {
    const HANDLE_LIST = 0x2_0002n;
    [key, value, length] = [HANDLE_LIST, address + BigInt(listSize), 24n];
    const handles = [connection.stdin, connection.stdout, connection.stderr];
    handles.forEach((handle, i) => list.setBigUint64(listSize + 8 * i, handle, true));
    setStdio(handles);
  }
  if (
    kernel32.InitializeProcThreadAttributeList(list, 1, 0, size) === 0 ||
    kernel32.UpdateProcThreadAttribute(list, 0, key, value, length, null, null) === 0
  ) throw lastError("describe a process");
  return { info, list };
}

/**
 * The program's path, and whether its directory is there: CreateProcessW's errors leave open which
 * is missing.
 */
function checkedPath({ file, cwd, env }: ProcessOptions): string {
  const path = findProgram(file, env);
  if (path === undefined) {
    throw new Deno.errors.NotFound(`cannot start "${file}": there is no such program`);
  }
  if (!existsSync(cwd)) {
    throw new Deno.errors.NotFound(`cannot start "${path}": there is no directory "${cwd}"`);
  }
  return path;
}

/**
 * Starts a program. It is in a job object of its own before it runs its first instruction. The
 * caller may close the handles of `connection` afterwards.
 *
 * @throws {Deno.errors.NotFound} if the program or its directory does not exist
 * @throws {Error} if Windows refuses
 */
export function startProgram(options: ProcessOptions, connection: StandardStreams): StartedProgram {
  const SUSPENDED = 4, UNICODE_ENVIRONMENT = 0x400, EXTENDED_STARTUPINFO = 0x8_0000;
  const NO_WINDOW = 0x0800_0000;
  const path = checkedPath(options);
  const withPipes = "stdin" in connection;
  const { info, list } = startupInfo(connection);
  const created = allocate(24); // PROCESS_INFORMATION
  const job = new Job();
  try {
    const success = kernel32.CreateProcessW(
      utf16z(path),
      utf16z(commandLine(path, options.args)),
      null,
      null,
      withPipes || IS_WINE ? 1 : 0, // Whether it inherits the handles of setStdio().
      SUSPENDED | UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO | (withPipes ? NO_WINDOW : 0),
      environmentBlock(options.env),
      utf16z(options.cwd),
      info,
      created,
    );
    if (success === 0) throw lastError(`start "${path}"`);
    const process = created.getBigUint64(0, true), thread = created.getBigUint64(8, true);
    const pid = created.getUint32(16, true);
    try {
      job.assign(process, pid);
      kernel32.ResumeThread(thread);
    } catch (error) {
      kernel32.TerminateProcess(process, 1);
      kernel32.CloseHandle(process);
      throw error;
    } finally {
      kernel32.CloseHandle(thread);
    }
    return { job, pid };
  } catch (error) {
    job.close();
    throw error;
  } finally {
    kernel32.DeleteProcThreadAttributeList(list);
  }
}
