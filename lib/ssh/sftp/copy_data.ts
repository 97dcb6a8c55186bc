import type { Reader } from "../protocol/wire_format.ts";
import { readOffset, readUint64 } from "./packets/attributes.ts";
import type { SftpClient } from "./client.ts";
import { Status } from "./packets/numbers.ts";
import type { Reply } from "./packets/reply.ts";
import { endOfFile, StatusError } from "./packets/status.ts";

/** How much is copied before the thread reads other messages, in bytes. */
const SLICE = 1024 * 1024;

/**
 * Handles `copy-data` (draft-ietf-secsh-filexfer-extensions-00, section 7): copies from one open
 * file to another. A length of 0 means up to the end.
 */
export function* copyData(
  { files, handles }: SftpClient,
  request: Reader,
  reply: Reply,
): Generator<void> {
  const from = handles.file(request.string());
  const readStart = readOffset(request);
  const length = readUint64(request);
  const to = handles.file(request.string());
  const writeStart = readOffset(request);
  const identity = files.stat(from).identity;
  if (from === to || (identity !== "" && identity === files.stat(to).identity)) {
    throw new StatusError(Status.failure, "Cannot copy a file onto itself");
  }
  const buffer = new Uint8Array(SLICE);
  for (let copied = 0; length === 0 || copied < length;) {
    const wanted = length === 0 ? SLICE : Math.min(SLICE, length - copied);
    const count = files.read(from.fd, buffer.subarray(0, wanted), readStart + copied);
    if (count === 0) {
      if (length > 0) throw endOfFile();
      break;
    }
    for (let done = 0; done < count;) {
      const offset = writeStart + copied + done;
      done += files.write(to.fd, buffer.subarray(done, count), offset);
    }
    copied += count;
    yield;
  }
  reply.ok();
}
