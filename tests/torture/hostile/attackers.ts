/**
 * Hostile peers of one kind: attackers.ts KIND COUNT PORT SSH_PORT ID KEY_FILE NETWORK. Each has an address of
 * its own in 127.NETWORK.0.0, with a NETWORK of 0 all have 127.0.0.1. Prints how often they connected
 * at the end of stdin.
 */
import { delay } from "../../../lib/wire/delay.ts";
import { ATTACKS } from "./attacks.ts";

const [kind, count, port, sshPort, id, keyFile, network] = Deno.args;
const attack = ATTACKS[kind!]!;
const privateKey = Deno.readTextFileSync(keyFile!);
let turns = 0;

async function go(number: number): Promise<void> {
  const address = network === "0" ? "127.0.0.1" : `127.${network}.${number >> 8}.${1 + number}`;
  for (;;) {
    const prey = { port: Number(port), sshPort: Number(sshPort), id: id!, address, privateKey };
    // ssh2 throws when its connection ends in between.
    await attack(prey, turns++).catch(() => {});
    // Refusals come at once.
    await delay(10);
  }
}

for (let number = 0; number < Number(count); number++) void go(number);
console.log("attacking");
await Deno.stdin.readable.pipeTo(new WritableStream());
console.log(`${turns} connections`);
Deno.exit();
