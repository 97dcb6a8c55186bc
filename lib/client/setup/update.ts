/** `wsproxy update`: replaces the program by the one that its server offers. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { artifacts, runsHere, TARGETS } from "../../dist/targets.ts";
import { download, getText, type ServerAccess } from "../server_pages.ts";
import { replaceFile } from "./replace_file.ts";

/** The SHA-256 of a file, in hexadecimal. */
async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** The SHA-256 of `name` in a file that sha256sum wrote. */
function listedSum(sums: string, name: string): string | undefined {
  for (const line of sums.split("\n")) {
    const [, sum, listed] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (listed === name) return sum;
  }
}

/**
 * Replaces an executable of wsproxy if the server has another one, whose checksum is compared.
 *
 * @returns whether it was replaced
 * @throws {Error} if the server has none for this system, or it cannot be fetched or written
 */
export async function updateProgram(
  executable: string,
  access: ServerAccess,
): Promise<boolean> {
  const [artifact] = artifacts(TARGETS.filter(runsHere)).filter(({ program, target }) =>
    program === "wsproxy" && target !== undefined
  );
  const sums = await getText(access, "static/SHA256SUMS");
  const wanted = artifact && listedSum(sums, artifact.name);
  if (artifact === undefined || wanted === undefined) {
    throw new Error(`cannot update wsproxy: ${access.server.host} has no wsproxy for this system`);
  }
  if (await sha256(executable) === wanted) return false;
  await replaceFile(executable, async (partial) => {
    await download(access, `static/${artifact.name}`, partial);
    if (await sha256(partial) !== wanted) {
      throw new Error("the download does not match the server's checksum");
    }
  }, { always: 0o755 });
  return true;
}
