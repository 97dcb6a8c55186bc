import assert from "node:assert/strict";
import { dialTcp, type DialTcpOptions } from "../../../lib/wire/dial/dial_tcp.ts";

const { signal } = new AbortController();

/** Makes connections by what each address does; those that were closed again are in `closed`. */
function network(addresses: Record<string, () => Promise<unknown>>) {
  const closed: string[] = [];
  const options: DialTcpOptions = {
    signal,
    async connect({ hostname }) {
      await addresses[hostname]!();
      return { remote: hostname, close: () => closed.push(hostname) } as unknown as Deno.TcpConn;
    },
    addressesOf: () => Promise.resolve(Object.keys(addresses).filter((name) => name !== "name")),
  };
  return { closed, options };
}

const answers = () => Promise.resolve();
const refuses = (why = "refused") => () => Promise.reject(new Error(why));
const isSilent = () => new Promise(() => {});

/** Whom a connection is with. */
function remoteOf(conn: Deno.TcpConn): unknown {
  return (conn as unknown as { remote: string }).remote;
}

Deno.test("dialTcp() takes the next address when one refuses", async () => {
  const { options } = network({ name: refuses(), "::1": refuses(), "127.0.0.1": answers });
  assert.equal(remoteOf(await dialTcp("name", 1, options)), "127.0.0.1");
});

Deno.test("dialTcp() does not wait for an address that is silent", async () => {
  const { options } = network({ name: isSilent, "127.0.0.1": answers });
  assert.equal(remoteOf(await dialTcp("name", 1, options)), "127.0.0.1");
});

Deno.test("dialTcp() closes what answers too late", async () => {
  const late = Promise.withResolvers<void>();
  const { closed, options } = network({ name: () => late.promise, "127.0.0.1": answers });
  assert.equal(remoteOf(await dialTcp("name", 1, options)), "127.0.0.1");
  late.resolve();
  await late.promise;
  await Promise.resolve();
  assert.deepEqual(closed, ["name"]);
});

Deno.test("dialTcp() throws what the first address said when none answers", async () => {
  const { options } = network({ name: refuses("the first"), "::1": refuses("another") });
  await assert.rejects(dialTcp("name", 1, options), { message: "the first" });
});

Deno.test("dialTcp() looks up no other address for an address", async () => {
  const { options } = network({ "192.0.2.1": refuses(), "127.0.0.1": answers });
  await assert.rejects(dialTcp("192.0.2.1", 1, options), { message: "refused" });
});

Deno.test("dialTcp() finds the system's own addresses", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using conn = await dialTcp("localhost", listener.addr.port, { signal });
  using _accepted = await listener.accept();
  assert.equal(conn.remoteAddr.hostname, "127.0.0.1");
});
