/**
 * Small changes to a source file, each of which a test should notice. Pure.
 *
 * @module
 */

export interface Mutant {
  /** Counted from 1. */
  line: number;
  /** The line before and after. */
  from: string;
  to: string;
  /** The whole file after. */
  source: string;
}

/** What stands between code: comments, strings, templates and regular expressions. */
const NO_CODE =
  /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[=(,:?&|!]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*/g;

/** Patterns of code and what to write instead. */
const RULES: [pattern: RegExp, replace: (found: string) => string[]][] = [
  [/ (?:===|!==) /g, (found) => [found === " === " ? " !== " : " === "]],
  [/ (?:<|>|<=|>=) /g, (found) => [found.includes("=") ? found.replace("=", "") : `${found}= `]],
  [/ (?:&&|\|\|) /g, (found) => [found === " && " ? " || " : " && "]],
  [/ (?:\+|-|\*|\/) /g, (found) => [{ " + ": " - ", " - ": " + ", " * ": " / " }[found] ?? " * "]],
  [/ (?:\+=|-=) /g, (found) => [found === " += " ? " -= " : " += "]],
  [/\b(?:true|false)\b/g, (found) => [found === "true" ? "false" : "true"]],
  [/(?<![\w.#$])\d[\d_]*\b(?!\.)/g, (found) => [`${Number(found.replaceAll("_", "")) + 1}`]],
  [/!(?=[\w(#])(?<![\w)\]]!)/g, () => [""]],
  [/\.(?:some|every)\(/g, (found) => [found === ".some(" ? ".every(" : ".some("]],
  [/\bMath\.(?:min|max)\(/g, (found) => [found === "Math.min(" ? "Math.max(" : "Math.min("]],
];

/** All mutants of a source file, one change each. */
export function mutants(source: string): Mutant[] {
  const code = source.replaceAll(NO_CODE, (text) => text.replaceAll(/[^\n]/g, "\x00"));
  const changes: { start: number; end: number; text: string }[] = [];
  for (const [pattern, replace] of RULES) {
    for (const { 0: found, index } of code.matchAll(pattern)) {
      if (isInImport(code, index)) continue;
      for (const text of replace(found)) {
        changes.push({ start: index, end: index + found.length, text: text.replace("=  ", "= ") });
      }
    }
  }
  for (const { index, 0: found } of code.matchAll(/\bif \(/g)) {
    const start = index + found.length;
    const end = closingParenthesis(code, start);
    changes.push({ start, end, text: "false" }, { start, end, text: "true" });
  }
  return changes.sort((a, b) => a.start - b.start).map(({ start, end, text }) => {
    const changed = source.slice(0, start) + text + source.slice(end);
    const lineStart = source.lastIndexOf("\n", start - 1) + 1;
    const lineAt = (content: string) => content.slice(lineStart).split("\n", 1)[0]!.trim();
    return {
      line: source.slice(0, start).split("\n").length,
      from: lineAt(source),
      to: lineAt(changed),
      source: changed,
    };
  });
}

function isInImport(code: string, index: number): boolean {
  return /^(import|export type|type)\b/.test(code.slice(code.lastIndexOf("\n", index) + 1));
}

/** Where the parenthesis that is open at `start` is closed. */
function closingParenthesis(code: string, start: number): number {
  let depth = 1;
  for (let at = start;; at++) {
    if (code[at] === "(") depth++;
    if (code[at] === ")" && --depth === 0) return at;
  }
}
