import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  openChaChaPoly,
  sealChaChaPoly,
} from "../../../../lib/ssh/transport/ciphers/chacha20_poly1305.ts";
import { type Sodium, sodium } from "../../../../lib/ssh/transport/ciphers/sodium.ts";

const library = sodium as Sodium;

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const text = (text: string) => new TextEncoder().encode(text);

/** The bytes 0, 1, 2 and so on. */
const COUNTED = Uint8Array.from({ length: 32 }, (_, index) => index);

/** The worked example of draft-ietf-sshm-chacha20-poly1305-04, appendix A. */
const EXAMPLE = {
  sequence: 7,
  key: "8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5" +
    "e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740",
  packet: "00000048065e00000000000000384c6f72656d20697073756d20646f6c6f7220" +
    "73697420616d65742c20636f6e7365637465747572206164697069736963696e" +
    "6720656c69744e43e804dc6c",
  sealed: "2c3ecce4a5bc05895bf07a7ba956b6c68829ac7c83b780b7000ecde745afc705" +
    "bbc378ce03a280236b87b53bed5839662302b164b6286a48cd1e097138e3cb90" +
    "9b8b2b829dd18d2a35ff82d9",
  tag: "95349e855bf02c298ef775f2d1a7e8b8",
};

const keys = () => ({ key: bytes(EXAMPLE.key), iv: new Uint8Array(), macKey: new Uint8Array() });

Deno.test("ChaCha20 gives the vector of RFC 8439, section 2.4.2", () => {
  const message = text(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
      "sunscreen would be it.",
  );
  // SSH's nonce is the last 8 bytes of the RFC's, whose first 4 are then those of a 64-bit counter.
  library.crypto_stream_chacha20_xor_ic(message, message, bytes("0000004a00000000"), 1, COUNTED);
  assert.equal(
    hex(message),
    "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b" +
      "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8" +
      "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736" +
      "5af90bbf74a35be6b40b8eedf2785e42874d",
  );
});

Deno.test("Poly1305 gives the vector of RFC 8439, section 2.5.2, and takes no other tag", () => {
  const key = bytes("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
  const message = text("Cryptographic Forum Research Group");
  const tag = new Uint8Array(16);
  library.crypto_onetimeauth(tag, message, key);
  assert.equal(hex(tag), "a8061dc1305136c6c22b8baf0c0127a9");
  assert.equal(library.crypto_onetimeauth_verify(tag, message, key), true);
  tag[15]! ^= 1;
  assert.equal(library.crypto_onetimeauth_verify(tag, message, key), false);
});

Deno.test("the key of Poly1305 is that of RFC 8439, section 2.6.2", () => {
  const key = Uint8Array.from(COUNTED, (byte) => 0x80 + byte);
  const tagKey = new Uint8Array(32);
  library.crypto_stream_chacha20(tagKey, bytes("0001020304050607"), key);
  assert.equal(hex(tagKey), "8ad5a08b905f81cc815040274ab29471a833b637e3fd0da508dbb8e2fdd1a646");
});

Deno.test("a packet is encrypted as in the example of OpenSSH's draft", () => {
  const packet = Buffer.concat([bytes(EXAMPLE.packet), new Uint8Array(16)]);
  const sealer = sealChaChaPoly(library, keys());
  sealer.seal(EXAMPLE.sequence, packet);
  assert.equal(hex(packet), EXAMPLE.sealed + EXAMPLE.tag);
  sealer.close();
});

Deno.test("a packet is decrypted as in the example of OpenSSH's draft", () => {
  const packet = bytes(EXAMPLE.sealed + EXAMPLE.tag);
  const opener = openChaChaPoly(library, keys());
  assert.equal(opener.readLength(EXAMPLE.sequence, packet.subarray(0, 4)), 72);
  assert.equal(opener.open(EXAMPLE.sequence, packet), true);
  assert.equal(hex(packet.subarray(4, -16)), EXAMPLE.packet.slice(8));
  opener.close();
});

Deno.test("a packet out of its order is not taken", () => {
  const opener = openChaChaPoly(library, keys());
  assert.equal(opener.open(EXAMPLE.sequence + 1, bytes(EXAMPLE.sealed + EXAMPLE.tag)), false);
  opener.close();
});
