import type { VNode } from "preact";
import { type LoginCommands, loginCommands } from "./assets/shared/login_commands.js";
import { Code } from "./layout.tsx";
import type { Site } from "./site.ts";

/** All of the usage in prose, with this server's own addresses. */
export function Guide({ site }: { site: Site }): VNode {
  return (
    <>
      <Agent site={site} />
      <RendezvousId />
      <Wsproxy site={site} />
      <Tunnel site={site} />
      <Login site={site} />
      <Lifetime />
    </>
  );
}

function Agent({ site }: { site: Site }): VNode {
  const { http, ws } = site;
  return (
    <section>
      <h2 id="agent">In the job: start the agent</h2>
      <p>
        Add these lines to the job, where you want to be able to look around: at the end, or where
        it fails. They download the agent and run it; it is one file and needs nothing installed.
      </p>
      <Code title="Linux">
        {`curl ${http}/static/agent > agent\nchmod 755 agent\n./agent --id ID ${ws}`}
      </Code>
      <Code title="Windows, cmd">
        {`curl ${http}/static/agent.exe > agent.exe\n.\\agent --id ID ${ws}`}
      </Code>
      <Code title="Windows, PowerShell">
        {`curl.exe -o agent.exe ${http}/static/agent.exe\n.\\agent --id ID ${ws}`}
      </Code>
      {site.agentToken && (
        <p class="note">
          This server takes only agents that show its token. Keep the token as a secret of your CI
          system and hand it to the job as the environment variable{" "}
          <code>CONVERGE_AGENT_TOKEN</code>, or in a file with{" "}
          <code>--token-file FILE</code>. Never put it on the command line: everybody on the machine
          can read that.
        </p>
      )}
      <p>
        On Linux and macOS <code>curl --compressed</code> downloads a third as much, and{" "}
        <code>curl -C - -o agent</code> goes on where one broke off.
      </p>
      <p>
        The agent registers with this server and prints in the job's log what to type on your
        computer. Run <code>./agent</code> without arguments to see all its options.
      </p>
    </section>
  );
}

/** What to type for the job ID. */
function exampleCommands({ ws, username }: Site, bridge?: string): LoginCommands {
  return loginCommands({ username, url: `${ws}/client/ID`, bridge });
}

function RendezvousId(): VNode {
  return (
    <section>
      <h2 id="rendezvous-id">The rendez-vous ID</h2>
      <p>
        <code>ID</code>{" "}
        above stands for the name under which you and the agent meet. Choose one that no other job
        uses: 1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or a digit.
        Without <code>--id</code>{" "}
        the agent gets a random one. If another live agent has the ID already, yours gets a new one.
        Either way the job's log says which.
      </p>
      <p>
        All traffic is SSH, encrypted from your computer to the agent, which has an SSH server
        inside. This server pairs the two by ID and copies bytes between them; it cannot read them.
      </p>
    </section>
  );
}

function Wsproxy({ site }: { site: Site }): VNode {
  const { ssh, sftp } = exampleCommands(site);
  return (
    <section>
      <h2 id="wsproxy">On your computer: ssh and sftp with wsproxy</h2>
      <p>
        wsproxy connects ssh to a websocket. <a href={`${site.base}/downloads`}>Download</a>{" "}
        it once and keep it in a directory on your <code>PATH</code>.
      </p>
      <Code title="Shell">{ssh}</Code>
      <Code title="Files">{sftp}</Code>
      <p>
        Each agent makes a fresh host key, so ssh asks whether to trust it, and it complains about
        {" "}
        <code>localhost</code> when the next job has another one. Add <code>-oHostKeyAlias=ID</code>
        {" "}
        to keep the jobs apart, or paste the lines from the job's log: they name the agent's host
        key, so ssh asks nothing and nobody can pose as the agent.
      </p>
      <p>
        If the job is not there yet, the server says so and ssh ends. With <code>?wait=5m</code>
        {" "}
        behind the ID it waits that long for the agent.
      </p>
      <p>
        wsproxy knows the websocket standard and nothing of Converge. Any tool that connects stdin
        and stdout to a websocket with binary frames can take its place, for instance websocat:
      </p>
      <Code title="websocat in wsproxy's place">
        {exampleCommands(site, "websocat --binary").ssh}
      </Code>
    </section>
  );
}

function Tunnel({ site }: { site: Site }): VNode {
  const { tunnel } = exampleCommands(site);
  return (
    <section>
      <h2 id="tunnel">Or: ssh and sftp through a tunnel</h2>
      <p>
        For programs that cannot use a proxy command, tunnel opens a port on your computer and
        connects it to the agent. Start it and leave it running:
      </p>
      <Code title="Tunnel">{tunnel.tunnel}</Code>
      <p>Then, in another terminal:</p>
      <Code title="Shell">
        {tunnel.ssh}
      </Code>
      <Code title="Files">
        {tunnel.sftp}
      </Code>
    </section>
  );
}

function Login({ site }: { site: Site }): VNode {
  const name = <code>{site.username}</code>;
  return (
    <section>
      <h2 id="login">Logging in</h2>
      <p>
        The user name is always{" "}
        {name}, whoever you are. It is set on this server, which tells it to the agent.
      </p>
      <p>
        {site.password
          ? "The password is this server's; whoever runs it can tell you. The agent gets only a salted hash of it. Or log in with a key:"
          : "This server has no password, so log in with a key:"} put your public key into the file
        {" "}
        <code>.authorized_keys</code>{" "}
        in the directory where the agent is started, one key a line. The agent reads the file at
        each login, so people can be added while it runs.
      </p>
      <Code title="Linux">
        {`echo "ssh-ed25519 AAAAC3… you@home" > .authorized_keys\necho "ssh-ed25519 AAAAC3… colleague@work" >> .authorized_keys`}
      </Code>
      <Code title="Windows, cmd: without quotes">
        {`echo ssh-ed25519 AAAAC3… you@home > .authorized_keys\necho ssh-ed25519 AAAAC3… colleague@work >> .authorized_keys`}
      </Code>
      <Code title="Windows, PowerShell: with quotes">
        {`echo "ssh-ed25519 AAAAC3… you@home" > .authorized_keys\necho "ssh-ed25519 AAAAC3… colleague@work" >> .authorized_keys`}
      </Code>
      <p>
        The agent can also fetch keys when it starts: <code>--github-user NAME</code>,{" "}
        <code>--gitlab-user NAME</code> or <code>--keys-url URL</code>.
      </p>
      <p>
        Several people can be logged in at once, each with as many shells as they like.{" "}
        <code>exit</code> ends a shell and leaves no process behind, on Windows too.
      </p>
    </section>
  );
}

function Lifetime(): VNode {
  return (
    <section>
      <h2 id="lifetime">When it ends</h2>
      <p>So that no job waits forever, the agent ends, with exit status 0:</p>
      <ul>
        <li>
          when the last shell has ended. Commands, file transfers and forwarded ports alone do not
          end it, but it waits for those that are open.
        </li>
        <li>
          10 minutes after the last input, or after its start if nobody came (<code>
            --expiry
          </code>). From 5 minutes before (<code>--warning-time</code>) each shell is told how long
          it has; any key extends.
        </li>
      </ul>
      <p>
        To keep it after the last shell, make the hold file; remove it and log out to let go. With a
        time in the future, it extends the deadline as well. In a shell of the job:
      </p>
      <Code title="Linux">
        {`touch "$CONVERGE_HOLD"                # stay after the last shell
touch -d '+1 hour' "$CONVERGE_HOLD"   # and one hour longer
rm "$CONVERGE_HOLD"                   # end with the last shell again`}
      </Code>
      <Code title="Windows, cmd">
        {`type nul > "%CONVERGE_HOLD%"
del "%CONVERGE_HOLD%"`}
      </Code>
      <Code title="Windows, PowerShell">
        {`$hold = New-Item -Force $env:CONVERGE_HOLD
$hold.LastWriteTime = (Get-Date).AddHours(1)
Remove-Item $env:CONVERGE_HOLD`}
      </Code>
    </section>
  );
}
