import { Refused } from "./handler.ts";
import { MalformedError, type Reader } from "../protocol/wire_format.ts";

/** Takes the rest of the client's confirmation, or why there is no channel. */
type Answer = (answer: Reader | Refused) => void;

/** Channels that we have asked the client to open (RFC 4254, section 5.1). */
export class OpeningChannels {
  readonly #answers = new Map<number, Answer>();

  get size(): number {
    return this.#answers.size;
  }

  add(localId: number, answer: Answer): void {
    this.#answers.set(localId, answer);
  }

  /**
   * Takes SSH_MSG_CHANNEL_OPEN_CONFIRMATION.
   *
   * @throws {MalformedError} if it answers nothing
   */
  confirmed(message: Reader): void {
    const localId = message.uint32();
    // Forgotten afterwards: if it throws, end() answers.
    this.#of(localId)(message);
    this.#answers.delete(localId);
  }

  /**
   * Takes SSH_MSG_CHANNEL_OPEN_FAILURE.
   *
   * @throws {MalformedError} if it answers nothing
   */
  failed(message: Reader): void {
    const localId = message.uint32();
    const answer = this.#of(localId);
    message.uint32(); // The reason's number; its text says more.
    answer(new Refused(message.text() || "refused by the client"));
    this.#answers.delete(localId);
  }

  /** The connection has ended: there will be no more answers. */
  end(): void {
    for (const answer of this.#answers.values()) answer(new Refused("the connection has ended"));
    this.#answers.clear();
  }

  #of(localId: number): Answer {
    const answer = this.#answers.get(localId);
    if (!answer) throw new MalformedError("an answer to a channel that was not requested");
    return answer;
  }
}
