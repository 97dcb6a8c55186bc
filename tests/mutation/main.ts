/**
 * `deno task mutate [FILE…]`: changes lines that security rests on, one at a time, in a copy of the
 * tree, and runs their tests. Prints each change that no test noticed: either a test is missing, or
 * it makes no difference and belongs in equivalent.ts. All files take more than an hour.
 *
 * @module
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/root.ts";
import { EQUIVALENT } from "./equivalent.ts";
import { mutants } from "./mutants.ts";

/** How long the tests of one mutant may run, in milliseconds; a mutant that hangs was noticed. */
const LIMIT_MS = 90_000;

/** The tests of each file, the fastest first. */
const TESTS: Record<string, string[]> = {
  "lib/text/ip_address.ts": ["text/ip_address_test.ts"],
  "lib/ssh/login/address_pattern.ts": [
    "ssh/login/address_pattern_test.ts",
    "ssh/login/key_options_test.ts",
  ],
  "lib/ssh/login/key_options.ts": [
    "ssh/login/key_options_test.ts",
    "ssh/login/authorized_keys_test.ts",
  ],
  "lib/ssh/login/authorized_keys.ts": ["ssh/login/authorized_keys_test.ts"],
  "lib/ssh/login/authentication.ts": ["ssh/login/authentication_test.ts"],
  "lib/ssh/login/login.ts": ["ssh/login/attempts_test.ts"],
  "lib/ssh/login/signed_request.ts": ["ssh/login/attempts_test.ts"],
  "lib/ssh/login/admission.ts": ["ssh/login/admission_test.ts"],
  "lib/limits/penalties.ts": ["limits/penalties_test.ts"],
  "lib/ssh/login/startups.ts": ["ssh/login/startups_test.ts"],
  "lib/ssh/connection/channel.ts": [
    "ssh/connection/channel_test.ts",
    "ssh/connection/connection_test.ts",
    "ssh/connection/send_queue_test.ts",
  ],
  "lib/ssh/connection/request_queue.ts": ["ssh/connection/request_queue_test.ts"],
  "lib/ssh/connection/opening_channels.ts": ["ssh/connection/connection_test.ts"],
  "lib/ssh/connection/requests.ts": ["ssh/connection/connection_test.ts"],
  "lib/ssh/connection/connection.ts": ["ssh/connection/connection_test.ts"],
  "lib/agent/lifetime/lifetime.ts": [
    "agent/lifetime/lifetime_test.ts",
    "agent/lifetime/keeper_test.ts",
  ],
  "lib/agent/lifetime/keeper.ts": ["agent/lifetime/keeper_test.ts"],
  "lib/ssh/session/environment.ts": ["ssh/session/environment_test.ts"],
  "lib/server/rendezvous/resume_secrets.ts": ["server/rendezvous/resume_secrets_test.ts"],
  "lib/server/http/admin_lock.ts": ["server/http/admin_lock_test.ts"],
  "lib/server/limits/address_limits.ts": ["server/limits/address_limits_test.ts"],
  "lib/server/sockets/guard.ts": ["server/sockets/guard_test.ts"],
  "lib/server/sockets/guarded_connection.ts": ["server/sockets/guarded_connection_test.ts"],
  "lib/ssh/transport/key_exchanges.ts": [
    "ssh/transport/key_exchanges_test.ts",
    "ssh/transport/transport_test.ts",
    "ssh/kex_guess_test.ts",
    "ssh/hostile_login_test.ts",
  ],
  "lib/wire/same_secret.ts": ["wire/same_secret_test.ts"],
  "lib/files/private_directory.ts": ["files/private_directory_test.ts"],
};

const files = Deno.args.length > 0 ? Deno.args : Object.keys(TESTS);
const copy = Deno.makeTempDirSync({ prefix: "converge-mutation-" });
let [total, survived] = [0, 0];
try {
  for (const name of ["lib", "templates", "tests", "docs", "deno.json", "deno.lock"]) {
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  }
  for (const file of files) await mutate(file);
} finally {
  Deno.removeSync(copy, { recursive: true });
}
console.log(`${total} changes, ${survived} not noticed`);

async function mutate(file: string): Promise<void> {
  const tests = TESTS[file];
  if (!tests) throw new Error(`no tests are listed for "${file}" in tests/mutation/main.ts`);
  const source = Deno.readTextFileSync(join(ROOT, file));
  if (!await pass(tests)) throw new Error(`the tests of "${file}" fail without a change`);
  for (const mutant of mutants(source)) {
    if (EQUIVALENT[file]?.[mutant.to] !== undefined) continue;
    Deno.writeTextFileSync(join(copy, file), mutant.source);
    total++;
    if (!await pass(tests)) continue;
    survived++;
    console.log(`${file}:${mutant.line}\n  - ${mutant.from}\n  + ${mutant.to}`);
  }
  Deno.writeTextFileSync(join(copy, file), source);
}

/** Whether all these tests pass in the copy. */
async function pass(tests: string[]): Promise<boolean> {
  for (const test of tests) {
    const { success } = await new Deno.Command("deno", {
      args: ["test", "-A", "--no-check", "--fail-fast", join("tests", test)],
      cwd: copy,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).output();
    if (!success) return false;
  }
  return true;
}
