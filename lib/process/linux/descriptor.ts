import { libc, O_CLOEXEC, O_NONBLOCK } from "./libc.ts";

/** Events of epoll_ctl(2). */
const EPOLLIN = 1, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 16, EPOLLONESHOT = 1 << 30;

const EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3;

/** The size of struct epoll_event, which is packed on x86-64 only, and where its data is. */
const [EVENT_SIZE, DATA] = Deno.build.arch === "x86_64" ? [12, 4] : [16, 8];

/** How many events are fetched at once. */
const BATCH = 64;

/** How a wait for a descriptor ended. */
export type Readiness =
  /** There may be something to read, or room to write. */
  | "ready"
  /** It is closed, here or at the other end; there may be a rest to read. */
  | "broken";

/**
 * Waits for all descriptors of this program at once, on one of Deno's few threads for blocking
 * calls. The wait is under way only while a descriptor is waited for, so that nothing keeps an idle
 * program from exiting.
 */
const epoll = libc.epoll_create1(O_CLOEXEC);
/** What ends a wait for descriptors that have been closed. */
const wake = libc.eventfd(0, O_CLOEXEC | O_NONBLOCK);
/** By their IDs: an event may come for a descriptor whose number another one has meanwhile. */
const descriptors = new Map<bigint, Descriptor>();
let lastId = 0n;
let waits = 0;
let waiting: Promise<void> | undefined;

function control(operation: number, fd: number, id: bigint, events: number): void {
  const event = new Uint8Array(EVENT_SIZE);
  const view = new DataView(event.buffer);
  view.setUint32(0, events, true);
  view.setBigUint64(DATA, id, true);
  libc.epoll_ctl(epoll, operation, fd, event);
}

/** The ID of {@link wake}. */
const WAKE = 0n;
control(EPOLL_CTL_ADD, wake, WAKE, EPOLLIN);

async function waitForAll(): Promise<void> {
  const events = new Uint8Array(EVENT_SIZE * BATCH);
  const view = new DataView(events.buffer);
  while (waits > 0) {
    // -1 after a signal.
    const count = await libc.epoll_wait(epoll, events, BATCH, -1);
    for (let index = 0; index < count; index++) {
      const id = view.getBigUint64(index * EVENT_SIZE + DATA, true);
      if (id === WAKE) libc.read(wake, new Uint8Array(8), 8n);
      else descriptors.get(id)?.[DISPATCH](view.getUint32(index * EVENT_SIZE, true));
    }
  }
  // At once, as those who have just been told may wait again.
  waiting = undefined;
}

/** Resolves when nothing is under way for descriptors that have been closed. */
export async function descriptorsIdle(): Promise<void> {
  if (waits === 0) await waiting;
}

const DISPATCH = Symbol("dispatch");

/** Our end of a pipe or a terminal. It has to be one that does not block. */
export class Descriptor {
  readonly fd: number;
  readonly #id = ++lastId;
  #isOpen = true;
  #reader?: (readiness: Readiness) => void;
  #writer?: (readiness: Readiness) => void;

  /** Takes `fd` over. */
  constructor(fd: number) {
    this.fd = fd;
    descriptors.set(this.#id, this);
    control(EPOLL_CTL_ADD, fd, this.#id, EPOLLONESHOT);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Waits until there is something to read; one may wait at a time. */
  readable(): Promise<Readiness> {
    return this.#wait((resolve) => this.#reader = resolve);
  }

  /** Waits until there is room to write; one may wait at a time. */
  writable(): Promise<Readiness> {
    return this.#wait((resolve) => this.#writer = resolve);
  }

  /** Closes it, which ends the waits for it. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    descriptors.delete(this.#id);
    control(EPOLL_CTL_DEL, this.fd, this.#id, 0);
    libc.close(this.fd);
    this.#endRead("broken");
    this.#endWrite("broken");
    const one = new Uint8Array(BigUint64Array.of(1n).buffer);
    if (waits === 0 && waiting) libc.write(wake, one, 8n);
  }

  [DISPATCH](events: number): void {
    const isBroken = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    const readiness = isBroken ? "broken" : "ready";
    if (isBroken || events & EPOLLIN) this.#endRead(readiness);
    if (isBroken || events & EPOLLOUT) this.#endWrite(readiness);
    if (this.#reader || this.#writer) this.#arm();
  }

  #arm(): void {
    const events = (this.#reader ? EPOLLIN : 0) | (this.#writer ? EPOLLOUT : 0);
    control(EPOLL_CTL_MOD, this.fd, this.#id, events | EPOLLONESHOT);
  }

  #wait(note: (resolve: (readiness: Readiness) => void) => void): Promise<Readiness> {
    if (!this.#isOpen) return Promise.resolve("broken");
    return new Promise((resolve) => {
      note(resolve);
      waits++;
      this.#arm();
      waiting ??= waitForAll();
    });
  }

  #endRead(readiness: Readiness): void {
    const resolve = this.#reader;
    this.#reader = undefined;
    if (resolve) waits--;
    resolve?.(readiness);
  }

  #endWrite(readiness: Readiness): void {
    const resolve = this.#writer;
    this.#writer = undefined;
    if (resolve) waits--;
    resolve?.(readiness);
  }
}
