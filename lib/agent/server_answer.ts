import {
  type ControlMessage,
  HELLO_TIMEOUT_MS,
  parseMessage,
  PROTOCOL_VERSION,
  type RegisteredMessage,
  versionMismatch,
} from "../protocol/messages.ts";
import { isRendezvousId, isUsername } from "../protocol/names.ts";
import { errorMessage } from "../text/error_message.ts";
import { isLastingFailure } from "../wire/dial/connect_failure.ts";
import { Deadline } from "../wire/deadline.ts";
import { UpgradeRefusedError, type WebSocketConnection } from "../wire/websocket/websocket.ts";

/** The server turned the agent down. */
export class RefusedError extends Error {
  override name = "RefusedError";
  constructor(reason: string, readonly retry: boolean) {
    super(reason);
  }
}

/**
 * Receives the server's answer to a registration.
 *
 * @throws {RefusedError} if it turns the agent down, or answers what people must not paste
 */
export async function receiveRegistration(
  control: WebSocketConnection,
  signal: AbortSignal,
): Promise<RegisteredMessage> {
  using deadline = new Deadline(HELLO_TIMEOUT_MS, signal);
  const giveUp = () => control.close(1008, "no answer in time");
  deadline.signal.addEventListener("abort", giveUp);
  const answer = await receiveMessage<ControlMessage>(control, "registered", "refused")
    .finally(() => deadline.signal.removeEventListener("abort", giveUp));
  if (answer.type === "refused") throw new RefusedError(answer.reason, answer.retry);
  const registration = answer as RegisteredMessage;
  const mismatch = versionMismatch(PROTOCOL_VERSION, registration.protocol);
  if (mismatch) throw new RefusedError(mismatch, false);
  if (!isRendezvousId(registration.id)) {
    throw new RefusedError("the server's answer has an invalid ID", false);
  }
  if (!isUsername(registration.username)) {
    throw new RefusedError("the server's answer has an invalid user name", false);
  }
  return registration;
}

/** Whether trying again cannot help. */
export function isFinal(error: unknown): boolean {
  if (error instanceof RefusedError) return !error.retry;
  // A server that is starting, or a proxy without one, answers 5xx; all else is not Converge.
  if (error instanceof UpgradeRefusedError) return error.status < 500;
  return error instanceof Error && isLastingFailure(error.cause);
}

/**
 * The statuses of those who may refuse: a login, a limit, a proxy; all others do not know agents.
 */
const REFUSING = [400, 401, 403, 407, 429];

/** Why the agent could not register, for people. */
export function whyNotRegistered(error: unknown): string {
  if (!(error instanceof UpgradeRefusedError)) return errorMessage(error);
  const { status, reason } = error;
  if (status >= 500 || REFUSING.includes(status)) return errorMessage(error);
  return `no Converge server answers there (${status} ${reason}); check the address and its path`;
}

/** Receives the message that has to come now. */
export async function receiveMessage<M extends { type: string }>(
  connection: WebSocketConnection,
  ...expected: M["type"][]
): Promise<M> {
  const data = await connection.receive();
  if (data === null) throw new Error("the server closed the connection");
  return parseMessage<M>(data, ...expected);
}
