/** Which fields a message has, checked before anyone relies on its type. */

/** A message that does not follow the protocol. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

type Kind = "string" | "number" | "boolean" | "object";

/** The fields of each message by its `type`; `?` after one that may be missing. */
export type Shapes = Record<string, Record<string, Kind | `${Kind}?`>>;

export interface ParseOptions {
  shapes: Shapes;
  /** The types that may come at this point. */
  expected: string[];
  /** In UTF-16 code units. */
  maxLength: number;
}

/**
 * Reads one message, a JSON object in a text frame.
 *
 * @throws {ProtocolError} if it is not one of the expected, with a message for the peer
 */
export function parseShaped<M>(data: unknown, options: ParseOptions): M {
  const { shapes, expected, maxLength } = options;
  if (typeof data !== "string") throw new ProtocolError("expected a text frame");
  if (data.length > maxLength) throw new ProtocolError("the message is too long");
  let message: Record<string, unknown>;
  try {
    message = JSON.parse(data);
  } catch {
    throw new ProtocolError("the message is not JSON");
  }
  const type = message?.type;
  if (typeof type !== "string" || !expected.includes(type)) {
    throw new ProtocolError(`expected a message of type ${expected.join(" or ")}`);
  }
  for (const [field, kind] of Object.entries(shapes[type] ?? {})) {
    const value = message[field];
    if (kind.endsWith("?") && value === undefined) continue;
    if (typeof value !== kind.replace("?", "") || value === null) {
      throw new ProtocolError(`the field "${field}" of "${type}" is not a ${kind}`);
    }
  }
  return message as M;
}
