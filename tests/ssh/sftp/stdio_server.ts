/** A program that serves SFTP on stdin and stdout, as `sftp -D` wants it. */
import { SftpServer } from "../../../lib/ssh/sftp/serve.ts";

const reader = Deno.stdin.readable.getReader();
const writer = Deno.stdout.writable.getWriter();
using sftp = new SftpServer();
await sftp.serve({
  read: async () => (await reader.read()).value ?? null,
  write: (bytes) => writer.write(bytes),
  closed: new Promise(() => {}),
}, { cwd: Deno.cwd() });
