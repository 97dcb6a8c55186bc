import { Writer } from "../protocol/wire_format.ts";
import { readAttributes, readOffset } from "./packets/attributes.ts";
import { readName, readPath, type SftpHandler } from "./client.ts";
import { extended } from "./extensions.ts";
import { formatLongName } from "./files/long_name.ts";
import { MAX_DATA, OpenFlag, PacketType } from "./packets/numbers.ts";
import { rename } from "./files/rename.ts";
import { writeName } from "./packets/reply.ts";
import { setAttributes } from "./set_attributes.ts";
import { endOfFile } from "./packets/status.ts";

/** About how many bytes of a listing go into one reply: every client takes 34,000. */
const LISTING = 30_000;

const open: SftpHandler = ({ files, handles, paths }, request, reply) => {
  const path = paths.toSystem(readName(request));
  const flags = request.uint32();
  const { permissions = 0o666 } = readAttributes(request);
  const has = (flag: number) => (flags & flag) !== 0;
  const options = {
    read: has(OpenFlag.read),
    write: has(OpenFlag.write),
    append: has(OpenFlag.append),
    create: has(OpenFlag.create),
    truncate: has(OpenFlag.truncate),
    exclusive: has(OpenFlag.exclusive),
    mode: permissions & 0o7777,
  };
  reply.handle(handles.add(() => ({ fd: files.open(path, options) })));
};

const close: SftpHandler = ({ handles }, request, reply) => {
  handles.close(request.string());
  reply.ok();
};

const read: SftpHandler = ({ files, handles }, request, reply) => {
  const { fd } = handles.file(request.string());
  const offset = readOffset(request);
  const length = Math.min(request.uint32(), MAX_DATA);
  reply.data(length, (into) => files.read(fd, into, offset));
};

const write: SftpHandler = ({ files, handles }, request, reply) => {
  const { fd } = handles.file(request.string());
  const offset = readOffset(request);
  const data = request.string() as Uint8Array<ArrayBuffer>;
  for (let done = 0; done < data.length;) {
    done += files.write(fd, data.subarray(done), offset + done);
  }
  reply.ok();
};

const stat = (follow: boolean): SftpHandler => (client, request, reply) => {
  reply.attributes(client.files.stat({ path: readPath(client, request), follow }));
};

const fstat: SftpHandler = ({ files, handles }, request, reply) => {
  reply.attributes(files.stat(handles.file(request.string())));
};

const setstat: SftpHandler = (client, request, reply) => {
  const path = readPath(client, request);
  setAttributes(client.files, { path, follow: true }, readAttributes(request));
  reply.ok();
};

const fsetstat: SftpHandler = ({ files, handles }, request, reply) => {
  const file = handles.file(request.string());
  setAttributes(files, file, readAttributes(request));
  reply.ok();
};

const opendir: SftpHandler = (client, request, reply) => {
  const path = readPath(client, request);
  reply.handle(client.handles.add(() => ({ directory: client.files.openDirectory(path) })));
};

const readdir: SftpHandler = ({ handles, users }, request, reply) => {
  const { directory } = handles.directory(request.string());
  const names = new Writer();
  const now = Date.now();
  const encoder = new TextEncoder();
  let count = 0;
  while (names.bytes().length < LISTING) {
    const entry = directory.next();
    if (entry === null) break;
    const start = encoder.encode(formatLongName(entry.stat, users, now));
    const longName = new Uint8Array(start.length + entry.name.length);
    longName.set(start);
    longName.set(entry.name, start.length);
    writeName(names, entry.name, longName, entry.stat);
    count++;
  }
  if (count === 0) throw endOfFile();
  reply.names(count, names);
};

const remove: SftpHandler = (client, request, reply) => {
  client.files.unlink(readPath(client, request));
  reply.ok();
};

const mkdir: SftpHandler = (client, request, reply) => {
  const path = readPath(client, request);
  const { permissions = 0o777 } = readAttributes(request);
  client.files.mkdir(path, permissions & 0o7777);
  reply.ok();
};

const rmdir: SftpHandler = (client, request, reply) => {
  client.files.rmdir(readPath(client, request));
  reply.ok();
};

const realpath: SftpHandler = ({ files, paths }, request, reply) => {
  reply.path(paths.canonical(readName(request), files));
};

const renameFile: SftpHandler = (client, request, reply) => {
  const from = readPath(client, request);
  rename(client.files, from, readPath(client, request));
  reply.ok();
};

const readlink: SftpHandler = (client, request, reply) => {
  const target = client.files.readlink(readPath(client, request));
  reply.path(client.paths.fromLink(target));
};

// The draft has the arguments the other way around; clients use OpenSSH's order.
const symlink: SftpHandler = (client, request, reply) => {
  const target = client.paths.toLink(readName(request));
  client.files.symlink(target, readPath(client, request));
  reply.ok();
};

/** The handler of each type of request. */
export const requests: ReadonlyMap<number, SftpHandler> = new Map([
  [PacketType.open, open],
  [PacketType.close, close],
  [PacketType.read, read],
  [PacketType.write, write],
  [PacketType.lstat, stat(false)],
  [PacketType.fstat, fstat],
  [PacketType.setstat, setstat],
  [PacketType.fsetstat, fsetstat],
  [PacketType.opendir, opendir],
  [PacketType.readdir, readdir],
  [PacketType.remove, remove],
  [PacketType.mkdir, mkdir],
  [PacketType.rmdir, rmdir],
  [PacketType.realpath, realpath],
  [PacketType.stat, stat(true)],
  [PacketType.rename, renameFile],
  [PacketType.readlink, readlink],
  [PacketType.symlink, symlink],
  [PacketType.extended, extended],
]);
