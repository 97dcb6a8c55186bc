/** How many letters may be wrong, missing, too many or swapped. */
const MAX_MISTAKES = 2;

/** The name that a misspelt word stands for; undefined if it is spelt right, or like none. */
export function similarName(word: string, names: readonly string[]): string | undefined {
  if (names.includes(word)) return undefined;
  const [nearest] = names
    .map((name) => ({ name, mistakes: distance(word, name) }))
    // Of a short word, two other letters make any word.
    .filter(({ name, mistakes }) => mistakes <= Math.min(MAX_MISTAKES, name.length / 2))
    .sort((a, b) => a.mistakes - b.mistakes);
  return nearest?.name;
}

/** The edit distance of two words, a swap of neighbours counted as one. */
function distance(a: string, b: string): number {
  // A long word is like none; and it takes no time to say so.
  if (Math.abs(a.length - b.length) > MAX_MISTAKES) return Infinity;
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 1; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const changed = rows[i - 1]![j - 1]! + Number(a[i - 1] !== b[j - 1]);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? rows[i - 2]![j - 2]! + 1
        : Infinity;
      rows[i]![j] = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, changed, swapped);
    }
  }
  return rows[a.length]![b.length]!;
}
