import { deepEqual, equal, match } from "node:assert/strict";
import { parseAuthorizedKeys } from "../../../lib/ssh/login/authorized_keys.ts";

// From ssh-keygen; nobody has their private halves.
const ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8ZfB2cTzP0m4bq8+UQYxhS0Xk3d1r0Xo2Zp5o3mW4v";
const EVE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

const encode = (text: string) => new TextEncoder().encode(text);

function utf16(text: string, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), littleEndian);
  return bytes;
}

const FILES: Record<string, Uint8Array> = {
  "LF": encode(`${ANN} ann@example.org\n${EVE} eve\n`),
  "no newline at the end": encode(`${ANN} ann@example.org\n${EVE} eve`),
  "CRLF": encode(`${ANN} ann@example.org\r\n${EVE} eve\r\n`),
  "CR": encode(`${ANN} ann@example.org\r${EVE} eve\r`),
  "a UTF-8 byte order mark": encode(`\ufeff${ANN} ann@example.org\n${EVE} eve\n`),
  "UTF-16, little endian": utf16(`\ufeff${ANN} ann@example.org\r\n${EVE} eve\r\n`, true),
  "UTF-16, big endian": utf16(`\ufeff${ANN} ann@example.org\r\n${EVE} eve\r\n`, false),
  "UTF-16 behind UTF-8": new Uint8Array([
    ...encode(`${ANN} ann@example.org\r\n`),
    ...utf16(`${EVE} eve\r\n`, true),
  ]),
  "comments and blanks": encode(`# team\n\n  ${ANN}\tann@example.org  \n\n\t# x\n${EVE} eve\n`),
  "cmd's quotes": encode(`"${ANN} ann@example.org" \r\n'${EVE} eve'\r\n`),
};

for (const [name, bytes] of Object.entries(FILES)) {
  Deno.test(`parseAuthorizedKeys() reads ${name}`, () => {
    const { keys, broken } = parseAuthorizedKeys(bytes);
    deepEqual(broken, []);
    deepEqual(keys.map(({ comment }) => comment), ["ann@example.org", "eve"]);
    equal(new Set(keys.map(({ fingerprint }) => fingerprint)).size, 2);
  });
}

Deno.test("parseAuthorizedKeys() counts lines and keeps comments whole", () => {
  const [key] = parseAuthorizedKeys(encode(`\n\n${ANN} Ann's  key, grün\n`)).keys;
  equal(key!.line, 3);
  equal(key!.comment, "Ann's key, grün");
  match(key!.fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/);
});

Deno.test("parseAuthorizedKeys() finds nothing in an empty file", () => {
  deepEqual(parseAuthorizedKeys(new Uint8Array()), { keys: [], broken: [] });
});

Deno.test("parseAuthorizedKeys() reads options with quotes and blanks", () => {
  const line = `command="echo \\"a b\\", c",no-pty ${ANN} ann`;
  const [key] = parseAuthorizedKeys(encode(line)).keys;
  equal(key!.options.command, 'echo "a b", c');
  equal(key!.options.pty, false);
  equal(key!.comment, "ann");
});

const BROKEN: Record<string, [string, RegExp]> = {
  "an unknown option": [`tunnel="0" ${ANN}`, /the option "tunnel" is not supported/],
  "a value in no quotes": [`command=ls ${ANN}`, /malformed option at "command=ls"/],
  "a quote that is not closed": [`command="ls ${ANN}`, /is not a key type/],
  "base64 that is cut off": [ANN.slice(0, 40), /base64|ends too early/],
  "a key that is not base64": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI!", /not valid base64/],
  "a type without a key": ["ssh-ed25519", /not valid base64/],
  "base64 of a wrong length": [`ssh-ed25519 ${"A".repeat(17)}`, /not valid base64/],
  "a key of a few characters": ["ssh-ed25519 AAAA", /not valid base64/],
  "a key that is cut off": [ANN.slice(0, 60), /ends too early/],
  "a key of another type": [ANN.replace("ed25519 ", "rsa "), /is not of type/],
  "DSA": ["ssh-dss AAAAB3NzaC1kc3MAAACBAP1/U4EddRIpUt9KnC7s5Of2", /DSA keys are too weak/],
  "a certificate": [
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
    /certificates are not supported/,
  ],
  "a private key": ["-----BEGIN OPENSSH PRIVATE KEY-----", /private key; use the public key/],
  "something else": ["hello world", /^"world" is not a key type/],
  "options alone": ["restrict", /^the line is not a key type/],
};

for (const [name, [line, reason]] of Object.entries(BROKEN)) {
  Deno.test(`parseAuthorizedKeys() reports ${name} and goes on`, () => {
    const { keys, broken } = parseAuthorizedKeys(encode(`${line}\n${EVE} eve\n`));
    equal(keys.length, 1);
    equal(broken.length, 1);
    equal(broken[0]!.line, 1);
    match(broken[0]!.reason, reason);
  });
}
