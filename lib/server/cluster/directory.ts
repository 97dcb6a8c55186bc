/**
 * Which node has which agent: what nodes ask and tell the directory that they share. Pure types;
 * scripts.ts has the rules, redis_directory.ts asks Redis.
 *
 * @module
 */

/** How long things hold, in milliseconds. */
export interface ClusterTiming {
  /** How often a node renews what it holds. */
  renewMs: number;
  /** A node that has not renewed for this long counts as away. */
  leaseMs: number;
  /** How long a node answers for an ID after it has last renewed it. */
  answerMs: number;
  /** How long the directory gives the ID to no other agent; longer than {@link answerMs}. */
  holdMs: number;
  /** How long no newcomer gets an ID that it asks for after the directory may have lost some. */
  settleMs: number;
  /** How often an ID that clients wait for is looked up. */
  lookMs: number;
  /** How long a question to the directory or to another node may take. */
  askMs: number;
}

export const CLUSTER_TIMING: ClusterTiming = {
  renewMs: 10_000,
  leaseMs: 30_000,
  answerMs: 6 * 60_000,
  holdMs: 10 * 60_000,
  settleMs: 12_000,
  lookMs: 1_000,
  askMs: 2_000,
};

/** A process of a cluster. */
export interface ClusterNode {
  /** How the other nodes reach it. */
  url: string;
  /** Of this process; another one at the same address has another. */
  instance: string;
}

/** The hashes of an agent's secrets. */
export interface SecretHashes {
  /** Of its newest one. */
  secret: string;
  /** Of the one that it has shown last, or empty. */
  shown: string;
}

/** What a node asks for. */
export interface ClaimQuestion extends SecretHashes {
  id: string;
  /** Whether no newcomer can have the ID: a server made it. */
  reserved: boolean;
  /** Whether the node itself holds it. */
  holding: boolean;
}

/** `granted` gives the ID to the agent; `taken`: another one has it; `unsettled`: ask again. */
export type ClaimAnswer =
  | { type: "granted"; epoch: number; owner: boolean; former?: string }
  | { type: "taken" }
  | { type: "unsettled" };

/** What a node holds. */
export interface Held extends SecretHashes {
  id: string;
  epoch: number;
}

/** `contestedAt`: when another agent last asked for the ID, if one did, Unix time in ms. */
export type RenewAnswer = { type: "held"; contestedAt?: number } | { type: "lost" };

/** Where an agent is. */
export interface Place {
  /** Of the node; empty while the agent moves. */
  url: string;
  /** Whether the node has renewed in time. */
  alive: boolean;
}

/** What a node learns each time that it says that it is there. */
export interface Beat {
  /** The directory's clock, Unix time in milliseconds. */
  now: number;
  /** Since when the directory is as it is: another value when it may have lost something. */
  since: number;
  /** The addresses of the nodes that have been there lately, itself included. */
  nodes: string[];
  /** Of those that have ended. */
  left: string[];
  /** Whether another process has taken its address. */
  replaced: boolean;
}

/**
 * The directory. All methods reject when it cannot be asked; what they did may then be done or not.
 */
export interface AgentDirectory {
  /** Gives an agent an ID, if that is free or its own. */
  claim(question: ClaimQuestion): Promise<ClaimAnswer>;
  /** Holds IDs for longer; writes down again what the directory has lost. */
  renew(held: Held[]): Promise<RenewAnswer[]>;
  /**
   * Gives up an ID.
   *
   * @param keepMs for how long only the agent itself may have it, in milliseconds
   */
  release(id: string, epoch: number, keepMs: number): Promise<void>;
  /** This node answers no more for an ID that it has held before, in that epoch. */
  forget(id: string, epoch: number): Promise<void>;
  /** Where agents are; undefined: nowhere; `unsettled`: nowhere, or the directory has lost it. */
  find(ids: string[]): Promise<(Place | undefined | "unsettled")[]>;
  /**
   * Says that the node is there.
   *
   * @param known the nodes that it knows of
   * @param rebuilt for which {@link Beat.since} all is written down that it holds
   */
  beat(known: string[], rebuilt: number): Promise<Beat>;
  /** The node ends. */
  leave(): Promise<void>;
}
