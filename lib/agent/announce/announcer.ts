import { basename } from "node:path";
import type { Log } from "../../log/log.ts";
import type { AuthorizedKey } from "../../ssh/login/authorized_keys.ts";
import { readAuthorizedKeys } from "../../ssh/login/authorized_keys_file.ts";
import type { HostKeys } from "../host_keys.ts";
import type { RegisteredMessage } from "../../protocol/messages.ts";
import { clientPath, websocketUrl } from "../../protocol/urls.ts";
import { type Announcement, announcementBlock, announcementJson } from "./announcement.ts";
import { announceOnGithub, type GithubEnvironment } from "./github.ts";
import type { LifetimeStatus } from "../lifetime/keeper.ts";
import { notifyUrl } from "./notify.ts";
import { fileErrorReason, isMissing } from "../../text/file_error.ts";
import { folded, otherCommands } from "./other_commands.ts";

export interface AnnouncerOptions {
  server: URL;
  /** The ID that was asked for on the command line, if any. */
  wantedId?: string;
  hostKeys: HostKeys;
  keysFile: string;
  extraKeys: AuthorizedKey[];
  /** What people type in the job to call the agent's program. */
  program: string;
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
   * @param options `signal` gives up on webhooks; with `onlyNews`, and for JSON always, the job's
   * log too gets only what is new
   * @returns resolves when the job's log and the CI system have it
   */
  async announce(
    registration: RegisteredMessage,
    status: LifetimeStatus,
    { signal, onlyNews = false }: { signal: AbortSignal; onlyNews?: boolean },
  ): Promise<void> {
    const { json, env, log, print, notify, ca } = this.#options;
    const announcement = await this.#announcement(registration, status);
    const data = announcementJson(announcement);
    const content = JSON.stringify([data.ssh, data.keys, data.password]);
    const isNews = content !== this.#told;
    if (isNews || !(onlyNews || json)) {
      print(json ? `${JSON.stringify(data)}\n` : this.#logText(announcement));
    }
    if (!isNews) return;
    this.#told = content;
    for (const url of notify) this.#track(notifyUrl(url, data, { log, ca, signal }));
    const github = announceOnGithub(announcement, { env, print: json ? () => {} : print, log });
    this.#track(github);
    await github;
  }

  /** The announcement as data, as a block for people, and the commands that are not in that. */
  async describe(registration: RegisteredMessage, status: LifetimeStatus) {
    const announcement = await this.#announcement(registration, status);
    return {
      announcement: announcementJson(announcement),
      text: announcementBlock(announcement, { color: false }),
      commands: otherCommands(announcement, "posix"),
      windowsCommands: otherCommands(announcement, "windows"),
    };
  }

  /**
   * What goes to the job's log: the block, and where the CI system folds text the other commands.
   */
  #logText(announcement: Announcement): string {
    const { color, env, now, program } = this.#options;
    const commands = (["posix", "windows"] as const).map((computer) =>
      otherCommands(announcement, computer)
    ).join("");
    const fold = folded("Converge: other commands", commands, { env, now: now() });
    const more = fold === undefined ? `${program} status` : undefined;
    return announcementBlock(announcement, { color, more }) + (fold ?? "");
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
    const { server, wantedId, hostKeys, keysFile, extraKeys, caFile } = this.#options;
    const { id, username, password } = registration;
    const { keys: fileKeys, problem } = await readKeys(keysFile);
    const keys = [...fileKeys, ...extraKeys];
    const owners = new Set(keys.map(({ comment }) => comment).filter((comment) => comment !== ""));
    const url = websocketUrl(server, clientPath(id));
    // The agent's own login for a reverse proxy: many people can read the job's log.
    url.username = url.password = "";
    return {
      id,
      username,
      url: url.href,
      hostKey: hostKeys[0].publicLine,
      fingerprint: hostKeys[0].fingerprint,
      moreHostKeys: hostKeys.slice(1).map(({ publicLine }) => publicLine),
      deadline: status.deadline,
      now: this.#options.now(),
      held: status.held,
      keys: keys.length,
      owners: [...owners],
      keysFile,
      keysProblem: problem,
      password: password !== undefined,
      wantedId: wantedId === id ? undefined : wantedId,
      // People have it somewhere else than the job has.
      caFile: caFile && basename(caFile),
    };
  }
}

/** The keys of the file that may log in, and why if there are none. */
async function readKeys(path: string): Promise<{ keys: AuthorizedKey[]; problem?: string }> {
  let parsed;
  try {
    parsed = await readAuthorizedKeys(path);
  } catch (error) {
    const problem = isMissing(error)
      ? `there is no file ${path}`
      : `cannot read ${path}: ${fileErrorReason(error)}`;
    return { keys: [], problem };
  }
  const { keys, broken } = parsed;
  if (keys.length > 0) return { keys };
  const [first] = broken;
  const others = broken.length > 1 ? `, and ${broken.length - 1} more` : "";
  const problem = first
    ? `line ${first.line} of ${path} is not usable: ${first.reason}${others}`
    : `${path} is empty`;
  return { keys: [], problem };
}
