import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Finds a program as the system would start it: a path is taken as it is, a name is looked up in
 * `PATH`, on Windows with the endings in `PATHEXT`.
 *
 * @param isProgram whether a path is one; the default takes names in UTF-8 only
 * @returns the path, or undefined if there is no such program
 */
export function findProgram(
  name: string,
  env: Record<string, string>,
  isProgram: (path: string) => boolean = isExecutable,
): string | undefined {
  const isWindows = Deno.build.os === "windows";
  const variable = (wanted: string) =>
    Object.entries(env).find(([key]) => isWindows ? key.toUpperCase() === wanted : key === wanted)
      ?.[1] ?? "";
  const endings = isWindows ? ["", ...variable("PATHEXT").split(";")] : [""];
  const isPath = (isWindows ? /[/\\]/ : /\//).test(name);
  const directories = isPath ? [""] : variable("PATH").split(delimiter).filter((d) => d !== "");
  for (const directory of directories) {
    for (const ending of endings) {
      const path = directory === "" ? name + ending : join(directory, name + ending);
      if (isProgram(path)) return path;
    }
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
