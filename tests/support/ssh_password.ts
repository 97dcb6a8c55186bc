/** Logins with a password, by OpenSSH's client. */
import { Buffer } from "node:buffer";
import { scryptSync } from "node:crypto";
import type { PasswordVerifier } from "../../lib/protocol/messages.ts";
import type { ProgramResult } from "./program.ts";
import type { TestSshServer } from "./ssh.ts";

export function passwordVerifier(password: string): PasswordVerifier {
  const salt = Buffer.from("0123456789abcdef");
  const cost = { N: 16384, r: 8, p: 1 };
  const hash = scryptSync(password, salt, 32, cost);
  return { salt: salt.toString("base64"), hash: hash.toString("base64"), ...cost };
}

/** Logs in with a password alone, typed by SSH_ASKPASS, and runs `echo in`. */
export function withPassword(
  server: TestSshServer,
  password: string,
  options: string[] = [],
): Promise<ProgramResult> {
  const askpass = server.dir.write("askpass", '#!/bin/sh\necho "$TYPED"\n', 0o700);
  return server.ssh(
    ["-o", "BatchMode=no", "-o", "PubkeyAuthentication=no", ...options],
    ["echo in"],
    { env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force", TYPED: password } },
  );
}
