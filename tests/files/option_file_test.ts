import assert from "node:assert/strict";
import { readOptionFile, readSecretFile } from "../../lib/files/option_file.ts";
import { TempDir } from "../support/program.ts";

for (
  const [how, bytes] of [
    ["with LF", "s€same 1\n"],
    ["with CRLF", "s€same 1\r\n"],
    ["without a line end", "s€same 1"],
    ["with an empty line behind it", "s€same 1\n\n"],
    ["with a byte order mark", "\ufeffs€same 1\r\n"],
    ["in UTF-16, as PowerShell writes it", utf16le("\ufeffs€same 1\r\n")],
  ] as const
) {
  Deno.test(`readSecretFile() reads a secret ${how}`, async () => {
    await using dir = new TempDir();
    assert.equal(await readSecretFile("--password-file", dir.write("secret", bytes)), "s€same 1");
  });
}

Deno.test("readSecretFile() keeps spaces, and line ends within", async () => {
  await using dir = new TempDir();
  assert.equal(await readSecretFile("--password-file", dir.write("secret", " a\nb \n")), " a\nb ");
});

Deno.test("readSecretFile() refuses a file that is empty", async () => {
  await using dir = new TempDir();
  const file = dir.write("secret", "\r\n");
  await assert.rejects(readSecretFile("--password-file", file), {
    message: `cannot use --password-file "${file}": the file is empty`,
  });
});

Deno.test("readOptionFile() says why it cannot read", async () => {
  await using dir = new TempDir();
  const message = (file: string, why: string) => ({
    message: `cannot read --tls-key "${file}": ${why}`,
  });
  const missing = `${dir.path}/missing`;
  await assert.rejects(
    readOptionFile("--tls-key", missing),
    message(missing, "no such file"),
  );
  await assert.rejects(
    readOptionFile("--tls-key", dir.path),
    message(dir.path, "it is a directory"),
  );
  const large = dir.write("large", "x".repeat(4 * 1024 * 1024));
  assert.equal((await readOptionFile("--tls-key", large)).length, 4 * 1024 * 1024);
  await Deno.writeTextFile(large, "x", { append: true });
  await assert.rejects(
    readOptionFile("--tls-key", large),
    message(large, "it is larger than 4.2 MB"),
  );
});

function utf16le(text: string): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(2 * text.length));
  for (let at = 0; at < text.length; at++) bytes.setUint16(2 * at, text.charCodeAt(at), true);
  return new Uint8Array(bytes.buffer);
}
