/**
 * The functions of Windows that processes and terminals need, by their own names. Their meaning is
 * on Microsoft's pages of the same names; a handle is a bigint.
 *
 * Importing this module opens the system's libraries, so only Windows can.
 *
 * @module
 */

/** A handle, or a structure's address. */
const WORD = "u64";

/** kernel32.dll. The `…Async` ones run on Deno's blocking threads, of which there are few. */
export const kernel32 = Deno.dlopen("kernel32.dll", {
  AssignProcessToJobObject: { parameters: [WORD, WORD], result: "i32" },
  CancelIoEx: { parameters: [WORD, "pointer"], result: "i32" },
  CloseHandle: { parameters: [WORD], result: "i32" },
  ClosePseudoConsoleAsync: {
    name: "ClosePseudoConsole",
    parameters: [WORD],
    result: "void",
    nonblocking: true,
  },
  CreateFileW: {
    parameters: ["buffer", "u32", "u32", "buffer", "u32", "u32", WORD],
    result: WORD,
  },
  CreateIoCompletionPort: { parameters: [WORD, WORD, WORD, "u32"], result: WORD },
  CreateJobObjectW: { parameters: ["buffer", "buffer"], result: WORD },
  CreateNamedPipeW: {
    parameters: ["buffer", "u32", "u32", "u32", "u32", "u32", "u32", "buffer"],
    result: WORD,
  },
  CreateProcessW: {
    parameters: [
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "i32",
      "u32",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
    ],
    result: "i32",
  },
  CreatePseudoConsole: { parameters: ["u32", WORD, WORD, "u32", "buffer"], result: "i32" },
  DeleteProcThreadAttributeList: { parameters: ["buffer"], result: "void" },
  FormatMessageW: {
    parameters: ["u32", "buffer", "u32", "u32", "buffer", "u32", "buffer"],
    result: "u32",
  },
  GetCurrentProcess: { parameters: [], result: WORD },
  GetExitCodeProcess: { parameters: [WORD, "buffer"], result: "i32" },
  GetLastError: { parameters: [], result: "u32" },
  GetQueuedCompletionStatusExAsync: {
    name: "GetQueuedCompletionStatusEx",
    parameters: [WORD, "buffer", "u32", "buffer", "u32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  InitializeProcThreadAttributeList: {
    parameters: ["buffer", "u32", "u32", "buffer"],
    result: "i32",
  },
  IsProcessInJob: { parameters: [WORD, WORD, "buffer"], result: "i32" },
  OpenProcess: { parameters: ["u32", "i32", "u32"], result: WORD },
  QueryInformationJobObject: {
    parameters: [WORD, "i32", "buffer", "u32", "buffer"],
    result: "i32",
  },
  ResizePseudoConsole: { parameters: [WORD, "u32"], result: "i32" },
  ResumeThread: { parameters: [WORD], result: "u32" },
  SetConsoleCtrlHandler: { parameters: ["pointer", "i32"], result: "i32" },
  SetInformationJobObject: { parameters: [WORD, "i32", "buffer", "u32"], result: "i32" },
  TerminateJobObject: { parameters: [WORD, "u32"], result: "i32" },
  TerminateProcess: { parameters: [WORD, "u32"], result: "i32" },
  UpdateProcThreadAttribute: {
    parameters: ["buffer", "u32", WORD, WORD, WORD, "buffer", "buffer"],
    result: "i32",
  },
  WaitForSingleObject: { parameters: [WORD, "u32"], result: "u32" },
  WaitForSingleObjectAsync: {
    name: "WaitForSingleObject",
    parameters: [WORD, "u32"],
    result: "u32",
    nonblocking: true,
  },
}).symbols;

/**
 * ntdll.dll. NtReadFile and NtWriteFile are what ReadFile and WriteFile call; they return their
 * status, whereas GetLastError can be overwritten by what Deno does between two calls.
 */
export const ntdll = Deno.dlopen("ntdll.dll", {
  NtOpenFile: {
    parameters: ["buffer", "u32", "buffer", "buffer", "u32", "u32"],
    result: "u32",
  },
  NtReadFile: {
    parameters: [WORD, WORD, "pointer", WORD, "buffer", "buffer", "u32", "buffer", "buffer"],
    result: "u32",
  },
  NtWriteFile: {
    parameters: [WORD, WORD, "pointer", WORD, "buffer", "buffer", "u32", "buffer", "buffer"],
    result: "u32",
  },
  /** Wine alone has it. */
  wine_get_version: { parameters: [], result: "pointer", optional: true },
}).symbols;

/** What CreateFileW and its like return when they fail. */
export const INVALID_HANDLE = 0xffff_ffff_ffff_ffffn;

/** A time limit for waiting that never comes. */
export const INFINITE = 0xffff_ffff;

/**
 * Memory for a structure, all zeros. V8 keeps small typed arrays within its own heap, where they
 * move; what Windows is to fill in, or to read later, needs an ArrayBuffer of its own.
 */
export function allocate(size: number): DataView<ArrayBuffer> {
  return new DataView(new ArrayBuffer(size));
}

/** The address of `memory`, which must stay referenced for as long as Windows uses it. */
export function pointerTo(memory: DataView<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(memory));
}

/** The system's text for an error code, with the code. */
export function systemMessage(code: number): string {
  const FROM_SYSTEM_IGNORE_INSERTS = 0x1200;
  const text = new Uint16Array(512);
  const length = kernel32.FormatMessageW(
    FROM_SYSTEM_IGNORE_INSERTS,
    null,
    code,
    0,
    text,
    text.length,
    null,
  );
  const message = String.fromCharCode(...text.subarray(0, length)).replaceAll(/\s+/g, " ").trim();
  return message === "" ? `error ${code}` : `${message} (error ${code})`;
}

/** An Error `cannot <what>: <why>` for the call that just failed. */
export function lastError(what: string): Error {
  return new Error(`cannot ${what}: ${systemMessage(kernel32.GetLastError())}`);
}
