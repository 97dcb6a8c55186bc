/** Runs the programs that the build needs. */

/** How to run a program. */
export interface CommandOptions {
  cwd?: string;
  /** Changes to our own environment; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Ends the program. */
  signal?: AbortSignal;
}

/**
 * Runs a program to its end.
 *
 * @returns what it printed on stdout
 * @throws {Error} with what it printed on stderr if it fails
 */
export async function runCommand(
  file: string,
  args: string[],
  options: CommandOptions = {},
): Promise<string> {
  const { cwd, env, signal } = options;
  signal?.throwIfAborted();
  const variables = Object.entries({ ...Deno.env.toObject(), NO_COLOR: "1", ...env })
    .filter((entry): entry is [string, string] => entry[1] !== undefined);
  const output = await new Deno.Command(file, {
    args,
    cwd,
    env: Object.fromEntries(variables),
    clearEnv: true,
    signal,
    stdin: "null",
  }).output();
  signal?.throwIfAborted();
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout);
  const how = output.signal ? `was ended by ${output.signal}` : `ended with ${output.code}`;
  throw new Error(`${file} ${args[0] ?? ""} ${how}: ${decoder.decode(output.stderr).trim()}`);
}
