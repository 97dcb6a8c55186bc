/**
 * Writes text at once. A closed reader or a full disk must not end the program: what cannot
 * be written is lost, as there is no other place to report it.
 *
 * @param to a file, stdout or stderr
 */
export function writeText(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
  } catch {
    // Nothing reads it.
  }
}
