import { MalformedError, Reader, Writer } from "../protocol/wire_format.ts";
import { readAttributes, writeUint64 } from "./packets/attributes.ts";
import { readName, readPath, type SftpClient, type SftpHandler } from "./client.ts";
import { copyData } from "./copy_data.ts";
import type { FileSystemStat } from "./files/file_system.ts";
import { decodeBytes } from "../../text/byte_text.ts";
import { MAX_DATA, MAX_HANDLES, MAX_PACKET, Status } from "./packets/numbers.ts";
import type { Reply } from "./packets/reply.ts";
import { setAttributes } from "./set_attributes.ts";
import { StatusError } from "./packets/status.ts";

const posixRename: SftpHandler = (client, request, reply) => {
  const from = readPath(client, request);
  client.files.rename(from, readPath(client, request));
  reply.ok();
};

const hardlink: SftpHandler = (client, request, reply) => {
  const existing = readPath(client, request);
  client.files.link(existing, readPath(client, request));
  reply.ok();
};

function replyFileSystem(reply: Reply, stat: FileSystemStat): void {
  const { bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid, flag, namemax } = stat;
  const fields = [bsize, frsize, blocks, bfree, bavail, files, ffree, favail, fsid, flag, namemax];
  reply.extended((message) => fields.forEach((field) => writeUint64(message, field)));
}

const statvfs: SftpHandler = (client, request, reply) => {
  const path = readPath(client, request);
  replyFileSystem(reply, client.files.statFileSystem({ path, follow: true }));
};

const fstatvfs: SftpHandler = ({ files, handles }, request, reply) => {
  replyFileSystem(reply, files.statFileSystem(handles.file(request.string())));
};

const fsync: SftpHandler = ({ files, handles }, request, reply) => {
  files.sync(handles.file(request.string()).fd);
  reply.ok();
};

const lsetstat: SftpHandler = (client, request, reply) => {
  const path = readPath(client, request);
  const attributes = readAttributes(request);
  if (attributes.size !== undefined) {
    throw new StatusError(Status.badMessage, "A symbolic link has no size to set");
  }
  setAttributes(client.files, { path, follow: false }, attributes);
  reply.ok();
};

const limits: SftpHandler = (_client, _request, reply) => {
  reply.extended((message) =>
    [MAX_PACKET, MAX_DATA, MAX_DATA, MAX_HANDLES].forEach((limit) => writeUint64(message, limit))
  );
};

function home({ paths, users }: SftpClient, user: string): string {
  const found = users.home(user);
  if (found === undefined) throw new StatusError(Status.noSuchFile, `No such user: ${user}`);
  return paths.fromSystem(found);
}

const expandPath: SftpHandler = (client, request, reply) => {
  const path = readName(request);
  const tilde = /^~([^/]*)/.exec(path);
  const expanded = tilde ? home(client, tilde[1]!) + path.slice(tilde[0].length) : path;
  reply.path(client.paths.canonical(expanded, client.files));
};

const homeDirectory: SftpHandler = (client, request, reply) => {
  reply.path(home(client, readName(request)));
};

const usersGroupsById: SftpHandler = ({ users }, request, reply) => {
  const names = (ids: Uint8Array, name: (id: number) => string | undefined) => {
    if (ids.length % 4 !== 0) throw new MalformedError("a list of IDs is cut off");
    const reader = new Reader(ids);
    const message = new Writer();
    while (reader.left > 0) message.string(name(reader.uint32()) ?? "");
    return message.bytes();
  };
  const userNames = names(request.string(), (id) => users.userName(id));
  const groupNames = names(request.string(), (id) => users.groupName(id));
  reply.extended((message) => message.string(userNames).string(groupNames));
};

/** The extensions (OpenSSH's PROTOCOL, section 4), with the version that is announced. */
const extensions: ReadonlyMap<string, { version: string; handler: SftpHandler }> = new Map([
  ["posix-rename@openssh.com", { version: "1", handler: posixRename }],
  ["statvfs@openssh.com", { version: "2", handler: statvfs }],
  ["fstatvfs@openssh.com", { version: "2", handler: fstatvfs }],
  ["hardlink@openssh.com", { version: "1", handler: hardlink }],
  ["fsync@openssh.com", { version: "1", handler: fsync }],
  ["lsetstat@openssh.com", { version: "1", handler: lsetstat }],
  ["limits@openssh.com", { version: "1", handler: limits }],
  ["expand-path@openssh.com", { version: "1", handler: expandPath }],
  ["copy-data", { version: "1", handler: copyData }],
  ["home-directory", { version: "1", handler: homeDirectory }],
  ["users-groups-by-id@openssh.com", { version: "1", handler: usersGroupsById }],
]);

/** Writes the names and versions that announce the extensions. */
export function writeExtensions(message: Writer): void {
  for (const [name, { version }] of extensions) message.string(name).string(version);
}

/** Handles an extended request by its name. */
export const extended: SftpHandler = (client, request, reply) => {
  const name = decodeBytes(request.string());
  const extension = extensions.get(name);
  if (extension === undefined) {
    throw new StatusError(Status.opUnsupported, `Operation unsupported: ${name}`);
  }
  return extension.handler(client, request, reply);
};
