import { basename } from "node:path";
import type { Log } from "../../log/log.ts";
import type { AuthorizedKey } from "../../ssh/login/authorized_keys.ts";
import { readAuthorizedKeys } from "../../ssh/login/authorized_keys_file.ts";
import type { HostKey } from "../../ssh/keys/host_key.ts";
import type { RegisteredMessage } from "../../protocol/messages.ts";
import { clientPath, websocketUrl } from "../../protocol/urls.ts";
import { type Announcement, announcementBlock, announcementJson } from "./announcement.ts";
import { announceOnGithub, type GithubEnvironment } from "./github.ts";
import type { LifetimeStatus } from "../lifetime/keeper.ts";
import { notifyUrl } from "./notify.ts";

export interface AnnouncerOptions {
  server: URL;
  /** The ID that was asked for on the command line, if any. */
  wantedId?: string;
  hostKey: HostKey;
  keysFile: string;
  extraKeys: AuthorizedKey[];
  /** One line of JSON in place of the block. */
  json: boolean;
  color: boolean;
  env: GithubEnvironment;
  /** Webhooks to post to. */
  notify: URL[];
  /** Unix time in milliseconds. */
  now: () => number;
  /** A CA in PEM to trust besides the system's, and the file that it is from. */
  ca?: string;
  caFile?: string;
  log: Log;
  print: (text: string) => void;
}

/** Announces how to log in: to the job's log, the CI system and webhooks. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #posts = new Set<Promise<unknown>>();
  #told = "";

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /**
   * Announces. Webhooks and the CI system get only what they do not have yet.
   *
   * @param options `signal` gives up on webhooks; with `onlyNews`, and for JSON always, the job's log
   * too gets only what is new
   * @returns resolves when the job's log and the CI system have it
   */
  async announce(
    registration: RegisteredMessage,
    status: LifetimeStatus,
    { signal, onlyNews = false }: { signal: AbortSignal; onlyNews?: boolean },
  ): Promise<void> {
    const { json, color, env, log, print, notify, ca } = this.#options;
    const announcement = await this.#announcement(registration, status);
    const data = announcementJson(announcement);
    const content = JSON.stringify([data.ssh, data.keys, data.password]);
    const isNews = content !== this.#told;
    if (isNews || !(onlyNews || json)) {
      print(json ? `${JSON.stringify(data)}\n` : announcementBlock(announcement, { color }));
    }
    if (!isNews) return;
    this.#told = content;
    for (const url of notify) this.#track(notifyUrl(url, data, { log, ca, signal }));
    const github = announceOnGithub(announcement, { env, print: json ? () => {} : print, log });
    this.#track(github);
    await github;
  }

  /** The announcement as data and as a block for people. */
  async describe(registration: RegisteredMessage, status: LifetimeStatus) {
    const announcement = await this.#announcement(registration, status);
    return {
      announcement: announcementJson(announcement),
      text: announcementBlock(announcement, { color: false }),
    };
  }

  /** Resolves when all posts have ended. */
  async done(): Promise<void> {
    await Promise.all(this.#posts);
  }

  #track(work: Promise<unknown>): void {
    this.#posts.add(work);
    work.finally(() => this.#posts.delete(work));
  }

  async #announcement(
    registration: RegisteredMessage,
    status: LifetimeStatus,
  ): Promise<Announcement> {
    const { server, wantedId, hostKey, keysFile, extraKeys, caFile } = this.#options;
    const { id, username, password } = registration;
    const url = websocketUrl(server, clientPath(id));
    // The agent's own login for a reverse proxy: many people can read the job's log.
    url.username = url.password = "";
    return {
      id,
      username,
      url: url.href,
      hostKey: hostKey.publicLine,
      fingerprint: hostKey.fingerprint,
      deadline: status.deadline,
      now: this.#options.now(),
      held: status.held,
      keys: await countKeys(keysFile) + extraKeys.length,
      keysFile,
      password: password !== undefined,
      wantedId: wantedId === id ? undefined : wantedId,
      // People have it somewhere else than the job has.
      caFile: caFile && basename(caFile),
    };
  }
}

/** How many keys of the file may log in; 0 if it cannot be read. */
async function countKeys(path: string): Promise<number> {
  try {
    return (await readAuthorizedKeys(path)).keys.length;
  } catch {
    return 0;
  }
}
