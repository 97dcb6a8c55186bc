import { readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";

/** Names of users and groups, and home directories. */
export interface Users {
  userName(uid: number): string | undefined;
  groupName(gid: number): string | undefined;
  /** Of the named user, or with "" of this one; a path of the system. */
  home(user: string): string | undefined;
}

/** The lines of a file like /etc/passwd as fields; empty if it cannot be read. */
function readFields(path: string): string[][] {
  try {
    return readFileSync(path, "utf8").split("\n").map((line) => line.split(":"));
  } catch {
    return [];
  }
}

/** Users of /etc/passwd and /etc/group, read when first needed. */
export class SystemUsers implements Users {
  readonly #passwd: string;
  readonly #group: string;
  #users?: Map<number, string>;
  #groups?: Map<number, string>;
  #homes = new Map<string, string>();

  constructor({ passwd = "/etc/passwd", group = "/etc/group" } = {}) {
    this.#passwd = passwd;
    this.#group = group;
  }

  #readUsers(): Map<number, string> {
    if (this.#users) return this.#users;
    this.#users = new Map();
    // The first of several with one ID counts, so it is set last.
    for (const [name, , uid, , , home] of readFields(this.#passwd).reverse()) {
      if (!name || !uid || home === undefined) continue;
      this.#users.set(Number(uid), name);
      this.#homes.set(name, home);
    }
    try {
      const { username, uid, homedir: home } = userInfo();
      if (!this.#users.has(uid)) this.#users.set(uid, username);
      if (!this.#homes.has(username)) this.#homes.set(username, home);
    } catch {
      // A container may run under an ID without a name.
    }
    return this.#users;
  }

  userName(uid: number): string | undefined {
    return this.#readUsers().get(uid);
  }

  groupName(gid: number): string | undefined {
    this.#groups ??= new Map(
      readFields(this.#group).reverse()
        .filter(([name, , number]) => name && number)
        .map(([name, , number]) => [Number(number), name!]),
    );
    return this.#groups.get(gid);
  }

  home(user: string): string | undefined {
    if (user === "") return homedir();
    this.#readUsers();
    return this.#homes.get(user);
  }
}
