/**
 * Tests that drive programs which a machine may lack. Where one is missing, its tests are skipped
 * and noted, for the summary at the end of `deno task test`.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newestSshMissing } from "./newest_ssh.ts";
import { wineMissing } from "./wine.ts";

/** The environment variable that names the file where skipped tests are noted. */
export const SKIPPED_FILE_VARIABLE = "SKIPPED_TESTS_FILE";

/** A test that was skipped: a line of that file, as JSON. */
export interface SkippedTest {
  name: string;
  /** The names of the missing programs. */
  missing: string[];
}

/** Defines tests, as `Deno.test` does. */
export interface TestFunction {
  (name: string, fn: Deno.TestDefinition["fn"]): void;
  (name: string, options: Partial<Deno.TestDefinition>, fn: Deno.TestDefinition["fn"]): void;
  (definition: Deno.TestDefinition): void;
  /** Defines a step of a test that itself needs less. */
  step(t: Deno.TestContext, definition: Deno.TestStepDefinition): Promise<boolean>;
}

/** What is looked for somewhere else than on PATH, from packages.txt. */
const PATHS = new Map(
  readFileSync(join(import.meta.dirname!, "packages.txt"), "utf8")
    .matchAll(/([\w-]+)=(\S+)/g).map(([, name, path]) => [name!, path!]),
);

function isMissing(name: string): boolean {
  if (name === "wine") return wineMissing() !== undefined;
  if (name === "newest-ssh") return newestSshMissing();
  const path = PATHS.get(name);
  if (path !== undefined) return !existsSync(path);
  const directories = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin");
  return !directories.some((directory) => existsSync(join(directory, name)));
}

function note(skipped: SkippedTest): void {
  const file = Deno.env.get(SKIPPED_FILE_VARIABLE);
  if (file !== undefined) {
    Deno.writeTextFileSync(file, `${JSON.stringify(skipped)}\n`, { append: true });
    return;
  }
  const why = `${skipped.missing.join(", ")} missing; see tests/support/install`;
  console.error(`skipped: ${skipped.name} (${why})`);
}

/**
 * Defines tests that need `programs`, which packages.txt lists; `wine` stands for Windows programs,
 * `newest-ssh` for the directory of tests/support/openssh.
 *
 * ```ts
 * const test = requires("ssh", "tmux");
 * test("a shell in tmux", async () => {});
 * ```
 */
export function requires(...programs: string[]): TestFunction {
  const missing = programs.filter(isMissing);

  /** The definition with `ignore` set as it has to be. */
  const checked = <T extends { name: string; ignore?: boolean }>(definition: T): T => {
    if (definition.ignore || missing.length === 0) return definition;
    note({ name: definition.name, missing });
    return { ...definition, ignore: true };
  };

  const test = (
    first: string | Deno.TestDefinition,
    second?: Partial<Deno.TestDefinition> | Deno.TestDefinition["fn"],
    third?: Deno.TestDefinition["fn"],
  ) => {
    if (typeof first !== "string") return Deno.test(checked(first));
    const [options, fn] = typeof second === "function" ? [{}, second] : [second, third!];
    Deno.test(checked({ ...options, name: first, fn }));
  };
  return Object.assign(test, {
    step: (t: Deno.TestContext, definition: Deno.TestStepDefinition) => t.step(checked(definition)),
  });
}
