/**
 * What this project takes from ssh2: the transport of RFC 4253 (key exchange, ciphers, packets) and
 * the reading of private keys. The rest, logging in and channels, is in this directory, because ssh2's
 * own server knows neither `break` nor terminal modes nor agent forwarding, and has no flow control.
 *
 * These are inner modules of ssh2: deno.json pins its exact version, and no other file imports it.
 *
 * @module
 */

// deno-lint-ignore-file no-explicit-any -- ssh2 publishes no types for its inner modules.
// First, for ssh2 to see what it changes.
import "./ciphers.ts";
import constants from "ssh2/lib/protocol/constants.js";
import crypto from "ssh2/lib/protocol/crypto.js";
import kex from "ssh2/lib/protocol/kex.js";
import keyParser from "ssh2/lib/protocol/keyParser.js";
import ProtocolClass from "ssh2/lib/protocol/Protocol.js";
import utils from "ssh2/lib/protocol/utils.js";
import { Buffer } from "node:buffer";
import { createPrivateKey, sign } from "node:crypto";
import { Reader, Writer } from "../protocol/wire_format.ts";

/** One side of an SSH connection: bytes in, packets out, and the other way around. */
export interface Protocol {
  /** Sends the identification string; to be called once. */
  start(): void;
  /** Takes bytes of the peer; throws what is wrong with them. */
  parse(bytes: Buffer, start: number, end: number): void;
  rekey(): void;
  cleanup(): void;
  channelData(channel: number, data: Buffer): void;
  channelExtData(channel: number, data: Buffer, type: number): void;
  /** Takes each packet that comes once keys are exchanged. */
  _onPayload: (payload: Uint8Array) => number | void;
  _onHandshakeComplete: (...args: unknown[]) => void;
  /** Our KEXINIT while keys are being exchanged. */
  _kexinit: unknown;
  _kex?: {
    sessionID: Uint8Array;
    remoteExtInfoEnabled: boolean;
    /** Both sides' KEXINIT. */
    _kexinit: Uint8Array;
    _remoteKexinit: Uint8Array;
  };
  /** Whether the client has guessed the algorithms of the key exchange, and wrongly. */
  _skipNextInboundPacket: boolean;
  /** Takes the next bytes: first the identification string, then packets. @returns up to where */
  _parse: (bytes: Buffer, start: number, end: number) => number;
  /** The beginning of an identification string. */
  _buffer?: Buffer;
  _decipher: {
    /** The number of the next packet to come. */
    inSeqno: number;
  };
  _packetRW: {
    write: {
      allocStart: number;
      allocStartKEX: number;
      alloc(length: number, force?: boolean): Uint8Array;
      finalize(packet: Uint8Array, force?: boolean): Uint8Array;
    };
  };
}

/** What a {@link Protocol} needs to know. */
export interface ProtocolConfig {
  server: true;
  ident: string;
  hostKeys: Record<string, PrivateKey>;
  /** Made by {@link createOffer}. */
  offer: unknown;
  onWrite: (bytes: Uint8Array) => void;
  onError: (error: Error) => void;
  onHeader: (header: { versions: { software: string } }) => void;
  messageHandlers: {
    DISCONNECT: (protocol: Protocol, reason: number, description: string) => void;
  };
}

/** Puts right what ssh2 gets wrong in the first bytes of a client; to be called before them. */
export function mend(protocol: Protocol): void {
  mendIdentification(protocol);
  mendGuesses(protocol);
}

/** Takes an identification string in any number of pieces: ssh2 forgets the second of three. */
function mendIdentification(protocol: Protocol): void {
  const parse = protocol._parse;
  const mended: Protocol["_parse"] = (bytes, start, end) => {
    const before = protocol._buffer;
    const next = parse.call(protocol, bytes, start, end);
    const isComplete = protocol._parse !== mended;
    if (before && !isComplete) {
      protocol._buffer = Buffer.concat([before, bytes.subarray(start, end)]);
    }
    return next;
  };
  protocol._parse = mended;
}

/**
 * Makes a client's right guess at the key exchange count, as Dropbear sends one: ssh2 takes them all
 * for wrong and then waits in vain. A guess is right if both sides' first choices are the same (RFC
 * 4253, section 7).
 */
function mendGuesses(protocol: Protocol): void {
  let wrong = false;
  Object.defineProperty(protocol, "_skipNextInboundPacket", {
    get: () => {
      const kex = protocol._kex;
      return wrong && kex && firstChoices(kex._kexinit) !== firstChoices(kex._remoteKexinit);
    },
    set: (value) => wrong = value,
  });
}

/** The first key exchange and the first type of host key in a KEXINIT (RFC 4253, section 7.1). */
function firstChoices(kexinit: Uint8Array): string {
  const fields = new Reader(kexinit.subarray(17));
  return [fields.text(), fields.text()].map((names) => names.split(",")[0]).join();
}

/** A private key as ssh2 holds it. */
export interface PrivateKey {
  type: string;
  comment: string;
  getPublicSSH(): Uint8Array;
  sign(data: Uint8Array): Uint8Array | Error;
}

/** Resolves when the ciphers can be used. */
export const cryptoReady: Promise<void> = (crypto as any).init;

export const Protocol: new (config: ProtocolConfig) => Protocol = ProtocolClass as any;

/** Sends a packet, or keeps it back while keys are being exchanged. */
export const sendPacket: (protocol: Protocol, packet: Uint8Array, bypass?: boolean) => void =
  (utils as any).sendPacket;

/**
 * Reads a private key in any of the usual formats.
 *
 * @throws {Error} if it is none, or asks for a passphrase
 */
export function parsePrivateKey(text: string): PrivateKey {
  const parsed = (keyParser as any).parseKey(text);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error) throw key;
  if (!key.isPrivateKey()) throw new Error("it is a public key");
  return key.type.startsWith("ecdsa-") ? withOwnSignature(key) : key;
}

/** The curves of ECDSA keys by type (RFC 5656, section 6.2.1), with the length of a coordinate. */
const CURVES: Record<string, { name: string; hash: string; length: number }> = {
  "ecdsa-sha2-nistp256": { name: "P-256", hash: "sha256", length: 32 },
  "ecdsa-sha2-nistp384": { name: "P-384", hash: "sha384", length: 48 },
  "ecdsa-sha2-nistp521": { name: "P-521", hash: "sha512", length: 66 },
};

/**
 * An ECDSA key that can sign: ssh2 writes the secret number as SSH does, as long as it happens to be,
 * and Deno takes it at the curve's length only.
 */
function withOwnSignature(key: any): PrivateKey {
  const { name, hash, length } = CURVES[key.type]!;
  const der = Buffer.from(key.getPrivatePEM().replaceAll(/-----.*-----|\s/g, ""), "base64");
  // SEC 1, appendix C.4: a sequence of the version, 1, and the number as an octet string.
  const version = der.indexOf(Uint8Array.of(2, 1, 1, 4));
  const start = version + 5;
  const digits = der.subarray(start, start + der[start - 1]!);
  const secret = Buffer.concat([Buffer.alloc(length), digits]).subarray(-length);
  const blob: Uint8Array = key.getPublicSSH();
  const point = Buffer.from(blob.subarray(-2 * length));
  const jwk = {
    kty: "EC",
    crv: name,
    d: secret.toString("base64url"),
    x: point.subarray(0, length).toString("base64url"),
    y: point.subarray(length).toString("base64url"),
  };
  const own = createPrivateKey({ key: jwk, format: "jwk" });
  return {
    type: key.type,
    comment: key.comment,
    getPublicSSH: () => blob,
    sign: (data) => sign(hash, data, own),
  };
}

/** Signs as SSH sends it: the signature's name, then its bytes (RFC 4253, section 6.6). */
export function signWith(key: PrivateKey, data: Uint8Array): Uint8Array {
  const signature = key.sign(data);
  if (signature instanceof Error) throw signature;
  const bytes = (utils as any).convertSignature(signature, key.type);
  return new Writer().string(key.type).string(bytes).bytes();
}

const supported = (names: string[], known: string[]) =>
  names.filter((name) => known.includes(name));

/**
 * The algorithms that the server offers, the ones of today only: no SHA-1, no CBC. The client's order
 * decides; this one is from fast to slow. A Deno without chacha20 offers the others.
 */
export function createOffer(hostKeyTypes: string[]): unknown {
  const known = constants as any;
  const direction = {
    cipher: supported([
      "chacha20-poly1305@openssh.com",
      "aes128-ctr",
      "aes256-ctr",
      "aes128-gcm@openssh.com",
      "aes256-gcm@openssh.com",
    ], known.SUPPORTED_CIPHER),
    mac: supported([
      "hmac-sha2-256-etm@openssh.com",
      "hmac-sha2-512-etm@openssh.com",
      "hmac-sha2-256",
      "hmac-sha2-512",
    ], known.SUPPORTED_MAC),
    compress: ["none"],
    lang: [],
  };
  return new (kex as any).KexInit({
    kex: [
      ...supported([
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group14-sha256",
      ], known.SUPPORTED_KEX),
      "kex-strict-s-v00@openssh.com",
    ],
    serverHostKey: hostKeyTypes,
    cs: direction,
    sc: direction,
  });
}
