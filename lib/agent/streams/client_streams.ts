/** The streams of clients that can go on on another connection, and who may go on with them. */
import type { Log } from "../../log/log.ts";
import { RepeatedLines } from "../../log/repeated_lines.ts";
import {
  CloseCode,
  type DrainingMessage,
  HELLO_TIMEOUT_MS,
  ProtocolError,
} from "../../protocol/messages.ts";
import { parseFrame, type RequestFrame, type ResumeFrame } from "../../protocol/stream_frames.ts";
import type { Admission, Admitted } from "../../ssh/login/admission.ts";
import { networkOf } from "../../text/ip_address.ts";
import type { ByteStream } from "../../wire/byte_stream.ts";
import { delay } from "../../wire/delay.ts";
import { Acceptor } from "../../wire/resume/acceptor.ts";
import type { StreamClock } from "../../wire/resume/stream_clock.ts";
import type { StreamLink } from "../../wire/resume/stream_link.ts";
import type { PairedClient } from "./serve_paired.ts";

/** How many bytes may be sent and not taken, each way: what a long and fast link needs. */
const WINDOW = 8 * 1024 * 1024;

/** How much all streams together keep to send again, in bytes. */
const BUDGET = 64 * 1024 * 1024;

export interface ClientStreamsOptions {
  /** How long a client may be away, in milliseconds. */
  resumeMs: number;
  log: Log;
  /** Decides which addresses may try. */
  admission: Admission;
  /** A client has lost its connection, or has another one. */
  onLost: (client: PairedClient) => void;
  onResumed: (client: PairedClient, now: PairedClient) => void;
  /** How long a client has for its first frame, in milliseconds. @default 10 s */
  helloMs?: number;
  /** @default the machine's own time */
  clock?: StreamClock;
}

/** Serves a stream; `onLogin` is to be called once its client has logged in. */
export type ServeStream = (stream: ByteStream, onLogin: () => void) => Promise<void>;

/** Waits for a client's first frame; the server may say before that that it is draining. */
async function receiveRequest(link: StreamLink): Promise<RequestFrame> {
  for (;;) {
    const text = await link.receive();
    const frame = parseFrame<RequestFrame | DrainingMessage>(text, "open", "resume", "draining");
    if (frame.type !== "draining") return frame;
  }
}

/** The resumable streams of an agent. */
export class ClientStreams implements Disposable {
  readonly #options: ClientStreamsOptions;
  readonly #acceptor: Acceptor<PairedClient>;
  readonly #refusals: RepeatedLines;

  constructor(options: ClientStreamsOptions) {
    const { resumeMs, clock, log } = options;
    this.#options = options;
    this.#acceptor = new Acceptor({ window: WINDOW, budget: BUDGET, resumeMs, clock });
    this.#refusals = new RepeatedLines(log, clock?.now);
  }

  /** The memory that is kept to send again, in bytes. */
  get held(): number {
    return this.#acceptor.held;
  }

  [Symbol.dispose](): void {
    this.#acceptor[Symbol.dispose]();
  }

  /**
   * Takes a connection: its first frame opens a stream, or goes on with one. Until then it counts as
   * a client that has not logged in, and so does one that asks for what it may not have.
   *
   * @param serve serves a stream that was opened
   * @param signal ends the wait
   * @returns resolves when the stream has ended that was opened, else when the connection is taken or
   *   refused; never rejects
   */
  async accept(
    link: StreamLink,
    client: PairedClient,
    serve: ServeStream,
    signal: AbortSignal,
  ): Promise<void> {
    const refuse = (reason: string, retry: boolean) => {
      link.send(JSON.stringify({ type: "refused", reason, retry })).catch(() => {});
      link.close(CloseCode.policyViolation, reason);
    };
    const busy = "too many clients are logging in; try again later";
    const admitted = this.#options.admission.admit(client.address, () => refuse(busy, true));
    if ("refused" in admitted) return refuse(admitted.refused, true);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      refuse("no first frame in time", false);
    }, this.#options.helloMs ?? HELLO_TIMEOUT_MS);
    const stop = () => link.close(CloseCode.goingAway, "the agent is ending");
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      const request = await receiveRequest(link);
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      if (request.type === "open") {
        admitted.released();
        return await this.#open(link, client, serve);
      }
      if (await this.#resume(link, client, request, { admitted, signal, refuse })) return;
    } catch (error) {
      if (error instanceof ProtocolError && !timedOut) refuse(error.message, false);
    }
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    link.close();
    admitted.ended(timedOut ? "timeout" : "disconnect");
  }

  async #open(link: StreamLink, client: PairedClient, serve: ServeStream): Promise<void> {
    const { log, onLost, onResumed } = this.#options;
    const { address } = client;
    let away = false;
    const { stream, keep, served } = this.#acceptor.open(link, {
      lost: (error) => {
        away = true;
        log.info("client away", { address, reason: error });
        onLost(client);
      },
      resumed: (now) => {
        log[away ? "info" : "debug"]("client is back", { address: now.address });
        away = false;
        onResumed(client, now);
      },
    });
    await serve(stream, keep);
    served();
  }

  /** @returns whether the stream goes on */
  async #resume(
    link: StreamLink,
    client: PairedClient,
    frame: ResumeFrame,
    { admitted, signal, refuse }: {
      admitted: Admitted;
      signal: AbortSignal;
      refuse: (reason: string, retry: boolean) => void;
    },
  ): Promise<boolean> {
    const { address } = client;
    const refusal = this.#acceptor.resume(link, frame, client);
    if (!refusal || refusal.known) admitted.released();
    if (!refusal) return true;
    const { reason, known } = refusal;
    this.#refusals.warn(networkOf(address), "resumption refused", { address }, { reason });
    if (!known) await delay(admitted.failed(), signal);
    refuse(reason, false);
    return known;
  }
}
