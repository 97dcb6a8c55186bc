import assert from "node:assert/strict";
import { withoutControlCharacters } from "../../lib/text/control_characters.ts";

const CASES: [text: string, expected: string, what: string][] = [
  ["a\nb\r\nc\td", "a b c d", "line ends and tabs"],
  ["\x1b]0;title\x07\x9b2J", "]0;title 2J", "escape sequences, of one byte too"],
  ["a\u2028b\u2029c", "a b c", "separators of lines and paragraphs"],
  ["safe\u202etxt.exe", "safe txt.exe", "marks that turn the direction"],
  [" a \n\n  b \0", "a b", "the spaces around them"],
  ["ä  漢 🎉", "ä  漢 🎉", "nothing else"],
];

for (const [text, expected, what] of CASES) {
  Deno.test(`withoutControlCharacters() takes out ${what}`, () => {
    assert.equal(withoutControlCharacters(text), expected);
  });
}
