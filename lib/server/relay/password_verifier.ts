import { randomBytes, scrypt } from "node:crypto";
import type { PasswordVerifier } from "../../protocol/messages.ts";

/** Makes the verifier that agents check passwords with (scrypt, RFC 7914), with a new salt. */
export function passwordVerifier(password: string): Promise<PasswordVerifier> {
  const cost = { N: 16_384, r: 8, p: 1 };
  const salt = randomBytes(16);
  return new Promise((resolve, reject) =>
    scrypt(password, salt, 32, cost, (error, hash) => {
      if (error) reject(error);
      else resolve({ salt: salt.toString("base64"), hash: hash.toString("base64"), ...cost });
    })
  );
}
