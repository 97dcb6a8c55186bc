import { openAesCtr, sealAesCtr } from "./aes_ctr.ts";
import { type AesGcmName, openAesGcm, sealAesGcm } from "./aes_gcm.ts";
import { openChaChaPoly, sealChaChaPoly } from "./chacha20_poly1305.ts";
import type { CipherKeys, Opener, Sealer } from "./cipher.ts";
import type { MacAlgorithm } from "./mac.ts";
import { sodium } from "./sodium.ts";

/** A cipher by its name in SSH. */
export interface CipherAlgorithm {
  /** In bytes. */
  keyLength: number;
  /** In bytes. */
  ivLength: number;
  /** Whether a MAC has to be agreed on as well. */
  needsMac: boolean;
  seal(keys: CipherKeys, mac?: MacAlgorithm): Sealer;
  open(keys: CipherKeys, mac?: MacAlgorithm): Opener;
}

function aesCtr(name: string, keyLength: number): CipherAlgorithm {
  return {
    keyLength,
    ivLength: 16,
    needsMac: true,
    seal: (keys, mac) => sealAesCtr(name, keys, mac!),
    open: (keys, mac) => openAesCtr(name, keys, mac!),
  };
}

function aesGcm(name: AesGcmName, keyLength: number): CipherAlgorithm {
  return {
    keyLength,
    ivLength: 12,
    needsMac: false,
    seal: (keys) => sealAesGcm(name, keys),
    open: (keys) => openAesGcm(name, keys),
  };
}

/** Needs libsodium: in plain JavaScript it takes twice as long as AES with HMAC. */
function chaChaPoly(): Record<string, CipherAlgorithm> {
  if ("missing" in sodium) return {};
  const loaded = sodium;
  return {
    "chacha20-poly1305@openssh.com": {
      keyLength: 64,
      ivLength: 0,
      needsMac: false,
      seal: (keys) => sealChaChaPoly(loaded, keys),
      open: (keys) => openChaChaPoly(loaded, keys),
    },
  };
}

/** All ciphers, from fast to slow. The client's order decides. */
export const CIPHERS: Record<string, CipherAlgorithm> = {
  ...chaChaPoly(),
  "aes128-ctr": aesCtr("aes-128-ctr", 16),
  "aes256-ctr": aesCtr("aes-256-ctr", 32),
  "aes128-gcm@openssh.com": aesGcm("aes-128-gcm", 16),
  "aes256-gcm@openssh.com": aesGcm("aes-256-gcm", 32),
};
