/**
 * What tests use of npm:ssh2 beyond what it publishes, to say what no honest client says. No other
 * file names a private member of ssh2; tests/deno.json pins its exact version.
 */
// deno-lint-ignore-file no-explicit-any -- ssh2 publishes no types for these.
import type { Client } from "ssh2";
import utils from "ssh2/lib/protocol/utils.js";

/**
 * What a client is to connect with: of the ciphers of ssh2 these free what they take of
 * node:crypto, as Deno's leak check demands.
 */
export const ALGORITHMS = { cipher: ["aes128-gcm@openssh.com" as const] };

/** A private member of `object`, which has to be there. */
function member(object: any, path: string): any {
  return path.split(".").reduce((value, name) => {
    if (value[name] !== undefined) return value[name];
    throw new Error(
      `ssh2 has no "${path}": this version needs another tests/support/ssh2_internals.ts`,
    );
  }, object);
}

/** Sends one packet as it is. */
export function sendPacket(client: Client, payload: Uint8Array): void {
  const protocol = member(client, "_protocol");
  const write = member(protocol, "_packetRW.write");
  const packet = write.alloc(payload.length);
  packet.set(payload, member(write, "allocStart"));
  member(utils, "sendPacket")(protocol, write.finalize(packet));
}

/** How many packets the client has sent since keys were exchanged. */
export function packetsSent(client: Client): number {
  return member(client, "_protocol._cipher.outSeqno");
}

/** Calls back with the number of each packet that the server takes for meaningless. */
export function onUnimplemented(client: Client, callback: (sequence: number) => void): void {
  member(client, "_protocol")._debug = (text: string) => {
    if (text.includes("UNIMPLEMENTED")) callback(Number(text.match(/\d+/)![0]));
  };
}

/** Resolves to whether the server grants the next global request that is sent. */
export function nextReply(client: Client): Promise<boolean> {
  return new Promise((resolve) => {
    member(client, "_callbacks").push((error: unknown) => resolve(!error));
  });
}

/** Takes the server's requests for channels from ssh2. */
export function onChannelOpen(client: Client, callback: () => void): void {
  member(client, "_protocol._handlers").CHANNEL_OPEN = callback;
}

/** Makes the client take no notice of the server's wish to exchange keys again. */
export function ignoreKeyExchange(client: Client): void {
  const protocol = member(client, "_protocol");
  const onPayload = member(protocol, "_onPayload");
  protocol._onPayload = (payload: Uint8Array) => payload[0] === 20 ? undefined : onPayload(payload);
}
