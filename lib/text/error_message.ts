/** The message of anything thrown, on one line; a server's words in it must not drive a terminal. */
export function errorMessage(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  // deno-lint-ignore no-control-regex
  return message.replaceAll(/\s*[\r\n\t]\s*/g, " ").replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "");
}
