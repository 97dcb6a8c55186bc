import assert from "node:assert/strict";
import { Message } from "../../../../lib/ssh/protocol/numbers.ts";
import { Writer } from "../../../../lib/ssh/protocol/wire_format.ts";
import { agree, createOffer } from "../../../../lib/ssh/transport/exchange/algorithms.ts";

const OURS = createOffer(["ssh-ed25519"]);

/** An SSH_MSG_KEXINIT of a client. */
function offer(wanted: {
  kex?: string;
  hostKey?: string;
  ciphers?: [string, string];
  macs?: [string, string];
  compression?: string;
  guesses?: boolean;
}): Uint8Array {
  const { kex = "curve25519-sha256", hostKey = "ssh-ed25519", compression = "none" } = wanted;
  const { ciphers = ["aes128-ctr", "aes128-ctr"], macs = ["hmac-sha2-256", "hmac-sha2-512"] } =
    wanted;
  const message = new Writer().byte(Message.kexinit).raw(new Uint8Array(16));
  for (const names of [kex, hostKey, ...ciphers, ...macs, compression, compression, "", ""]) {
    message.string(names);
  }
  return message.boolean(wanted.guesses ?? false).uint32(0).bytes();
}

Deno.test("agree() takes the first of the client's names that the server has, each way", () => {
  const agreement = agree(
    OURS,
    offer({
      kex: "made-up,ecdh-sha2-nistp384,curve25519-sha256",
      ciphers: ["3des-cbc,aes256-ctr,aes128-ctr", "aes128-gcm@openssh.com,aes128-ctr"],
    }),
  );
  assert.equal(agreement.method.hash, "sha384");
  assert.deepEqual(agreement.ciphers, ["aes256-ctr", "aes128-gcm@openssh.com"]);
  assert.deepEqual(agreement.macs, ["hmac-sha2-256", undefined]);
  assert.equal(agreement.strict || agreement.wantsExtInfo || agreement.guessedWrong, false);
});

Deno.test("agree() tells what each side has when nothing is in common", () => {
  const cases: [Parameters<typeof offer>[0], RegExp][] = [
    [{ kex: "diffie-hellman-group1-sha1" }, /key exchange: .*wants "diffie-hellman-group1-sha1"/],
    [{ kex: "kex-strict-s-v00@openssh.com" }, /key exchange/],
    [{ kex: "constructor" }, /key exchange/],
    [{ kex: "" }, /key exchange/],
    [{ hostKey: "ssh-rsa" }, /host key: the server has "ssh-ed25519", the client wants "ssh-rsa"/],
    [{ ciphers: ["aes128-cbc", "aes128-ctr"] }, /cipher/],
    [{ ciphers: ["aes128-ctr", "none"] }, /cipher/],
    [{ macs: ["hmac-md5", "hmac-sha2-256"] }, /MAC/],
    [{ compression: "zlib" }, /compression/],
  ];
  for (const [wanted, message] of cases) {
    assert.throws(() => agree(OURS, offer(wanted)), { message, reason: 3 });
  }
});

Deno.test("agree() needs no MAC for a cipher that authenticates", () => {
  const cipher = "chacha20-poly1305@openssh.com";
  const { macs } = agree(OURS, offer({ ciphers: [cipher, cipher], macs: ["", ""] }));
  assert.deepEqual(macs, [undefined, undefined]);
});

Deno.test("agree() sees the extensions among the key exchanges", () => {
  const kex = "curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com";
  const { strict, wantsExtInfo } = agree(OURS, offer({ kex }));
  assert.deepEqual([strict, wantsExtInfo], [true, true]);
});

Deno.test("agree() takes a guess for wrong unless both first choices are the server's", () => {
  const first = OURS.subarray(17 + 4);
  const method = new TextDecoder().decode(first).split(",")[0]!;
  const guess = (wanted: Parameters<typeof offer>[0]) =>
    agree(OURS, offer({ ...wanted, guesses: true })).guessedWrong;
  assert.equal(guess({ kex: method }), false);
  assert.equal(guess({ kex: `ecdh-sha2-nistp256,${method}` }), true);
  assert.equal(guess({ kex: method, hostKey: "ssh-rsa,ssh-ed25519" }), true);
});

Deno.test("agree() refuses an offer that is cut off", () => {
  const whole = offer({});
  for (let length = 17; length < whole.length - 4; length++) {
    assert.throws(() => agree(OURS, whole.subarray(0, length)), { name: "MalformedError" });
  }
});
