/**
 * What a client and an agent say to each other in text frames between the bytes of a resumable
 * stream; the server passes them on. Pure; docs/protocol.md says the same in prose.
 *
 * @module
 */
import { type DrainingMessage, MAX_PAIR_MESSAGE_LENGTH, type RefusedMessage } from "./messages.ts";
import { parseShaped, ProtocolError, type Shapes } from "./shapes.ts";

/** A client's first frame on a connection: it has no stream yet. */
export interface OpenFrame {
  type: "open";
}

/** A client's first frame on a connection that is to go on with a stream. */
export interface ResumeFrame {
  type: "resume";
  /** The stream's name, from {@link OpenedFrame}. */
  stream: string;
  /** What only its client knows. */
  secret: string;
  /** Grows with each try, so that nobody can send the frame again. */
  attempt: number;
  /** How many bytes the client has got on former connections. */
  received: number;
}

/** The agent's answer to {@link OpenFrame}. */
export interface OpenedFrame {
  type: "opened";
  stream: string;
  secret: string;
  /** How many bytes may be sent and not taken, each way. */
  window: number;
  /** How long the agent waits for the client, in milliseconds. */
  resumeMs: number;
}

/** The agent's answer to {@link ResumeFrame}: the bytes go on where each side's count says. */
export interface ResumedFrame {
  type: "resumed";
  /** How many bytes the agent has got on former connections. */
  received: number;
  /**
   * Where in its own bytes the agent goes on: behind what the client had when it asked, if it has
   * acknowledged more since, on a connection that was still there.
   */
  from: number;
}

/** How far the reader is, at least each quarter of the window. */
export interface AckFrame {
  type: "ack";
  /** How many bytes it has taken; with `eof` how many have come. */
  received: number;
  /** The end of file has come. */
  eof?: boolean;
}

/** Both directions end behind the bytes before it, and nobody has to wait for anything. */
export interface EndFrame {
  type: "end";
  /** What broke the stream, for a person; missing if nothing did. */
  reason?: string;
}

/** To the former connection of a stream that goes on on another one. */
export interface ReplacedFrame {
  type: "replaced";
}

/** What a client says first. */
export type RequestFrame = OpenFrame | ResumeFrame;
/** What the agent answers. */
export type AnswerFrame = OpenedFrame | ResumedFrame | RefusedMessage;
/** What may come between bytes, besides the end of file. */
export type StreamFrame = AckFrame | EndFrame | ReplacedFrame | DrainingMessage;

const SHAPES: Shapes = {
  open: {},
  resume: { stream: "string", secret: "string", attempt: "number", received: "number" },
  opened: { stream: "string", secret: "string", window: "number", resumeMs: "number" },
  resumed: { received: "number", from: "number" },
  refused: { reason: "string", retry: "boolean" },
  ack: { received: "number", eof: "boolean?" },
  end: { reason: "string?" },
  replaced: {},
  draining: {},
};

/** The numbers in frames: of bytes, tries and milliseconds. */
const COUNTS = ["attempt", "received", "from", "window", "resumeMs"];

/**
 * Reads one frame.
 *
 * @param expected the types that may come at this point
 * @throws {ProtocolError} if it is not one of them, with a message for the peer
 */
export function parseFrame<F extends { type: string }>(
  data: unknown,
  ...expected: F["type"][]
): F {
  const frame = parseShaped<F & Record<string, unknown>>(data, {
    shapes: SHAPES,
    expected,
    maxLength: MAX_PAIR_MESSAGE_LENGTH,
  });
  for (const field of COUNTS) {
    const value = frame[field];
    if (value !== undefined && !(Number.isSafeInteger(value) && value as number >= 0)) {
      throw new ProtocolError(`the field "${field}" of "${frame.type}" is not a count`);
    }
  }
  return frame;
}
