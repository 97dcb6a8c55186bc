/** Text of a URL without its percent signs; a stray one stands for itself, as curl has it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The value of an Authorization header for the login in a URL (RFC 7617).
 *
 * @returns undefined if the URL has none
 */
export function basicLogin({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const login = new TextEncoder().encode(`${decode(username)}:${decode(password)}`);
  return `Basic ${btoa(String.fromCharCode(...login))}`;
}
