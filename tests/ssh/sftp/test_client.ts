/** An SFTP client for tests: it says exactly what a test wants, in memory. */
import assert from "node:assert/strict";
import type { FileSystem } from "../../../lib/ssh/sftp/files/file_system.ts";
import { LibC } from "../../../lib/ssh/sftp/files/libc.ts";
import { LinuxFiles } from "../../../lib/ssh/sftp/files/linux_files.ts";
import { NodeFiles } from "../../../lib/ssh/sftp/files/node_files.ts";
import {
  AttributeFlag,
  OpenFlag,
  PacketType,
  Status,
} from "../../../lib/ssh/sftp/packets/numbers.ts";
import { PosixPaths } from "../../../lib/ssh/sftp/files/paths.ts";
import { SftpSession } from "../../../lib/ssh/sftp/session.ts";
import { SystemUsers } from "../../../lib/ssh/sftp/files/users.ts";
import { Reader, Writer } from "../../../lib/ssh/protocol/wire_format.ts";

/** The file systems that every test of requests runs on. */
export const SYSTEMS: [name: string, create: () => FileSystem][] = [
  ...LibC.supported
    ? [["libc", () => new LinuxFiles(new LibC())] as [string, () => FileSystem]]
    : [],
  ["node", () => new NodeFiles()],
];

/** Attributes as a client sends or sees them; times in seconds. */
export interface TestAttributes {
  size?: number;
  owner?: [uid: number, gid: number];
  permissions?: number;
  times?: [atime: number, mtime: number];
}

/** What a field of a request can be: a number is a uint32, a bigint a uint64. */
export type Field = number | bigint | string | Uint8Array | { attributes: TestAttributes };

/** One reply of the server's. */
export interface TestReply {
  type: number;
  id: number;
  /** What follows the number. */
  body: Reader;
}

function writeField(message: Writer, field: Field): void {
  if (typeof field === "number") message.uint32(field);
  else if (typeof field === "bigint") {
    message.uint32(Number(field >> 32n)).uint32(Number(field & 0xffffffffn));
  } else if (typeof field === "string" || field instanceof Uint8Array) message.string(field);
  else {
    const { size, owner, permissions, times } = field.attributes;
    message.uint32(
      (size === undefined ? 0 : AttributeFlag.size) | (owner ? AttributeFlag.owner : 0) |
        (permissions === undefined ? 0 : AttributeFlag.permissions) |
        (times ? AttributeFlag.times : 0),
    );
    if (size !== undefined) writeField(message, BigInt(size));
    owner?.forEach((number) => message.uint32(number));
    if (permissions !== undefined) message.uint32(permissions);
    times?.forEach((number) => message.uint32(number));
  }
}

/** A packet with its length. */
export function encodePacket(type: number, ...fields: Field[]): Uint8Array<ArrayBuffer> {
  const message = new Writer().byte(type);
  for (const field of fields) writeField(message, field);
  return new Uint8Array(new Writer().string(message.bytes()).bytes());
}

/** Several pieces as one. */
export function concat(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let length = 0;
  for (const piece of pieces) {
    bytes.set(piece, length);
    length += piece.length;
  }
  return bytes;
}

/** The greeting. */
export const INIT = encodePacket(PacketType.init, 3);

/** Cuts a stream of bytes into replies. */
export function decodeReplies(bytes: Uint8Array): TestReply[] {
  const stream = new Reader(bytes);
  const replies: TestReply[] = [];
  while (stream.left > 0) {
    const body = new Reader(stream.string());
    replies.push({ type: body.byte(), id: body.uint32(), body });
  }
  return replies;
}

export function readUint64(body: Reader): bigint {
  return BigInt(body.uint32()) << 32n | BigInt(body.uint32());
}

export function readTestAttributes(body: Reader): TestAttributes {
  const flags = body.uint32();
  const has = (flag: number) => (flags & flag) !== 0;
  return {
    ...has(AttributeFlag.size) && { size: Number(readUint64(body)) },
    ...has(AttributeFlag.owner) && { owner: [body.uint32(), body.uint32()] },
    ...has(AttributeFlag.permissions) && { permissions: body.uint32() },
    ...has(AttributeFlag.times) && { times: [body.uint32(), body.uint32()] },
  };
}

/** A client and its session in one thread. */
export class TestClient implements Disposable {
  readonly files: FileSystem;
  readonly session: SftpSession;
  readonly #cwd: string;
  #received: Uint8Array[] = [];
  #id = 100;

  constructor(createFiles: () => FileSystem, cwd: string, { greet = true } = {}) {
    this.files = createFiles();
    this.#cwd = cwd;
    this.session = this.#createSession();
    if (greet) this.exchange(INIT);
  }

  #createSession(): SftpSession {
    return new SftpSession({
      files: this.files,
      paths: new PosixPaths(this.#cwd),
      users: new SystemUsers(),
      send: (bytes) => this.#received.push(bytes),
    });
  }

  /** Another session on the same file system, greeted. */
  anotherSession(): SftpSession {
    const session = this.#createSession();
    this.exchange(INIT, session);
    return session;
  }

  [Symbol.dispose](): void {
    this.session[Symbol.dispose]();
    this.files[Symbol.dispose]();
  }

  /** Sends bytes and returns all that came back. */
  exchange(bytes: Uint8Array<ArrayBuffer>, session = this.session): Uint8Array {
    session.receive(bytes);
    while (session.step());
    session.flush();
    return concat(this.#received.splice(0));
  }

  /** Sends a request and returns its reply. */
  request(type: number, ...fields: Field[]): TestReply {
    const id = this.#id++;
    const replies = decodeReplies(this.exchange(encodePacket(type, id, ...fields)));
    assert.equal(replies.length, 1);
    assert.equal(replies[0]!.id, id);
    return replies[0]!;
  }

  extended(name: string, ...fields: Field[]): TestReply {
    return this.request(PacketType.extended, name, ...fields);
  }

  /** Expects success. */
  ok(type: number, ...fields: Field[]): void {
    assertStatus(this.request(type, ...fields), Status.ok);
  }

  /** Expects a status, and returns its text. */
  status(status: Status, type: number, ...fields: Field[]): string {
    return assertStatus(this.request(type, ...fields), status);
  }

  /** Opens a file; `flags` are names of {@link OpenFlag}. */
  open(
    path: string | Uint8Array,
    flags: (keyof typeof OpenFlag)[],
    attributes: TestAttributes = {},
  ): Uint8Array {
    const bits = flags.reduce((sum, flag) => sum | OpenFlag[flag], 0);
    return readHandle(this.request(PacketType.open, path, bits, { attributes }));
  }

  close(handle: Uint8Array): void {
    this.ok(PacketType.close, handle);
  }

  /** Reads once; null at the end of the file. */
  read(handle: Uint8Array, offset: number | bigint, length: number): Uint8Array | null {
    const reply = this.request(PacketType.read, handle, BigInt(offset), length);
    if (reply.type === PacketType.status) {
      assertStatus(reply, Status.eof);
      return null;
    }
    assert.equal(reply.type, PacketType.data);
    return reply.body.string();
  }

  write(handle: Uint8Array, offset: number | bigint, data: string | Uint8Array): void {
    this.ok(PacketType.write, handle, BigInt(offset), data);
  }

  attributes(type: number, ...fields: Field[]): TestAttributes {
    const reply = this.request(type, ...fields);
    assert.equal(reply.type, PacketType.attrs);
    return readTestAttributes(reply.body);
  }

  /** All entries of a directory: bytes of the names as text, one character a byte. */
  list(path: string | Uint8Array): Map<string, { longName: string; attributes: TestAttributes }> {
    const entries = new Map<string, { longName: string; attributes: TestAttributes }>();
    const handle = readHandle(this.request(PacketType.opendir, path));
    for (;;) {
      const reply = this.request(PacketType.readdir, handle);
      if (reply.type === PacketType.status) {
        assertStatus(reply, Status.eof);
        break;
      }
      for (const { name, longName, attributes } of readNames(reply)) {
        entries.set(name, { longName, attributes });
      }
    }
    this.close(handle);
    return entries;
  }

  /** The one name in the reply to a request. */
  name(type: number, ...fields: Field[]): string {
    const names = readNames(this.request(type, ...fields));
    assert.equal(names.length, 1);
    assert.equal(names[0]!.longName, names[0]!.name);
    assert.deepEqual(names[0]!.attributes, {});
    return names[0]!.name;
  }
}

/** One character a byte. */
export function byteText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export function readNames(
  reply: TestReply,
): { name: string; longName: string; attributes: TestAttributes }[] {
  if (reply.type === PacketType.status) assertStatus(reply, Status.ok);
  assert.equal(reply.type, PacketType.name);
  return Array.from({ length: reply.body.uint32() }, () => ({
    name: byteText(reply.body.string()),
    longName: byteText(reply.body.string()),
    attributes: readTestAttributes(reply.body),
  }));
}

export function readHandle(reply: TestReply): Uint8Array {
  if (reply.type === PacketType.status) assertStatus(reply, Status.ok);
  assert.equal(reply.type, PacketType.handle);
  return reply.body.string();
}

/** Expects a status, and returns its text. */
export function assertStatus(reply: TestReply, status: Status): string {
  assert.equal(reply.type, PacketType.status);
  const code = reply.body.uint32();
  const text = reply.body.text();
  assert.equal(code, status, text);
  assert.equal(reply.body.text(), "en");
  assert.equal(reply.body.left, 0);
  return text;
}
