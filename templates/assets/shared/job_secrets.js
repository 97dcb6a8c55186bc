// @ts-check
/** The secrets that the agent gets from its environment. @module */

/**
 * @import { Site } from "../../site.ts"
 * @import { Choices } from "./choices.js"
 */

/** The environment variable for the token that a server may ask of agents. */
export const TOKEN = "CONVERGE_AGENT_TOKEN";

/** The environment variable for a host key that lasts. */
export const HOST_KEY = "CONVERGE_HOST_KEY";

/**
 * The secrets that the agent needs in its environment.
 *
 * @param {Pick<Site, "agentToken">} site
 * @param {Choices} choices
 * @returns {string[]} names of variables
 */
export function secretsOf({ agentToken }, { hostKey }) {
  return [...(agentToken ? [TOKEN] : []), ...(hostKey === "" ? [] : [HOST_KEY])];
}

/**
 * What a secret is called among Jenkins' credentials.
 *
 * @param {string} name of its variable
 * @returns {string}
 */
export function credentialId(name) {
  return name.toLowerCase().replaceAll("_", "-");
}
