/**
 * The files by which steps of a job set variables for later ones: `$GITHUB_ENV` and `$GITHUB_PATH`
 * as GitHub's runner reads them
 * (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands). The lines
 * of GitLab's `dotenv` reports are a part of the same format. Pure.
 *
 * @module
 */

/** What a file sets: variables, or directories for the beginning of `PATH`. */
export type VariableFileKind = "env" | "path";

/** The longest variable, in UTF-16 units: Linux takes none longer than 128 KiB, in bytes. */
const MAX_VARIABLE = 32 * 1024;

/** Variables that GitHub's runner does not take. */
const BLOCKED = /^NODE_OPTIONS$/i;

function splitLines(text: string, os: typeof Deno.build.os): string[] {
  return text.split(os === "windows" ? /\r?\n/ : "\n");
}

/**
 * The variables of a file: lines `NAME=VALUE`, or for values of several lines `NAME<<END`, the
 * value, `END`. Other lines and what no program could be given are left out, and so is a value
 * whose end is not written yet.
 */
export function parseVariables(
  text: string,
  os: typeof Deno.build.os,
): [name: string, value: string][] {
  const variables: [string, string][] = [];
  const lines = splitLines(text, os);
  for (let at = 0; at < lines.length; at++) {
    const [, name, sign, rest = ""] = lines[at]!.match(/^(.+?)(=|<<)(.*)$/s) ?? [];
    if (name === undefined) continue;
    let value = rest;
    if (sign === "<<") {
      const end = lines.indexOf(rest, at + 1);
      if (end < 0) break;
      value = lines.slice(at + 1, end).join("\n");
      at = end;
    }
    const isUsable = name.length + value.length <= MAX_VARIABLE && !(name + value).includes("\0");
    if (isUsable && !BLOCKED.test(name)) variables.push([name, value]);
  }
  return variables;
}

/** The most variables and directories that are kept, and their size in UTF-16 units. */
const MAX_COUNT = 1000;
const MAX_SIZE = 512 * 1024;

/** What files have set so far. */
export class VariableChanges {
  readonly #os: typeof Deno.build.os;
  #variables = new Map<string, string>();
  /** The last one comes first in `PATH`. */
  #directories = new Set<string>();
  #size = 0;

  constructor(os: typeof Deno.build.os) {
    this.#os = os;
  }

  /** The same changes, to add more to. */
  copy(): VariableChanges {
    const copy = new VariableChanges(this.#os);
    copy.#variables = new Map(this.#variables);
    copy.#directories = new Set(this.#directories);
    copy.#size = this.#size;
    return copy;
  }

  /**
   * Adds what a file sets.
   *
   * @returns false if there is too much, and some of it was left out
   */
  add(kind: VariableFileKind, text: string): boolean {
    if (kind === "env") {
      return parseVariables(text, this.#os).every(([name, value]) => {
        const old = this.#variables.get(name);
        const growth = value.length + (old === undefined ? name.length : -old.length);
        return this.#grow(growth, old === undefined, () => this.#variables.set(name, value));
      });
    }
    const directories = splitLines(text, this.#os).filter((line) => !/^$|\0/.test(line));
    return directories.every((directory) => {
      const isNew = !this.#directories.delete(directory);
      return this.#grow(
        isNew ? directory.length : 0,
        isNew,
        () => this.#directories.add(directory),
      );
    });
  }

  /** An environment with the changes. */
  applyTo(env: Record<string, string>): Record<string, string> {
    const changed = { ...env };
    for (const [name, value] of this.#variables) changed[this.#nameIn(env, name)] = value;
    if (this.#directories.size > 0) {
      const path = this.#nameIn(env, "PATH");
      const delimiter = this.#os === "windows" ? ";" : ":";
      const first = [...this.#directories].reverse().join(delimiter);
      changed[path] = changed[path] ? `${first}${delimiter}${changed[path]}` : first;
    }
    return changed;
  }

  #grow(size: number, isNew: boolean, change: () => void): boolean {
    const count = this.#variables.size + this.#directories.size + (isNew ? 1 : 0);
    if (this.#size + size > MAX_SIZE || count > MAX_COUNT) return false;
    this.#size += size;
    change();
    return true;
  }

  /** The name of a variable as `env` has it: on Windows case does not matter. */
  #nameIn(env: Record<string, string>, name: string): string {
    if (this.#os !== "windows") return name;
    return Object.keys(env).find((key) => key.toUpperCase() === name.toUpperCase()) ?? name;
  }
}
