/** Registers agents as the nodes of a cluster have agreed on. */
import { createHash } from "node:crypto";
import type { Registry } from "../relay/agent_connection.ts";
import type { ClientConnection } from "../relay/client_connection.ts";
import type { DataConnection } from "../relay/data_connection.ts";
import * as refusals from "../rendezvous/refusals.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import type { ResumeSecrets } from "../rendezvous/resume_secrets.ts";
import type { AgentHandle, Control, Grant, Refusal, RegisterRequest } from "../rendezvous/types.ts";
import type { ClaimResult, Leases } from "./leases.ts";
import type { PeerKey } from "./peer_key.ts";

export interface ClusterRegistrationOptions {
  leases: Leases;
  key: PeerKey;
  secrets: ResumeSecrets;
  rendezvous: Rendezvous<DataConnection, ClientConnection>;
  /** An agent has come from another node, which may not know it yet. */
  onMoved(id: string, former: string): void;
  /** See `Registry.carry()`. */
  carry: Registry["carry"];
}

/** The hash of a secret as the directory has it; empty for none. */
function hashOf(secret: string | undefined): string {
  return secret === undefined ? "" : createHash("sha256").update(secret).digest("base64url");
}

/**
 * - The ID is the agent's if it is free, or if the agent shows its secret, on whichever node it was.
 * - Otherwise it is another agent's, or that cannot be ruled out: the agent gets a random one.
 * - An agent that has had the ID before, and cannot get it back now, tries again.
 */
export class ClusterRegistration implements Registry {
  readonly #options: ClusterRegistrationOptions;
  readonly carry: Registry["carry"];

  constructor(options: ClusterRegistrationOptions) {
    this.#options = options;
    this.carry = options.carry;
  }

  async register(
    id: string,
    request: RegisterRequest,
    control: Control,
  ): Promise<AgentHandle | Refusal> {
    const { key, rendezvous, secrets } = this.#options;
    // Before the ID is claimed: a refusal must not keep it.
    const refusal = rendezvous.admitAgent(id);
    if (refusal) return refusal;
    const { resume } = request;
    const wasIts = resume !== undefined && secrets.issuedAt(id, resume) !== undefined;
    const isOwner = rendezvous.owns(id, resume);
    const isMade = key.hasMade(id);
    // Nobody can come by such an ID but from the agent that has it, or by being that agent.
    const result = isMade && !wasIts
      ? { result: { type: "taken" } as const, secret: "" }
      : await this.#claim(id, resume, { reserved: isMade, owner: isOwner });
    const { type } = result.result;
    if (type === "granted" || type === "local") {
      const { result: decided, secret } = result;
      if (decided.type === "granted" && decided.former) {
        this.#options.onMoved(id, decided.former);
      }
      // What is here of another registration is older than what the directory knows.
      if (!rendezvous.owns(id, resume)) {
        rendezvous.release(id, "the agent has connected to another node");
      }
      const resumed = isOwner || decided.type === "granted" && decided.owner;
      return this.#enter(id, request, control, { id, secret, resumed });
    }
    if (wasIts && type !== "taken") return refusals.directoryAway(id);
    return await this.#rename(id, request, control);
  }

  /** Registers an agent under an ID that no other can have. */
  async #rename(
    asked: string,
    request: RegisterRequest,
    control: Control,
  ): Promise<AgentHandle | Refusal> {
    const id = this.#options.key.makeId();
    const { secret } = await this.#claim(id, undefined, { reserved: true, owner: false });
    return this.#enter(asked, request, control, { id, secret, resumed: false });
  }

  async #claim(
    id: string,
    resume: string | undefined,
    wanted: { reserved: boolean; owner: boolean },
  ): Promise<{ result: ClaimResult; secret: string }> {
    const { leases, secrets } = this.#options;
    const secret = secrets.issue(id, Date.now());
    const hashes = { secret: hashOf(secret), shown: hashOf(resume) };
    return { result: await leases.claim({ id, ...hashes, ...wanted }), secret };
  }

  #enter(
    asked: string,
    request: RegisterRequest,
    control: Control,
    grant: Grant,
  ): AgentHandle | Refusal {
    const { rendezvous, leases } = this.#options;
    const registered = rendezvous.register(asked, { ...request, grant }, control);
    if ("label" in registered) void leases.release(grant.id, 0);
    return registered;
  }
}
