/** Private keys: how they sign, and OpenSSH's format of their files (PROTOCOL.key). */
import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { Reader, Writer } from "../protocol/wire_format.ts";
import { atFullLength, ECDSA_CURVES } from "./curves.ts";

const MAGIC = new TextEncoder().encode("openssh-key-v1\0");
const BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END = "-----END OPENSSH PRIVATE KEY-----";

type Jwk = Record<string, string>;

/** Why a key cannot be used, for people. */
class KeyFileError extends Error {
  override name = "KeyFileError";
}

/** A key that signs. */
export interface PrivateKey {
  /** For instance `ssh-ed25519`. */
  readonly type: string;
  /** The public key as SSH sends it (RFC 4253, section 6.6). */
  readonly blob: Uint8Array;
  /** The names of the signatures that it can make, the best first. */
  readonly algorithms: readonly string[];
  /**
   * Signs.
   *
   * @param algorithm one of {@link algorithms}
   * @returns the signature as SSH sends it: its name, then its bytes
   */
  sign(algorithm: string, data: Uint8Array): Uint8Array;
}

/** What is between the first and the last line of a key in OpenSSH's format. */
const BODY = /^b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=\s]*$/;

/**
 * Reads a private key without a passphrase, in OpenSSH's format or in PEM. Of OpenSSH's the first
 * and the last line may be missing: CI systems hide secrets of one line only.
 *
 * @throws {KeyFileError}
 */
export function parsePrivateKey(text: string): PrivateKey {
  const trimmed = BODY.test(text.trim()) ? `${BEGIN}\n${text.trim()}\n${END}` : text.trim();
  if (/^(ssh|ecdsa|sk)-\S+ /.test(trimmed)) throw new KeyFileError("it is a public key");
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(trimmed)) {
    throw new KeyFileError("it is not a private key");
  }
  if (/ENCRYPTED/.test(trimmed)) throw new KeyFileError("it has a passphrase");
  try {
    const jwk = trimmed.startsWith(BEGIN) ? readOpenSsh(trimmed) : undefined;
    const key = jwk ? createPrivateKey({ key: jwk, format: "jwk" }) : createPrivateKey(trimmed);
    return fromKeyObject(key);
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError("it is damaged, or of a type that is not supported", { cause: error });
  }
}

function fromKeyObject(key: KeyObject): PrivateKey {
  const jwk = key.export({ format: "jwk" }) as Jwk;
  if (jwk.kty === "RSA") {
    const blob = new Writer().string("ssh-rsa").mpint(decode(jwk.e)).mpint(decode(jwk.n)).bytes();
    const hashes: Record<string, string> = { "rsa-sha2-512": "sha512", "rsa-sha2-256": "sha256" };
    return {
      type: "ssh-rsa",
      blob,
      algorithms: Object.keys(hashes),
      sign: (algorithm, data) => signature(algorithm, sign(hashes[algorithm], data, key)),
    };
  }
  if (jwk.kty === "EC") return fromEcdsa(key, jwk);
  if (jwk.crv !== "Ed25519") throw new KeyFileError(`the key type ${jwk.crv} is not supported`);
  const type = "ssh-ed25519";
  return {
    type,
    blob: new Writer().string(type).string(decode(jwk.x)).bytes(),
    algorithms: [type],
    sign: (_algorithm, data) => signature(type, sign(null, data, key)),
  };
}

function fromEcdsa(key: KeyObject, jwk: Jwk): PrivateKey {
  const found = Object.entries(ECDSA_CURVES).find(([, curve]) => curve.jwk === jwk.crv);
  if (!found) throw new KeyFileError(`the curve ${jwk.crv} is not supported`);
  const [name, { hash, coordinate }] = found;
  const type = `ecdsa-sha2-${name}`;
  const point = Buffer.concat([Buffer.of(4), decode(jwk.x), decode(jwk.y)]);
  return {
    type,
    blob: new Writer().string(type).string(name).string(point).bytes(),
    algorithms: [type],
    sign(_algorithm, data) {
      const both = sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
      const [r, s] = [both.subarray(0, coordinate), both.subarray(coordinate)];
      return signature(type, new Writer().mpint(r).mpint(s).bytes());
    },
  };
}

function signature(algorithm: string, bytes: Uint8Array): Uint8Array {
  return new Writer().string(algorithm).string(bytes).bytes();
}

/** Reads a key in OpenSSH's format. */
function readOpenSsh(text: string): Jwk {
  const base64 = text.slice(BEGIN.length, text.indexOf(END));
  const file = new Reader(Buffer.from(base64, "base64"));
  if (Buffer.compare(file.raw(MAGIC.length), MAGIC) !== 0) {
    throw new KeyFileError("it is damaged");
  }
  const cipher = file.text();
  file.string();
  file.string();
  if (cipher !== "none") throw new KeyFileError("it has a passphrase");
  if (file.uint32() !== 1) throw new KeyFileError("there is more than one key in it");
  file.string();
  const secrets = new Reader(file.string());
  if (secrets.uint32() !== secrets.uint32()) throw new KeyFileError("it is damaged");
  return readSecrets(secrets);
}

function readSecrets(secrets: Reader): Jwk {
  const type = secrets.text();
  if (type === "ssh-ed25519") {
    const point = secrets.string();
    const secret = secrets.string().subarray(0, 32);
    return { kty: "OKP", crv: "Ed25519", x: encode(point), d: encode(secret) };
  }
  if (type === "ssh-rsa") {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => secrets.string());
    const [dp, dq] = [remainder(d!, p!), remainder(d!, q!)];
    const numbers = Object.entries({ n, e, d, qi, p, q, dp, dq });
    return {
      kty: "RSA",
      ...Object.fromEntries(numbers.map(([name, bytes]) => [name, encode(magnitude(bytes!))])),
    };
  }
  const curve = ECDSA_CURVES[/^ecdsa-sha2-(nistp\d+)$/.exec(type)?.[1] ?? ""];
  if (!curve) throw new KeyFileError(`the key type ${type} is not supported`);
  const { coordinate, jwk } = curve;
  secrets.string();
  const point = secrets.string();
  return {
    kty: "EC",
    crv: jwk,
    x: encode(point.subarray(1, 1 + coordinate)),
    y: encode(point.subarray(1 + coordinate)),
    d: encode(atFullLength(secrets.string(), curve)),
  };
}

/** Writes an ed25519 key in OpenSSH's format, without a passphrase. */
export function writeOpenSshEd25519(key: KeyObject): string {
  const { d, x } = key.export({ format: "jwk" }) as Jwk;
  const [secret, point] = [decode(d), decode(x)];
  const publicKey = new Writer().string("ssh-ed25519").string(point).bytes();
  const check = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const secrets = new Writer().uint32(check).uint32(check)
    .string("ssh-ed25519").string(point).string(Buffer.concat([secret, point])).string("");
  for (let padding = 1; secrets.bytes().length % 8 !== 0; padding++) secrets.byte(padding);
  const file = new Writer().raw(MAGIC)
    .string("none").string("none").string("").uint32(1).string(publicKey).string(secrets.bytes());
  const base64 = Buffer.from(file.bytes()).toString("base64").replaceAll(/.{70}/g, "$&\n")
    .trimEnd();
  return `${BEGIN}\n${base64}\n${END}\n`;
}

/** The remainder of `number` by `prime` - 1. */
function remainder(number: Uint8Array, prime: Uint8Array): Uint8Array {
  const [a, b] = [number, prime].map((bytes) => BigInt(`0x0${Buffer.from(bytes).toString("hex")}`));
  const hex = (a! % (b! - 1n)).toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}

/** An mpint without the zero that keeps it positive. */
function magnitude(mpint: Uint8Array): Uint8Array {
  return mpint[0] === 0 ? mpint.subarray(1) : mpint;
}

function decode(text: string | undefined): Buffer {
  return Buffer.from(text!, "base64url");
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
