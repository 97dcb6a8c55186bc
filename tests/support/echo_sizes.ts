/** Packets of exact sizes between OpenSSH's client and our server. */
import { deepEqual, equal, fail } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { TestSshServer } from "./ssh.ts";

/** The largest size for {@link echoSizes}, in bytes. */
const MOST = 70_000;

/**
 * Sends pieces of random bytes through a `cat` and checks what comes back. A piece is sent once the
 * one before is back, so that each is a packet of its own, or several from 32 KiB on, both ways.
 *
 * @param options of ssh
 * @param sizes of the pieces, in bytes
 */
export async function echoSizes(
  server: TestSshServer,
  options: string[],
  sizes: Iterable<number>,
): Promise<void> {
  await using child = new Deno.Command("ssh", {
    args: [...server.args(...options), "cat"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader({ mode: "byob" });
  const random = new Uint8Array(randomBytes(2 * MOST));
  for (const size of sizes) {
    // Not the same bytes each time.
    const piece = random.subarray(size, 2 * size);
    const written = writer.write(piece);
    const { value } = await reader.read(new Uint8Array(size), { min: size });
    await written;
    if (value?.length !== size) {
      const { code } = await child.status;
      fail(
        `${options.join(" ")}: ${value?.length} of ${size} bytes, status ${code}\n${await said}`,
      );
    }
    if (!piece.every((byte, at) => byte === value![at])) deepEqual(value, piece);
  }
  await writer.close();
  equal((await reader.read(new Uint8Array(1))).done, true);
  equal((await child.status).code, 0, await said);
}
