import assert from "node:assert/strict";
import { stalled } from "../../support/stalled.ts";
import { type OwnSocket, OwnSockets, peerKey } from "../../../lib/server/sockets/own_sockets.ts";

const ignore = Deno.build.os !== "linux";

function all(sockets: OwnSockets, port: number): OwnSocket[] {
  return [...sockets.slices(port)].flat();
}

Deno.test("peerKey() takes an IPv4 address that is written as IPv6 for what it is", () => {
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1);
  assert.equal(peerKey(mapped, 7), "192.0.2.1:7");
  assert.equal(peerKey(Uint8Array.of(192, 0, 2, 1), 7), "192.0.2.1:7");
});

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test({
    name: `OwnSockets finds what a port has accepted and ends that alone: ${hostname}`,
    ignore,
    async fn() {
      using sockets = new OwnSockets();
      using listener = Deno.listen({ hostname, port: 0 });
      const { port } = listener.addr;
      using one = await Deno.connect({ hostname, port });
      using accepted = await listener.accept();
      using other = await Deno.connect({ hostname, port });
      using _also = await listener.accept();
      await one.write(new Uint8Array(1_000));
      // This process has both ends; those that it has opened itself are not listed.
      const keyOf = ({ localAddr }: Deno.TcpConn) => `:${localAddr.port}`;
      const found = all(sockets, port);
      assert.equal(found.length, 2);
      const mine = found.find(({ peer }) => peer.endsWith(keyOf(one)))!;
      assert.equal(mine.received, 0);
      await accepted.read(new Uint8Array(1_000));
      assert.equal(all(sockets, port).find(({ peer }) => peer === mine.peer)!.received, 1_000);
      sockets.end({ ...mine, peer: "192.0.2.1:1" }, port);
      await accepted.write(new Uint8Array(1));
      assert.equal(await one.read(new Uint8Array(9)), 1);
      sockets.end(mine, port);
      assert.equal(await accepted.read(new Uint8Array(9)), null);
      await other.write(new Uint8Array(1));
      assert.equal(all(sockets, port).length, 2);
    },
  });
}

Deno.test({
  name: "OwnSockets has what a port accepts send small messages at once",
  ignore,
  async fn() {
    using sockets = new OwnSockets();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    sockets.prepare(port, 16 * 1024);
    using _peer = await Deno.connect({ hostname: "127.0.0.1", port });
    using _accepted = await listener.accept();
    const libc = Deno.dlopen("libc.so.6", {
      getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
    });
    const value = new Int32Array(1);
    const length = new Uint8Array(Int32Array.of(4).buffer);
    const [{ fd }] = all(sockets, port) as [OwnSocket];
    // TCP_NODELAY.
    assert.equal(libc.symbols.getsockopt(fd, 6, 1, new Uint8Array(value.buffer), length), 0);
    assert.equal(value[0], 1);
    libc.close();
  },
});

Deno.test({
  name: "OwnSockets keeps few bytes unsent in the kernel for a peer that takes none",
  ignore,
  async fn() {
    using sockets = new OwnSockets();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    /** How much the kernel takes for a peer that does not read. */
    const taken = async () => {
      using peer = await Deno.connect({ hostname: "127.0.0.1", port });
      using accepted = await listener.accept();
      let written = 0;
      const writing = (async () => {
        for (;;) written += await accepted.write(new Uint8Array(64 * 1024));
      })().catch(() => {});
      await stalled(() => written);
      peer.close();
      await writing;
      return written;
    };
    const before = await taken();
    sockets.prepare(port, 64 * 1024);
    const after = await taken();
    assert.ok(after < before / 3, `${after} bytes instead of ${before}`);
  },
});
