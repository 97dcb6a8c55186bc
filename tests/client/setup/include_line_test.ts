import assert from "node:assert/strict";
import { withInclude, withoutInclude } from "../../../lib/client/setup/include_line.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

const ODD_FILES = {
  "an empty file": "",
  "no final newline": "Host a\n  User b",
  "CRLF": "Host a\r\n  User b\r\n",
  "a Match block first": 'Match exec "true"\n  User b\nHost c\n',
  "an Include of ours inside a block": "Host a\n  Include converge/config\n",
  "bytes that are not UTF-8": "# \xff\xfe\x80\nHost a\n",
  "a byte order mark": "\xef\xbb\xbfHost a\n",
  "NULs and lone carriage returns": "Host a\r  User b\0\n",
  "empty lines": "\n\n\nHost a\n",
};

for (const [what, text] of Object.entries(ODD_FILES)) {
  Deno.test(`the line goes first and away again: ${what}`, () => {
    const config = bytes(text);
    const with_ = withInclude(config)!;
    const first = new TextDecoder().decode(with_).split("\n")[0]!;
    assert.equal(first.trimEnd(), "Include converge/config");
    assert.equal(first.endsWith("\r"), /^[^\n]*\r\n/.test(text), "the line ends as the others do");
    assert.deepEqual(with_.slice(first.length + 1), config);
    assert.equal(withInclude(with_), undefined);
    assert.deepEqual(withoutInclude(with_), config);
    assert.equal(withoutInclude(config), undefined);
  });
}

Deno.test("a line that a person moved below other options counts, and only that goes", () => {
  const config = bytes("User a\n  include  converge/config \r\nHost b\n");
  assert.equal(withInclude(config), undefined);
  assert.deepEqual(withoutInclude(config), bytes("User a\nHost b\n"));
});
