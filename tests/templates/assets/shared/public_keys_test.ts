import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { parseKeyOptions } from "../../../../lib/ssh/login/key_options.ts";
import { KEY_TYPES } from "../../../../lib/ssh/keys/public_key.ts";
import {
  HOST_KEY_PATTERN,
  KEY_OPTIONS,
  KEY_PATTERN,
  readHostKey,
  readPublicKeys,
} from "../../../../templates/assets/shared/public_keys.js";

/** The base64 of a key whose parts are these. */
function encode(...parts: (string | Uint8Array)[]): string {
  return Buffer.concat(parts.flatMap((part) => {
    const bytes = Buffer.from(part as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  })).toString("base64");
}

const ED25519 = `ssh-ed25519 ${encode("ssh-ed25519", new Uint8Array(32).fill(7))}`;
const ECDSA = `ecdsa-sha2-nistp256 ${
  encode("ecdsa-sha2-nistp256", "nistp256", new Uint8Array(65).fill(4))
}`;
const RSA = `ssh-rsa ${encode("ssh-rsa", Uint8Array.of(1, 0, 1), new Uint8Array(257).fill(9))}`;
const FENCE = "-----";
const PRIVATE = [
  `${FENCE}BEGIN OPENSSH PRIVATE KEY${FENCE}\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU`,
  `${FENCE}BEGIN RSA PRIVATE KEY${FENCE}\nMIIE`,
  `${FENCE}BEGIN PRIVATE KEY${FENCE}\nMIIE`,
  `${FENCE}BEGIN ENCRYPTED PRIVATE KEY${FENCE}\nMIIE`,
  "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none",
  "Private-Lines: 1\nAAAAIJHdhNQ=\nPrivate-MAC: 5c",
  `${FENCE.slice(1)} BEGIN SSH2 ENCRYPTED PRIVATE KEY ${FENCE.slice(1)}\nP2/56wAA`,
  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW",
];

Deno.test("readPublicKeys() takes ed25519, ecdsa and rsa keys with comments and options", () => {
  const lines = [
    `${ED25519} me@home`,
    ECDSA,
    `${RSA} a comment with "quotes" and <b>`,
    `restrict,pty,command="echo \\"a b\\", c" ${ED25519} limited`,
  ];
  const text = `\ufeff# mine\r\n${lines.join("\r\n")}\r\n\r\n${lines[0]}\n`;
  assert.deepEqual(readPublicKeys(text), { keys: lines, problems: [], secret: false });
});

Deno.test("readPublicKeys() and KEY_PATTERN take every type of key that the agent takes", () => {
  for (const type of KEY_TYPES) {
    const curve = type.match(/nistp\d+/)?.[0];
    const parts = type === "ssh-rsa"
      ? [Uint8Array.of(1, 0, 1), new Uint8Array(257).fill(9)]
      : [...curve ? [curve] : [], new Uint8Array(curve ? 65 : 32).fill(4)];
    // A security key also names the application that it is for.
    const line = `${type} ${encode(type, ...parts, ...type.startsWith("sk-") ? ["ssh:"] : [])} me`;
    assert.deepEqual(readPublicKeys(line).keys, [line]);
    assert.match(line, new RegExp(`^(?:${KEY_PATTERN})$`, "v"));
  }
});

Deno.test("readPublicKeys() keeps the type apart from a comment that looks like a key", () => {
  const line = `${ED25519} AAAAnotakey`;
  assert.deepEqual(readPublicKeys(line).keys, [line]);
});

Deno.test("readPublicKeys() says what is wrong with a line, and takes the others", () => {
  const [type, base64] = ED25519.split(" ");
  const cases: [string, RegExp][] = [
    ["hello", /Line 1 is not a public key/],
    [`${type} ${base64!.slice(0, -6)}`, /Line 1 is cut short/],
    [`ssh-rsa ${base64}`, /Line 1 is cut short|Line 1 is damaged/],
    [`ssh-ed25519 ${encode("ssh-ed25519", new Uint8Array(31))}`, /Line 1 is damaged/],
    [`ssh-dss ${encode("ssh-dss", "x")}`, /too weak/],
    [`sk-ssh-ed25519@openssh.com ${encode("sk-ssh-ed25519@openssh.com", "x")}`, /cut short/],
    [`sk-unheard-of@openssh.com ${encode("x")}`, /unknown type sk-unheard-of@openssh\.com/],
    [`ssh-ed25519-cert-v01@openssh.com ${encode("x", "y")}`, /certificate/],
    [`${FENCE}BEGIN SSH2 PUBLIC KEY${FENCE}`, /PuTTYgen/],
    [`${ED25519} bell\u0007`, /control characters/],
    [`${ED25519} line\u2028separator`, /control characters/],
  ];
  for (const [line, expected] of cases) {
    const { keys, problems, secret } = readPublicKeys(`${line}\n${ECDSA}`);
    assert.match(problems.join(" "), expected);
    assert.deepEqual([keys, secret], [[ECDSA], false]);
  }
});

Deno.test("readPublicKeys() gives nothing at all when there is a private key", () => {
  for (const key of PRIVATE) {
    const found = readPublicKeys(`${ED25519}\n${key}`);
    assert.deepEqual(found, { keys: [], problems: [], secret: true });
  }
});

Deno.test("readPublicKeys() takes no longer for a line that is made to be hard", () => {
  // With steps for each pair of characters these would take minutes, and the server with them.
  const hard = ["BEGIN ", "BEGIN A", '"', '\\"', 'a"', "a ", " ", "ssh-rsa AAAA ", "AAAA"];
  for (const piece of hard) {
    const { keys, secret } = readPublicKeys(`x ${piece.repeat(1_000_000 / piece.length)}\u0001`);
    assert.deepEqual([keys, secret], [[], false], piece);
  }
});

Deno.test("KEY_PATTERN lets public keys be sent and no private one", () => {
  const whole = new RegExp(`^(?:${KEY_PATTERN})$`, "v");
  for (const key of [ED25519, `${ECDSA} me`, `restrict ${RSA} x y`]) {
    assert.match(key, whole);
  }
  for (const key of [...PRIVATE, "MIIEpAIBAAKCAQEA", `${FENCE} ${ED25519} ${PRIVATE[0]}`]) {
    assert.doesNotMatch(key.replaceAll("\n", ""), whole);
  }
});

Deno.test("readHostKey() takes one ed25519 or ecdsa key, without its comment", () => {
  const pattern = new RegExp(`^(?:${HOST_KEY_PATTERN})$`, "v");
  for (const key of [ED25519, ECDSA]) {
    for (const text of [key, ` ${key} job's\n`]) {
      assert.deepEqual(readHostKey(text), { hostKey: key, secret: false });
      assert.ok(pattern.test(text.trimEnd()), text);
    }
  }
  assert.deepEqual(readHostKey(" "), { hostKey: "", secret: false });
  for (const text of [RSA, `restrict ${ED25519}`, `${ED25519}\n${ECDSA}`]) {
    assert.match(readHostKey(text).problem!, /^A host key is one line, ed25519 or ecdsa/);
    assert.ok(text.includes("\n") || !pattern.test(text), text);
  }
  assert.match(readHostKey("AAAA").problem!, /^The host key is not a public key/);
  for (const text of PRIVATE) {
    assert.deepEqual(readHostKey(text), { hostKey: "", secret: true });
    assert.ok(!pattern.test(text.replaceAll("\n", " ")), text);
  }
});

Deno.test("a user of GitHub or GitLab stands for their keys", () => {
  const whole = new RegExp(`^(?:${KEY_PATTERN})$`, "v");
  for (const line of ["github:ann", "gitlab:ann.b-c", "github:A"]) {
    assert.deepEqual(readPublicKeys(` ${line} `), { keys: [line], problems: [], secret: false });
    assert.match(line, whole);
  }
  for (const line of ["github:", "github:-ann", "github:ann;id", "bitbucket:ann"]) {
    assert.deepEqual(readPublicKeys(line).keys, [], line);
    assert.doesNotMatch(line, whole);
  }
});

Deno.test("readPublicKeys() knows the options that the agent knows", () => {
  const values: Record<string, string> = {
    command: "id",
    from: "10.0.0.0/8",
    environment: "A=b",
    "expiry-time": "20300101",
  };
  for (const name of KEY_OPTIONS) {
    const option = name in values ? `${name}="${values[name]}"` : name;
    parseKeyOptions(option);
    assert.deepEqual(readPublicKeys(`${option} ${ED25519}`).problems, []);
  }
  for (
    const [options, reason] of [
      ["no-touch-required", /has the option "no-touch-required", which the agent does not support/],
      ['command="a",tunnel="1"', /the option "tunnel"/],
      ["command=id", /values need quotes/],
    ] as const
  ) {
    assert.throws(() => parseKeyOptions(options), /support|malformed|quotes/);
    assert.match(readPublicKeys(`${options} ${ED25519}`).problems[0]!, reason);
  }
});

Deno.test("readPublicKeys() takes a line in quotes, as the agent does", () => {
  for (const quote of ['"', "'"]) {
    assert.deepEqual(readPublicKeys(`${quote}${ED25519} me${quote}`).keys, [`${ED25519} me`]);
  }
});
