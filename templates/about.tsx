import type { VNode } from "preact";
import { Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** The path from your computer to the job: a drawing, and a list for screen readers. */
function Path(): VNode {
  return (
    <figure class="path">
      <ol>
        <li>
          <strong>Your computer</strong>
          <span>
            <code>ssh</code> or <code>sftp</code>, through wsproxy or tunnel
          </span>
        </li>
        <li class="relay">
          <strong>This server</strong>
          <span>pairs the two by ID and copies bytes</span>
        </li>
        <li>
          <strong>The CI job</strong>
          <span>the agent, with an SSH server inside</span>
        </li>
      </ol>
      <p class="through">one SSH connection, encrypted end to end</p>
      <figcaption>
        Both sides dial out to the server by websocket, so neither needs an open port.
      </figcaption>
    </figure>
  );
}

/** The home page: what Converge is and how it works. */
export function aboutPage({ site }: { site: Site }): string {
  return renderPage(
    <Layout
      site={site}
      title="A shell inside your CI job"
      current="/"
      styles={["about"]}
      lead="When a job fails only in CI, log in and look. Converge gives you a shell and the files of the running job, through firewalls, with plain ssh and sftp."
    >
      <p class="row">
        <a class="button primary" href={`${site.base}/usage`}>Write my commands</a>
        <a class="button" href={`${site.base}/downloads`}>Downloads</a>
      </p>

      <h2>How it works</h2>
      <Path />
      <ol>
        <li>
          A step of your job downloads the agent and starts it under a name that you choose, the
          rendez-vous ID. The agent connects to this server and waits.
        </li>
        <li>
          On your computer, ssh connects to this server through wsproxy or tunnel, with the same ID.
          The server connects the two.
        </li>
        <li>
          The agent checks your key and opens a shell in the job's directory, with the job's
          environment. Commands, file transfer and port forwarding work as with any SSH server.
        </li>
        <li>
          The agent exits when the last shell ends, and the job continues. If nobody logs in, it
          exits after ten minutes.
        </li>
      </ol>

      <h2>Security</h2>
      <dl class="points">
        <dt>The server cannot read your session.</dt>
        <dd>
          It copies encrypted bytes. Your ssh encrypts them, and only the agent can decrypt them.
        </dd>
        <dt>Only people you choose can log in.</dt>
        <dd>
          The agent accepts the public keys that the job gives it{site.password
            ? " and this server's password, of which it gets only a salted hash"
            : ""}. The ID alone is not enough.
        </dd>
        <dt>Nobody can impersonate the job.</dt>
        <dd>
          The agent prints its host key in the job's log, with commands that make ssh accept that
          key only. With those commands, not even this server can impersonate the agent.
        </dd>
        <dt>Anyone who logs in can do what the job can.</dt>
        <dd>
          A shell sees the job's secrets and runs as its user. Choose the keys with that in mind.
          The job's log records each login.
        </dd>
        <dt>Nothing is left running.</dt>
        <dd>
          The agent opens no port to the network. When it exits, it ends everything that was started
          through it.
        </dd>
      </dl>

      <h2>What it needs</h2>
      <p>
        On your computer: an SSH client and{" "}
        <a href={`${site.base}/downloads#wsproxy`}>one program, wsproxy</a>. In the job: one
        download. Both must be able to reach {site.http}.
      </p>
    </Layout>,
  );
}
