import { join } from "node:path";

/** The paths of all plain files in `dir` and its directories, in no certain order. */
export function* filesBelow(dir: string): Generator<string> {
  for (const { name, isFile, isDirectory } of Deno.readDirSync(dir)) {
    const path = join(dir, name);
    if (isFile) yield path;
    if (isDirectory) yield* filesBelow(path);
  }
}
