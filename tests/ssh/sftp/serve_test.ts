import assert from "node:assert/strict";
import { Refused } from "../../../lib/ssh/connection/handler.ts";
import { MAX_DATA, OpenFlag, PacketType, Status } from "../../../lib/ssh/sftp/packets/numbers.ts";
import { WINDOW } from "../../../lib/ssh/sftp/thread/messages.ts";
import { SftpServer } from "../../../lib/ssh/sftp/serve.ts";
import { MalformedError } from "../../../lib/ssh/protocol/wire_format.ts";
import { TempDir } from "../../support/program.ts";
import { MemoryChannel } from "./memory_channel.ts";
import { assertStatus, encodePacket, readHandle } from "./test_client.ts";

/** How many files below `path` this process has open. */
function countOpen(path: string): number {
  return Deno.readDirSync("/proc/self/fd").filter(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(path);
    } catch {
      // The descriptor by which the directory itself was read.
      return false;
    }
  }).toArray().length;
}

/** Opens a file and returns its handle. */
async function open(channel: MemoryChannel, path: string): Promise<Uint8Array> {
  const flags = OpenFlag.read | OpenFlag.write | OpenFlag.create;
  const before = (await channel.replies(0)).length;
  channel.send(encodePacket(PacketType.open, before, path, flags, { attributes: {} }));
  return readHandle((await channel.replies(before + 1))[before]!);
}

Deno.test("several clients are served at once", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  const clients = ["a", "b", "c", "d", "e", "f"].map(async (name) => {
    const channel = new MemoryChannel();
    const served = sftp.serve(channel, { cwd: dir.path });
    const handle = await open(channel, name);
    for (let id = 1; id <= 200; id++) {
      channel.send(encodePacket(PacketType.write, id, handle, BigInt(id), name.repeat(1000)));
    }
    channel.send(encodePacket(PacketType.read, 201, handle, 1n, 10_000));
    channel.end();
    await served;
    const replies = await channel.replies(202);
    for (const reply of replies.slice(1, 201)) assertStatus(reply, Status.ok);
    assert.equal(replies[201]!.body.text(), name.repeat(1199));
  });
  await Promise.all(clients);
});

Deno.test("all that was asked for before the end is still done", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  dir.write("file", new Uint8Array(10 * MAX_DATA));
  const channel = new MemoryChannel();
  channel.setOpen(false);
  const served = sftp.serve(channel, { cwd: dir.path });
  channel.setOpen(true);
  const handle = await open(channel, "file");
  channel.setOpen(false);
  for (let id = 1; id <= 10; id++) {
    channel.send(encodePacket(PacketType.read, id, handle, BigInt((id - 1) * MAX_DATA), MAX_DATA));
  }
  channel.end();
  channel.setOpen(true);
  await served;
  const replies = await channel.replies(11);
  for (const reply of replies.slice(1)) assert.equal(reply.body.uint32(), MAX_DATA);
});

Deno.test("a client that takes no replies is waited for, in bounded memory", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  dir.write("file", new Uint8Array(MAX_DATA));
  const channel = new MemoryChannel();
  const served = sftp.serve(channel, { cwd: dir.path });
  const handle = await open(channel, "file");
  channel.setOpen(false);
  // Together they ask for half a gigabyte, and fit into the window.
  const requests = Array.from(
    { length: 2_000 },
    (_, id) => encodePacket(PacketType.read, id, handle, 0n, MAX_DATA),
  );
  channel.send(...requests);
  while (channel.taken < 2_000 * requests[0]!.length) await channel.change();
  const other = new MemoryChannel();
  const servedToo = sftp.serve(other, { cwd: dir.path });
  await open(other, "other");
  // What is read from here on is empty, so the data that the client gets is what was kept for it.
  Deno.truncateSync(`${dir.path}/file`);
  channel.setOpen(true);
  for (const each of [channel, other]) each.end();
  await Promise.all([served, servedToo]);
  const replies = await channel.replies(2_001);
  const kept = replies.filter(({ type }) => type === PacketType.data).length * MAX_DATA;
  assert.ok(kept > 0 && kept < 3 * WINDOW, String(kept));
});

Deno.test("more clients than there may be are told so, and the next one is served", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer({ maxClients: 2 });
  const channels = [1, 2, 3].map(() => new MemoryChannel());
  const [first, second, third] = channels.map((channel) => sftp.serve(channel, { cwd: dir.path }));
  await assert.rejects(third!, new Refused("the agent already has 2 SFTP clients"));
  channels[0]!.end();
  await first;
  const next = new MemoryChannel();
  const servedToo = sftp.serve(next, { cwd: dir.path });
  await open(next, "file");
  for (const each of [channels[1]!, next]) each.end();
  await Promise.all([second, servedToo]);
});

Deno.test("64 clients are served at a time", async () => {
  await using dir = new TempDir();
  const Thread = globalThis.Worker;
  // Threads that do nothing and cost nothing.
  globalThis.Worker = class extends EventTarget {
    postMessage() {}
    terminate() {}
  } as unknown as typeof Thread;
  const serving: Promise<void>[] = [];
  try {
    using sftp = new SftpServer();
    const serve = () => sftp.serve(new MemoryChannel(), { cwd: dir.path });
    for (let i = 0; i < 64; i++) serving.push(serve());
    await assert.rejects(serve(), new Refused("the agent already has 64 SFTP clients"));
  } finally {
    globalThis.Worker = Thread;
  }
  for (const served of serving) await assert.rejects(served, /the SFTP server has ended/);
});

Deno.test("nothing is read ahead of what can be worked on", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  const channel = new MemoryChannel();
  const served = sftp.serve(channel, { cwd: dir.path });
  const handle = await open(channel, "file");
  channel.setOpen(false);
  // The replies fill the window, so the writes behind them have to wait.
  const data = new Uint8Array(MAX_DATA);
  channel.send(encodePacket(PacketType.write, 1, handle, 0n, data));
  for (let id = 2; id < 10; id++) {
    channel.send(encodePacket(PacketType.read, id, handle, 0n, MAX_DATA));
  }
  for (let id = 10; id < 60; id++) {
    channel.send(encodePacket(PacketType.write, id, handle, 0n, data));
  }
  const other = new MemoryChannel();
  const servedToo = sftp.serve(other, { cwd: dir.path });
  await open(other, "other");
  assert.ok(channel.taken < 12 * MAX_DATA, String(channel.taken));
  channel.setOpen(true);
  const replies = await channel.replies(60);
  for (const reply of replies.slice(10)) assertStatus(reply, Status.ok);
  channel.end();
  other.end();
  await Promise.all([served, servedToo]);
});

Deno.test("a client that vanishes leaves nothing open, whatever it had asked for", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  const channel = new MemoryChannel();
  const served = sftp.serve(channel, { cwd: dir.path });
  const handles: Uint8Array[] = [];
  for (let i = 0; i < 20; i++) handles.push(await open(channel, `file-${i}`));
  channel.send(encodePacket(PacketType.opendir, 20, "."));
  await channel.replies(21);
  assert.equal(countOpen(dir.path), 21);
  const watcher = Deno.watchFs(dir.path);
  // Copies a hole of a terabyte, which takes long.
  channel.send(
    encodePacket(PacketType.fsetstat, 21, handles[0]!, { attributes: { size: 2 ** 40 } }),
  );
  const copy = ["copy-data", handles[0]!, 0n, 2n ** 40n, handles[1]!, 0n] as const;
  channel.send(encodePacket(PacketType.extended, 22, ...copy));
  await channel.replies(22);
  for await (const { paths } of watcher) {
    if (paths.some((path) => path.endsWith("/file-1"))) break;
  }
  channel.vanish();
  await served;
  assert.equal(countOpen(dir.path), 0);
});

Deno.test("what one client waits for holds up neither others nor the program", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  const busy = new MemoryChannel();
  const served = sftp.serve(busy, { cwd: dir.path });
  const from = await open(busy, "from");
  const to = await open(busy, "to");
  // Copies a hole of a terabyte, which takes long.
  busy.send(encodePacket(PacketType.fsetstat, 2, from, { attributes: { size: 2 ** 40 } }));
  const copy = ["copy-data", from, 0n, 2n ** 40n, to, 0n] as const;
  busy.send(encodePacket(PacketType.extended, 3, ...copy));
  await busy.replies(3);

  const other = new MemoryChannel();
  const servedToo = sftp.serve(other, { cwd: dir.path });
  const handle = await open(other, "file");
  other.send(encodePacket(PacketType.write, 1, handle, 0n, "x"));
  other.send(encodePacket(PacketType.close, 2, handle));
  other.end();
  await servedToo;
  assert.equal((await busy.replies(3)).length, 3);
  busy.vanish();
  await served;
});

Deno.test("a client that breaks the protocol is dropped, and the next one served", async () => {
  await using dir = new TempDir();
  using sftp = new SftpServer();
  const channel = new MemoryChannel();
  const served = sftp.serve(channel, { cwd: dir.path });
  await open(channel, "file");
  assert.equal(countOpen(dir.path), 1);
  channel.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1));
  await assert.rejects(served, MalformedError);
  assert.equal(countOpen(dir.path), 0);
  const next = new MemoryChannel();
  const servedToo = sftp.serve(next, { cwd: dir.path });
  await open(next, "file");
  next.end();
  await servedToo;
});

Deno.test("threads are used again", async () => {
  await using dir = new TempDir();
  let threads = 0;
  const Thread = globalThis.Worker;
  globalThis.Worker = class extends Thread {
    constructor(...args: ConstructorParameters<typeof Thread>) {
      super(...args);
      threads++;
    }
  };
  try {
    using sftp = new SftpServer();
    for (let i = 0; i < 20; i++) {
      const channel = new MemoryChannel();
      const served = sftp.serve(channel, { cwd: dir.path });
      await open(channel, "file");
      channel.end();
      await served;
    }
  } finally {
    globalThis.Worker = Thread;
  }
  assert.equal(threads, 1);
});

Deno.test("the end of the server ends its clients", async () => {
  await using dir = new TempDir();
  const sftp = new SftpServer();
  const channel = new MemoryChannel();
  const served = sftp.serve(channel, { cwd: dir.path });
  await open(channel, "file");
  sftp[Symbol.dispose]();
  await assert.rejects(served, /the SFTP server has ended/);
});
