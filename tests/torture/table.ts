/** Prints a table in Markdown, as docs/reliability.md has it. */
export function printTable(head: string[], rows: (string | number)[][]): void {
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  console.log([line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n"));
}

/** Bytes as text, in MiB. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Milliseconds as text. */
export function milliseconds(time: number): string {
  return time < 10_000
    ? `${time.toFixed(time < 100 ? 1 : 0)} ms`
    : `${(time / 1_000).toFixed(1)} s`;
}
