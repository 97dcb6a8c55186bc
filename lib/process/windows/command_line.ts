/**
 * What CreateProcessW takes as one string each: the command line and the environment block. Pure.
 *
 * @module
 */

/** `text` in UTF-16, little endian, with the NUL at its end that Windows expects. */
export function utf16z(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(new ArrayBuffer(2 * text.length + 2));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i), true);
  return bytes;
}

function refuseNul(what: string, text: string): void {
  if (text.includes("\0")) throw new TypeError(`cannot start a program: ${what} contains NUL`);
}

/**
 * Quotes one argument so that CommandLineToArgvW, which most programs use, reads it back unchanged:
 * backslashes are plain unless a quote follows them.
 */
export function quoteArgument(argument: string): string {
  if (argument !== "" && !/[\s"]/.test(argument)) return argument;
  const escaped = argument
    .replaceAll(/(\\*)"/g, '$1$1\\"')
    .replace(/(\\+)$/, "$1$1");
  return `"${escaped}"`;
}

/**
 * The command line for `file` and `args`.
 *
 * cmd.exe reads its own differently: what follows `/c` or `/k` is one command, taken as it is, and
 * with `/s` exactly the outermost pair of quotes is removed from it. So that command is put between
 * quotes and not escaped, and `/s` is added when it is missing.
 *
 * @example
 * ```ts
 * commandLine("C:\\Windows\\System32\\cmd.exe", ["/d", "/c", 'echo "a b"']);
 * // C:\Windows\System32\cmd.exe /d /s /c "echo "a b""
 * ```
 *
 * @throws {TypeError} if anything contains NUL
 */
export function commandLine(file: string, args: string[]): string {
  for (const part of [file, ...args]) refuseNul("its command line", part);
  const words = [quoteArgument(file)];
  const command = isCmd(file) ? args.findIndex((argument) => /^\/[ck]$/i.test(argument)) : -1;
  if (command === -1) return [...words, ...args.map(quoteArgument)].join(" ");
  const options = args.slice(0, command);
  if (!options.some((option) => /^\/s$/i.test(option))) options.push("/s");
  return [...words, ...options, args[command], `"${args.slice(command + 1).join(" ")}"`].join(" ");
}

/** Whether `file` is cmd.exe, wherever it lies. */
function isCmd(file: string): boolean {
  return /(^|[\\/])cmd(\.exe)?$/i.test(file);
}

/**
 * The environment block for `env`: `NAME=value` strings in UTF-16, each with a NUL at its end,
 * sorted by the upper-case name as CreateProcessW asks for, and a last NUL. Of names that differ in
 * case alone the last one counts.
 *
 * @throws {TypeError} if a name is empty or contains `=` after its first character, or anything
 * contains NUL
 */
export function environmentBlock(env: Record<string, string>): Uint8Array<ArrayBuffer> {
  const byName = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    refuseNul("its environment", name + value);
    // cmd.exe keeps each drive's directory in variables like "=C:".
    if (name === "" || name.includes("=", 1)) {
      throw new TypeError(`cannot start a program: "${name}" is not a valid variable name`);
    }
    byName.set(name.toUpperCase(), `${name}=${value}`);
  }
  const sorted = [...byName].sort(([a], [b]) => a < b ? -1 : 1);
  // An empty environment still needs two NULs.
  return utf16z(sorted.map(([, entry]) => `${entry}\0`).join("") || "\0");
}
