/**
 * The numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02) and the limits of this server.
 *
 * @module
 */

/** The only supported version, which every client has. */
export const SFTP_VERSION = 3;

/** Packet types (section 3). */
export const PacketType = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const;

/** Status codes (section 7). */
export const Status = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  opUnsupported: 8,
} as const;
export type Status = typeof Status[keyof typeof Status];

/** The `pflags` of an open request (section 6.3). */
export const OpenFlag = {
  read: 0x01,
  write: 0x02,
  append: 0x04,
  create: 0x08,
  truncate: 0x10,
  exclusive: 0x20,
} as const;

/** Which attributes are present (section 5). */
export const AttributeFlag = {
  size: 0x01,
  owner: 0x02,
  permissions: 0x04,
  times: 0x08,
  extended: 0x80000000,
} as const;

/** The largest packet in bytes, without its length field; the same as OpenSSH's. */
export const MAX_PACKET = 256 * 1024;

/** The most data of one read or write, in bytes. */
export const MAX_DATA = MAX_PACKET - 1024;

/** How many files and directories one client may have open. */
export const MAX_HANDLES = 512;
