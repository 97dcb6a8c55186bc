/** What the server offers and how both sides agree (RFC 4253, section 7.1). */
import { randomBytes } from "node:crypto";
import { DisconnectReason, Message } from "../../protocol/numbers.ts";
import { Reader, Writer } from "../../protocol/wire_format.ts";
import { CIPHERS } from "../ciphers/ciphers.ts";
import { MACS } from "../ciphers/mac.ts";
import { TransportError } from "../transport_error.ts";
import { CURVE25519, NISTP256, NISTP384, NISTP521 } from "./curves.ts";
import { GROUP14, GROUP16 } from "./diffie_hellman.ts";
import type { ExchangeMethod } from "./method.ts";
import { MLKEM768_X25519 } from "./mlkem.ts";

/** Key exchange methods, the best first. The client's order decides, here and below. */
const METHODS: Record<string, ExchangeMethod> = {
  "mlkem768x25519-sha256": MLKEM768_X25519,
  "curve25519-sha256": CURVE25519,
  "curve25519-sha256@libssh.org": CURVE25519,
  "ecdh-sha2-nistp256": NISTP256,
  "ecdh-sha2-nistp384": NISTP384,
  "ecdh-sha2-nistp521": NISTP521,
  "diffie-hellman-group16-sha512": GROUP16,
  "diffie-hellman-group14-sha256": GROUP14,
};

/** By these a side says that it follows the strict rules (OpenSSH's PROTOCOL, section 1.10). */
const STRICT_CLIENT = "kex-strict-c-v00@openssh.com";
const STRICT_SERVER = "kex-strict-s-v00@openssh.com";

/** By this a client asks for SSH_MSG_EXT_INFO (RFC 8308, section 2.1). */
const EXT_INFO_CLIENT = "ext-info-c";

/** What the two sides agreed on. */
export interface Agreement {
  method: ExchangeMethod;
  hostKeyAlgorithm: string;
  /** From the client to the server, and back. */
  ciphers: [string, string];
  /** Undefined where the cipher authenticates by itself. */
  macs: [string | undefined, string | undefined];
  /** The client has sent the next message before it knew our offer, and has to send it again. */
  guessedWrong: boolean;
  /** Both sides follow the strict rules. Means something in the first exchange only. */
  strict: boolean;
  /** The client takes SSH_MSG_EXT_INFO. Means something in the first exchange only. */
  wantsExtInfo: boolean;
}

/** Makes our SSH_MSG_KEXINIT. */
export function createOffer(hostKeyAlgorithms: string[]): Uint8Array {
  const [ciphers, macs] = [Object.keys(CIPHERS), Object.keys(MACS)];
  const message = new Writer().byte(Message.kexinit).raw(randomBytes(16));
  const lists = [
    [...Object.keys(METHODS), STRICT_SERVER],
    hostKeyAlgorithms,
    ...[ciphers, ciphers],
    ...[macs, macs],
    ...[["none"], ["none"]],
    ...[[], []],
  ];
  for (const names of lists) message.string(names.join(","));
  return message.boolean(false).uint32(0).bytes();
}

/**
 * Agrees on algorithms: of each kind, the first of the client's that the server has.
 *
 * @param ours our SSH_MSG_KEXINIT
 * @param theirs the client's
 * @throws {MalformedError} if the client's message is cut off
 * @throws {TransportError} if there is nothing in common
 */
export function agree(ours: Uint8Array, theirs: Uint8Array): Agreement {
  const [server, client] = [readOffer(ours), readOffer(theirs)];
  // Without what is in the list and is no method.
  server.lists[0] = Object.keys(METHODS);
  const choose = (kind: string, index: number) => {
    const offered = client.lists[index]!;
    const name = offered.find((name) => server.lists[index]!.includes(name));
    if (name !== undefined) return name;
    const [has, wants] = [server.lists[index]!, offered].map((names) => names.join(","));
    throw new TransportError(
      `cannot agree on a ${kind}: the server has "${has}", the client wants "${wants}"`,
      DisconnectReason.keyExchangeFailed,
    );
  };
  const [method, hostKeyAlgorithm] = [choose("key exchange", 0), choose("host key", 1)];
  const ciphers: [string, string] = [choose("cipher", 2), choose("cipher", 3)];
  const mac = (cipher: string, index: number) =>
    CIPHERS[cipher]!.needsMac ? choose("MAC", index) : undefined;
  const macs: Agreement["macs"] = [mac(ciphers[0], 4), mac(ciphers[1], 5)];
  for (const index of [6, 7]) choose("compression", index);
  const first = ({ lists }: Offer) => `${lists[0]![0]},${lists[1]![0]}`;
  return {
    method: METHODS[method]!,
    hostKeyAlgorithm,
    ciphers,
    macs,
    guessedWrong: client.guesses && first(server) !== first(client),
    strict: client.lists[0]!.includes(STRICT_CLIENT),
    wantsExtInfo: client.lists[0]!.includes(EXT_INFO_CLIENT),
  };
}

/** An SSH_MSG_KEXINIT. */
interface Offer {
  /** Methods, host key algorithms, then pairs of ciphers, MACs, compressions and languages. */
  lists: string[][];
  /** The next message follows without waiting for the other side's offer. */
  guesses: boolean;
}

function readOffer(message: Uint8Array): Offer {
  // The message's number and 16 random bytes come first.
  const reader = new Reader(message.subarray(17));
  const lists = Array.from({ length: 10 }, () => reader.text().split(","));
  return { lists, guesses: reader.boolean() };
}
