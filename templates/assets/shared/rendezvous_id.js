// @ts-check
/** The rendez-vous ID, in the programs and in the browser. @module */

/** What {@link isRendezvousId} accepts, also for the `pattern` of a field. */
export const ID_PATTERN = "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}";

const WHOLE_ID = new RegExp(`^${ID_PATTERN}$`);

/**
 * Whether `text` can be a rendez-vous ID.
 *
 * @param {string} text
 * @returns {boolean}
 */
export function isRendezvousId(text) {
  return WHOLE_ID.test(text);
}

/** Lower-case base 32 without the look-alikes 0, 1, l and o. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/**
 * Makes a random ID of 16 characters with 80 random bits.
 *
 * @param {Uint8Array} random 16 random bytes
 * @returns {string}
 */
export function makeRendezvousId(random = crypto.getRandomValues(new Uint8Array(16))) {
  return Array.from(random.subarray(0, 16), (byte) => ALPHABET[byte & 31]).join("");
}
