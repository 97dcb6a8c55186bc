/**
 * Names that agents, clients and the server agree on. They become parts of URLs and of commands
 * that people paste. Pure.
 *
 * @module
 */

export { isRendezvousId, makeRendezvousId } from "../../templates/assets/shared/rendezvous_id.js";

/** The rule of rendez-vous IDs, for messages to people. */
export const RENDEZVOUS_ID_RULE =
  "1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or a digit";

const USERNAME = /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/;

/** Whether `text` can be the name that people log in with. */
export function isUsername(text: string): boolean {
  return USERNAME.test(text);
}
