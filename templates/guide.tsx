import type { VNode } from "preact";
import { ANY_ID, type LoginCommands, loginCommands } from "./assets/shared/login_commands.js";
import { jumpAddress } from "./assets/shared/local_commands.js";
import type { Computer } from "./assets/shared/choices.js";
import { quoteSh } from "./assets/shared/quote.js";
import { Code, Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** The sections: id and name. */
const SECTIONS = [
  ["agent", "The agent"],
  ["rendezvous-id", "The ID"],
  ["wsproxy", "wsproxy"],
  ["jump", "ssh -J"],
  ["tunnel", "Tunnel"],
  ["login", "Login"],
  ["lifetime", "Exit"],
];

/** The guide, with this server's addresses; commands that differ are those of the visitor's computer. */
export function guidePage({ site, computer }: { site: Site; computer: Computer }): string {
  return renderPage(
    <Layout
      site={site}
      title="Guide"
      current="/guide"
      scripts={["copy"]}
      lead="What happens in the job and on your computer, step by step."
    >
      <nav class="contents" aria-label="Sections">
        <ul>
          {SECTIONS.filter(([id]) => id !== "jump" || site.jump).map(([id, name]) => (
            <li key={id}>
              <a href={`#${id}`}>{name}</a>
            </li>
          ))}
        </ul>
      </nav>
      <Agent site={site} />
      <RendezvousId />
      <Wsproxy site={site} />
      {site.jump && <Jump site={site} jump={site.jump} computer={computer} />}
      <Tunnel site={site} />
      <Login site={site} />
      <Lifetime />
    </Layout>,
  );
}

function Agent({ site }: { site: Site }): VNode {
  const { http, ws } = site;
  return (
    <section>
      <h2 id="agent">In the job: start the agent</h2>
      <p>
        Add these lines to the job where you want to log in: at its end, or where it fails. They
        download the agent, one file that needs nothing else installed, and run it.
      </p>
      <Code title="Linux and macOS">
        {`curl -fsSL -o agent ${http}/static/agent-$(uname -s)-$(uname -m)\nchmod 755 agent\n./agent --id ID ${ws}`}
      </Code>
      <Code title="Windows, cmd">
        {`curl -fsSL -o agent.exe ${http}/static/agent.exe\n.\\agent --id ID ${ws}`}
      </Code>
      <Code title="Windows, PowerShell">
        {`curl.exe -fsSL -o agent.exe ${http}/static/agent.exe\n.\\agent --id ID ${ws}`}
      </Code>
      {site.agentToken && (
        <p class="note">
          This server accepts only agents that have its token. Store the token as a secret of your
          CI system and pass it to the job in the environment variable{" "}
          <code>CONVERGE_AGENT_TOKEN</code>, or in a file with{" "}
          <code>--token-file FILE</code>. Never put it on the command line: every user of the
          machine can read that.
        </p>
      )}
      <p>
        On Linux and macOS <code>curl --compressed</code> downloads about a third as much;{" "}
        <code>curl -C - -o agent</code> resumes a download.
      </p>
      <p>
        The agent registers with this server and prints in the job's log the commands for your
        computer. Run <code>./agent</code> without arguments to list its options.
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
        is the name under which you and the agent meet. Choose one that no other job uses: 1 to 64
        letters, digits, dots, underscores and hyphens, starting with a letter or digit. Without
        {" "}
        <code>--id</code>{" "}
        the agent gets a random ID. If another agent has the ID, yours gets a new one. The job's log
        shows it.
      </p>
      <p>
        All traffic is SSH, encrypted from your computer to the agent, which contains an SSH server.
        This server pairs the two by ID and copies bytes between them; it cannot read them.
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
        wsproxy connects ssh to a websocket. Install it once and set up this server; on Windows{" "}
        <a href={`${site.base}/downloads`}>download</a> it and run{" "}
        <code>wsproxy setup {site.http}</code>:
      </p>
      <Code title="Once: Linux and macOS">
        {`curl -fsSL ${quoteSh(`${site.http}/install.sh`)} | sh -s -- setup`}
      </Code>
      <p>
        From then on ssh, sftp, scp, rsync, git and editors take the ID with{" "}
        <code>.converge</code>. ssh asks once about each new host key: compare the fingerprint with
        the one in the job's log. <code>wsproxy setup --undo</code> removes it all.
      </p>
      <Code title="Shell">ssh ID.converge</Code>
      <Code title="Files">sftp ID.converge</Code>
      <p>Without that:</p>
      <Code title="Shell, without setup">{ssh}</Code>
      <Code title="Files, without setup">{sftp}</Code>
      <p>
        Each run of a job has a new host key, so ssh asks each time whether to trust it: compare the
        fingerprint with the one in the job's log. The command in the job's log names the key: with
        it ssh asks nothing, and nobody can impersonate the agent. For a key that lasts, run{" "}
        <code>./agent keygen</code>, keep its secret line as the secret{" "}
        <code>CONVERGE_HOST_KEY</code> of your CI system, and put its public line into the form.
      </p>
      <p>
        If no agent has the ID yet, ssh fails and says so. Append <code>?wait=5m</code>{" "}
        to the ID to wait up to five minutes for the agent.
      </p>
      <p>
        wsproxy depends on the websocket standard only, not on Converge. Any tool that connects
        stdin and stdout to a websocket with binary frames works instead, for instance websocat:
      </p>
      <Code title="websocat instead of wsproxy">
        {exampleCommands(site, "websocat --binary").ssh}
      </Code>
    </section>
  );
}

/** The way in with OpenSSH alone. */
function Jump(
  { site, jump, computer }: { site: Site; jump: NonNullable<Site["jump"]>; computer: Computer },
): VNode {
  const address = jumpAddress(site) ?? "";
  const { hostname } = new URL(site.http);
  const target = { username: site.username, url: "", alias: ANY_ID };
  const commands = loginCommands({ ...target, jump: address }, computer).jump;
  const waiting = loginCommands({ ...target, jump: `wait=5m@${address}` }, computer).jump;
  return (
    <section>
      <h2 id="jump">Or: nothing to install, with ssh -J</h2>
      <p>
        This server is a jump host for ssh that leads to agents and nowhere else. If your network
        lets ssh out, nothing else is needed:
      </p>
      <Code title="Shell">{commands?.ssh ?? ""}</Code>
      <Code title="Files">{commands?.sftp ?? ""}</Code>
      <Code title="Shell, waiting for an agent that is not connected yet">
        {waiting?.ssh ?? ""}
      </Code>
      <p>
        <code>-J</code> writes the ID in lower case. For one with capitals put{" "}
        <code>{`-oProxyCommand="ssh -p ${jump.port} -W ID:22 ${hostname}"`}</code> in its place.
      </p>
      <p>
        ssh asks about two keys. The jump host's own lasts: its fingerprint is{" "}
        <code>{jump.fingerprint}</code>, its line for <code>~/.ssh/known_hosts</code>{" "}
        below. The agent's is in the job's log: the connection to it is encrypted from end to end
        here too.
      </p>
      <Code title="Host key of the jump host">
        {`[${hostname}]:${jump.port} ${jump.hostKey}`}
      </Code>
    </section>
  );
}

function Tunnel({ site }: { site: Site }): VNode {
  const { tunnel } = exampleCommands(site);
  return (
    <section>
      <h2 id="tunnel">Or: ssh and sftp with tunnel</h2>
      <p>
        For programs that cannot use a proxy command, tunnel opens a port on your computer and
        forwards it to the agent. Start it and keep it running:
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
      <h2 id="login">Login</h2>
      <p>
        The user name is {name} for everyone. It is configured on this server.
      </p>
      <p>
        {site.password
          ? "Ask the administrator of this server for the password; agents get only a salted hash of it. Or log in with a key:"
          : "This server has no password. Log in with a key:"} put your public key into the file
        {" "}
        <code>.authorized_keys</code>{" "}
        in the directory where the agent starts, one key per line. The agent reads the file at each
        login, so you can add people while it runs.
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
        The agent can also download keys when it starts: <code>--github-user NAME</code>,{" "}
        <code>--gitlab-user NAME</code> or <code>--keys-url URL</code>. In GitHub Actions{" "}
        <code>--github-actor</code>{" "}
        lets the keys of who started the run log in; it refuses events that anybody can cause.
      </p>
      <p>
        Several people can be logged in at the same time, each with several shells.{" "}
        <code>exit</code> ends a shell and all its processes, on Windows too.
      </p>
    </section>
  );
}

function Lifetime(): VNode {
  return (
    <section>
      <h2 id="lifetime">When the agent exits</h2>
      <p>The agent exits by itself, with status 0:</p>
      <ul>
        <li>
          when the last shell ends. Commands, file transfers and forwarded ports do not count as
          shells, but it waits for open ones.
        </li>
        <li>
          10 minutes after the last input, or after its start if nobody logs in (<code>
            --expiry
          </code>). Each shell is warned from 5 minutes before (<code>--warning-time</code>); press
          any key to extend.
        </li>
      </ul>
      <p>
        To keep the agent after the last shell, create the hold file; to let it exit, remove the
        file and log out. A modification time in the future also extends the deadline. In a shell of
        the job:
      </p>
      <Code title="Linux">
        {`touch "$CONVERGE_HOLD"                # stay after the last shell
touch -d '+1 hour' "$CONVERGE_HOLD"   # and one hour longer
rm "$CONVERGE_HOLD"                   # exit after the last shell`}
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
