/**
 * Names that agents, clients and the server agree on. They become parts of URLs and of commands that
 * people paste. Pure.
 *
 * @module
 */

const RENDEZVOUS_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What {@link isRendezvousId} accepts, for messages to people. */
export const RENDEZVOUS_ID_RULE =
  "1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or a digit";

/** Whether `text` can be a rendez-vous ID, see {@link RENDEZVOUS_ID_RULE}. */
export function isRendezvousId(text: string): boolean {
  return RENDEZVOUS_ID.test(text);
}

/** Lower-case base 32 without the look-alikes 0, 1, l and o. */
const ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/**
 * Makes up a rendez-vous ID of 16 characters.
 *
 * @param random 16 random bytes, of which 80 bits are used
 */
export function makeRendezvousId(
  random: Uint8Array = crypto.getRandomValues(new Uint8Array(16)),
): string {
  return Array.from(random.subarray(0, 16), (byte) => ID_ALPHABET[byte & 31]).join("");
}

const USERNAME = /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/;

/** Whether `text` can be the name that people log in with. */
export function isUsername(text: string): boolean {
  return USERNAME.test(text);
}
