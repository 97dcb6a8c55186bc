import { CIPHERS } from "../../lib/ssh/transport/ciphers/ciphers.ts";
import { echoSizes } from "../support/echo_sizes.ts";
import { TestSshServer } from "../support/ssh.ts";

/** The largest packet's data, in bytes. */
const MOST = 70_000;

/** Each cipher carries packets of each size to and from OpenSSH's client; takes minutes each. */
export async function packetSizes(...ciphers: string[]): Promise<void> {
  await using server = await TestSshServer.start();
  for (const cipher of ciphers.length > 0 ? ciphers : Object.keys(CIPHERS)) {
    await echoSizes(server, ["-c", cipher], Array.from({ length: MOST }, (_, index) => index + 1));
    console.log(`${cipher}: packets of each size from 1 to ${MOST} came back as they were`);
  }
}
