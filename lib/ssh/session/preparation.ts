import { decodeModes } from "../../process/terminal_modes.ts";
import { decodeBytes } from "../../text/byte_text.ts";
import { Refused } from "../connection/handler.ts";
import type { KeyOptions } from "../login/key_options.ts";
import type { Reader } from "../protocol/wire_format.ts";
import { whyNotSettable } from "./environment.ts";
import type { Terminal } from "./launch.ts";

/** What a client asks for before the program of its session starts. */
export class Preparation {
  readonly #permissions: KeyOptions;
  /** Variables of the client. */
  readonly env: Record<string, string> = {};
  terminal?: Terminal;

  constructor(permissions: KeyOptions) {
    this.#permissions = permissions;
  }

  /** Takes a `pty-req` (RFC 4254, section 6.2). */
  requestTerminal(data: Reader): void {
    if (!this.#permissions.pty) throw new Refused("the key does not allow a terminal");
    const [term, columns, rows] = [data.text(), data.uint32(), data.uint32()];
    data.uint32(); // Pixels.
    data.uint32();
    this.terminal = { term, columns, rows, modes: decodeModes(data.string()) };
  }

  /** Takes an `env` (RFC 4254, section 6.4). */
  requestVariable(data: Reader): void {
    const [name, value] = [data.text(), decodeBytes(data.string())];
    const hasForcedCommand = this.#permissions.command !== undefined;
    const reason = whyNotSettable(name, value, this.env, hasForcedCommand);
    if (reason) throw new Refused(`${name}: ${reason}`);
    this.env[name] = value;
  }
}
