import type { ClientOptions } from "../cli/client_options.ts";
import { readCaFile } from "../files/option_file.ts";
import type { WebSocketOptions } from "../wire/websocket/websocket.ts";

/**
 * What the command line says about the websocket.
 *
 * @throws {Error} if the file of `--ca-file` cannot be used
 */
export async function websocketOptions(
  options: ClientOptions,
): Promise<Pick<WebSocketOptions, "headers" | "ca" | "insecure"> & { resumeMs: number }> {
  return {
    resumeMs: options.resumeTime,
    headers: Object.fromEntries(new Headers(options.header)),
    ca: options.caFile === undefined ? undefined : await readCaFile(options.caFile),
    insecure: options.insecure,
  };
}

/** What a person who trusts any certificate is told. */
export const INSECURE_WARNING = "--insecure: anyone on the network can pose as the server";
