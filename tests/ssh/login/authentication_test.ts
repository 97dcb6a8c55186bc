import { deepEqual, equal, match } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";
import { join } from "node:path";
import {
  type AuthenticationOptions,
  checkKey,
  checkPassword,
  type Decision,
  loginMethods,
} from "../../../lib/ssh/login/authentication.ts";
import { parseAuthorizedKeys } from "../../../lib/ssh/login/authorized_keys.ts";
import type { PasswordVerifier } from "../../../lib/protocol/messages.ts";
import { TempDir } from "../../support/program.ts";

const ANN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8ZfB2cTzP0m4bq8+UQYxhS0Xk3d1r0Xo2Zp5o3mW4v";
const EVE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";
const blob = (line: string) => Buffer.from(line.split(" ")[1]!, "base64");

const refusal = (decision: Decision) => "refused" in decision ? decision.refused : "let in";

async function tryKey(
  content: string | undefined,
  attempt: { username?: string; address?: string; now?: number; key?: string } = {},
  more: Partial<AuthenticationOptions> = {},
): Promise<Decision> {
  await using dir = new TempDir();
  if (content !== undefined) dir.write("keys", content);
  const options = { username: "ann", authorizedKeysFile: join(dir.path, "keys"), ...more };
  const { key = ANN, ...rest } = attempt;
  return await checkKey(options, {
    username: "ann",
    address: "192.0.2.1",
    blob: blob(key),
    ...rest,
  });
}

Deno.test("checkKey() lets a key of the file in, with its comment", async () => {
  const decision = await tryKey(`${ANN} ann@example.org\n`);
  equal("refused" in decision, false);
  if ("refused" in decision) return;
  equal(decision.method, "publickey");
  equal(decision.comment, "ann@example.org");
});

Deno.test("checkKey() lets a key in that was given otherwise", async () => {
  const { keys } = parseAuthorizedKeys(new TextEncoder().encode(`${EVE} eve@forge`));
  const decision = await tryKey(undefined, { key: EVE }, { extraKeys: keys });
  equal(refusal(decision), "let in");
});

Deno.test("checkKey() takes the first line of a key whose limits fit", async () => {
  const lines = [`from="10.0.0.0/8" ${ANN} inside`, `no-pty ${ANN} outside`, `${ANN} never`];
  const decision = await tryKey(lines.join("\n"));
  if ("refused" in decision) throw new Error(decision.refused);
  deepEqual([decision.comment, decision.options.pty], ["outside", false]);
});

Deno.test("checkKey() holds the limits of the file for a key that was given otherwise too", async () => {
  const { keys } = parseAuthorizedKeys(new TextEncoder().encode(`${ANN} ann@forge`));
  const decision = await tryKey(`from="10.0.0.0/8" ${ANN}\n`, {}, { extraKeys: keys });
  match(refusal(decision), /but the client comes from/);
});

const REFUSALS: Record<string, [Parameters<typeof tryKey>, RegExp]> = {
  "a wrong user": [[`${ANN}\n`, { username: "root" }], /the user is "ann", not "root"/],
  "another key": [[`${EVE}\n`], /the key is not in ".*keys"/],
  "any key without a file": [[undefined], /"\S+keys" does not exist/],
  "any key of an empty file": [["\n# nobody yet\n"], /"\S+keys" is empty/],
  "any key of a file of rubbish": [["rubbish\n"], /has no usable line/],
  "the key of a broken line": [
    [`${EVE}\nfrobnicate ${ANN}\n`],
    /line 2 of "\S+keys" is not usable: the option "frobnicate" is not supported/,
  ],
  "a key that has expired": [
    [`expiry-time="20250101Z" ${ANN}\n`],
    /the key expired at 2025-01-01T00:00:00\.000Z/,
  ],
  "a client from elsewhere": [
    [`from="10.0.0.0/8" ${ANN}\n`],
    /from="10\.0\.0\.0\/8", but the client comes from "192\.0\.2\.1"/,
  ],
};

for (const [name, [args, reason]] of Object.entries(REFUSALS)) {
  Deno.test(`checkKey() refuses ${name}`, async () => {
    match(refusal(await tryKey(...args)), reason);
  });
}

Deno.test("checkKey() heeds time and address", async () => {
  const line = `from="192.0.2.*",expiry-time="20250101Z" ${ANN}\n`;
  const now = Date.UTC(2024, 11, 31);
  equal(refusal(await tryKey(line, { now })), "let in");
  match(refusal(await tryKey(line, { now: Date.UTC(2025, 0, 1) })), /expired/);
});

Deno.test("checkKey() says why a file cannot be read", async () => {
  await using dir = new TempDir();
  const attempt = { username: "ann", address: "192.0.2.1", blob: blob(ANN) };
  const reason = async (authorizedKeysFile?: string) =>
    refusal(await checkKey({ username: "ann", authorizedKeysFile }, attempt));
  match(await reason(dir.path), /^cannot read ".*": it is a directory$/);
  match(await reason(join(dir.write("file", ""), "keys")), /^cannot read ".*keys": /);
  equal(await reason(), "no authorized_keys file is set");
});

Deno.test("checkKey() names the problem of the file beside keys that were given otherwise", async () => {
  const { keys } = parseAuthorizedKeys(new TextEncoder().encode(`${EVE} eve@forge`));
  const decision = await tryKey(undefined, {}, { extraKeys: keys });
  match(refusal(decision), /^unknown key; ".*keys" does not exist$/);
});

Deno.test("checkKey() reads files of up to 4 MiB", async () => {
  const limit = 4 * 1024 * 1024;
  equal(refusal(await tryKey(`${ANN}\n`.padEnd(limit, "#"))), "let in");
  match(refusal(await tryKey(`${ANN}\n`.padEnd(limit + 1, "#"))), /is larger than 4.2 MB/);
});

function makeVerifier(password: string, N = 1024): PasswordVerifier {
  const salt = Buffer.from("0123456789abcdef");
  const cost = { N, r: 8, p: 1 };
  const hash = scryptSync(password, salt, 32, cost);
  return { salt: salt.toString("base64"), hash: hash.toString("base64"), ...cost };
}

Deno.test("checkPassword() lets the right one in and refuses the others", async () => {
  const options = { username: "ann", password: makeVerifier("grüße") };
  const decide = async (username: string, password: string) =>
    refusal(await checkPassword(options, { username, password }));
  equal(await decide("ann", "grüße"), "let in");
  equal(await decide("ann", "gruesse"), "wrong password");
  equal(await decide("ann", ""), "wrong password");
  equal(await decide("eve", "grüße"), 'the user is "ann", not "eve"');
});

Deno.test("checkPassword() checks with any cost up to eight times the server's, and with no other", async () => {
  const tryCost = async (cost: Partial<PasswordVerifier>, isUsable = false) => {
    const full = { N: 1024, r: 8, p: 1, ...cost };
    const maxmem = 2 ** 30;
    const salt = Buffer.from("0123456789abcdef");
    const hash = isUsable ? scryptSync("secret", salt, 32, { ...full, maxmem }) : salt;
    const verifier = { salt: salt.toString("base64"), hash: hash.toString("base64"), ...full };
    const options = { username: "ann", password: verifier as PasswordVerifier };
    return refusal(await checkPassword(options, { username: "ann", password: "secret" }));
  };
  equal(await tryCost({ N: 2, r: 1 }, true), "let in");
  equal(await tryCost({ N: 2 ** 17 }, true), "let in");
  const wrong = "cannot check the password: the server's verifier has a wrong cost";
  for (const cost of [{ N: 0 }, { r: 0 }, { p: 0 }, { N: 2 ** 18 }, { p: 129 }, { N: "a" }]) {
    equal(await tryCost(cost as Partial<PasswordVerifier>), wrong);
  }
  match(await tryCost({ N: -2, p: -1 }), /^cannot check the password: .*"N" is out of range/);
});

Deno.test("checkPassword() lets nobody in by a verifier without a hash", async () => {
  const options = { username: "ann", password: { ...makeVerifier("secret"), hash: "" } };
  const decision = await checkPassword(options, { username: "ann", password: "secret" });
  equal(refusal(decision), "cannot check the password: the server's verifier has no hash");
});

Deno.test("checkPassword() checks one password after the other", async () => {
  const checked: number[] = [];
  await Promise.all([16_384, 2].map(async (cost) => {
    const options = { username: "ann", password: makeVerifier("secret", cost) };
    await checkPassword(options, { username: "ann", password: "secret" });
    checked.push(cost);
  }));
  equal(checked.join(), "16384,2");
});

Deno.test("checkPassword() lets nobody in when none is set", async () => {
  const attempt = { username: "ann", password: "" };
  equal(refusal(await checkPassword({ username: "ann" }, attempt)), "no password is set");
});

Deno.test("loginMethods() names password only if there is one", () => {
  deepEqual(loginMethods({ username: "ann" }), ["publickey"]);
  deepEqual(loginMethods({ username: "ann", password: makeVerifier("x") }), [
    "publickey",
    "password",
    "keyboard-interactive",
  ]);
});
