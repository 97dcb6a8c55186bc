import type { Reader } from "../protocol/wire_format.ts";
import type { FileSystem } from "./files/file_system.ts";
import type { Handles } from "./handles.ts";
import type { Paths } from "./files/paths.ts";
import type { Reply } from "./packets/reply.ts";
import { decodeBytes } from "../../text/byte_text.ts";
import { Status } from "./packets/numbers.ts";
import { StatusError } from "./packets/status.ts";
import type { Users } from "./files/users.ts";

/** What the handlers of requests know of the client. */
export interface SftpClient {
  readonly files: FileSystem;
  readonly paths: Paths;
  readonly users: Users;
  readonly handles: Handles;
}

/**
 * Handles one kind of request: answers by `reply`, or throws. One that takes long is a generator;
 * the thread reads other messages whenever it yields.
 *
 * @param request what follows the request's ID
 */
export type SftpHandler = (
  client: SftpClient,
  request: Reader,
  reply: Reply,
) => void | Generator<void>;

/** Reads a path as the client gives it. */
export function readName(request: Reader): string {
  const name = decodeBytes(request.string());
  if (name.includes("\0")) throw new StatusError(Status.badMessage, "The path has a NUL byte");
  return name;
}

/** Reads a path and makes it the system's. */
export function readPath(client: SftpClient, request: Reader): string {
  return client.paths.toSystem(readName(request));
}
