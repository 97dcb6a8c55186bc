/** Chooses how a response is compressed. */

/**
 * Picks an encoding by an Accept-Encoding header (RFC 9110, section 12.5.3).
 *
 * @param header the field's value, or null without one
 * @param offered what there is, the best first
 * @returns undefined for no encoding
 */
export function pickEncoding<T extends string>(
  header: string | null,
  offered: readonly T[],
): T | undefined {
  const weights = new Map<string, number>();
  for (const item of (header ?? "").split(",")) {
    const [name = "", ...parameters] = item.split(";").map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => /^q\s*=/.test(text))?.replace(/^q\s*=\s*/, "") ?? "1";
    weights.set(name, /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0);
  }
  const weight = (name: string) => weights.get(name) ?? weights.get("*") ?? 0;
  const best = offered.reduce<T | undefined>(
    (best, name) => weight(name) > (best === undefined ? 0 : weight(best)) ? name : best,
    undefined,
  );
  const identity = weights.get("identity") ?? 0;
  return best !== undefined && weight(best) >= identity ? best : undefined;
}
