/** What editors run in the job over ssh when they start there, VS Code Remote and JetBrains Gateway. */

/** Stands for the editor's server: says hello on a port of its choice and on a unix socket. */
export const EDITOR_SERVER = `
const hello = () => new Response("hello from the editor's server");
Deno.serve({ path: Deno.args[0], onListen() {} }, hello);
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => Deno.writeTextFileSync(Deno.args[1], String(port)),
}, hello);
`;

/** The first part of an install script: facts, and a directory for what comes by sftp. */
export function installScript(marker: string): string {
  return `
set -e
umask 077
echo "${marker}: running"
echo "platform==$(uname -sm)=="
echo "home==$CONVERGE_DIR=="
cd "$CONVERGE_DIR"
mkdir -p .editor/bin
echo "directory==made=="
`;
}

/** The other part: a server in the background. */
export function startScript(marker: string): string {
  return `
rm -f .editor/port .editor/sock
nohup '${Deno.execPath()}' run -A --no-check .editor/bin/server.ts \\
  "$PWD/.editor/sock" "$PWD/.editor/port" > .editor/log 2>&1 < /dev/null &
while ! test -s .editor/port; do sleep 0.1; done
echo "listeningOn==$(cat .editor/port)=="
echo "exitCode==0=="
echo "${marker}: end"
# The editor keeps this session; its end tells it that the editor has quit.
{ cat > /dev/null; echo "${marker}: gone"; }
`;
}
