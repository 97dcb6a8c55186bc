/** Programs that look a home up in the system's list of users, as ssh does, in a home of a test. */

/**
 * The command that runs `command` as a user with this home: in a mount namespace of its own, with
 * another `/etc/passwd`.
 *
 * @param home a directory in which a file `passwd` is written
 */
export function inHome(home: string, command: string[]): [string, string[]] {
  const passwd = `${home}/passwd`;
  Deno.writeTextFileSync(passwd, `root:x:0:0:root:${home}:/bin/sh\n`);
  const script = 'mount --bind "$0" /etc/passwd && exec "$@"';
  return ["unshare", ["--map-root-user", "--mount", "sh", "-c", script, passwd, ...command]];
}
