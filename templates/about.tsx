import type { VNode } from "preact";
import { Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** The path from the person to the job; a list to those who cannot see the drawing. */
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
      <p class="through">one SSH connection, encrypted from end to end</p>
      <figcaption>
        Both sides call the server over a websocket, so neither has to let anybody in.
      </figcaption>
    </figure>
  );
}

/** The page that says what this is. */
export function aboutPage({ site }: { site: Site }): string {
  return renderPage(
    <Layout
      site={site}
      title="A shell inside your CI job"
      current="/"
      styles={["about"]}
      lead="The job fails on the build machine and nowhere else? Go and look. Converge gives you a shell and the files of the running job, through firewalls, with nothing but ssh and sftp."
    >
      <p class="row">
        <a class="button primary" href={`${site.base}/usage`}>Write my commands</a>
        <a class="button" href={`${site.base}/downloads`}>Downloads</a>
      </p>

      <h2>How it works</h2>
      <Path />
      <ol>
        <li>
          A step of your job downloads the agent and starts it under a name of your choice, the
          rendez-vous ID. The agent calls this server and waits.
        </li>
        <li>
          On your computer, ssh reaches this server by wsproxy or tunnel and asks for the same ID.
          The server connects the two.
        </li>
        <li>
          The agent checks your key, and you are in: in the job's directory, with the job's
          environment. Shells, commands, file transfer and port forwarding work as with any SSH
          server.
        </li>
        <li>
          When the last shell has ended, the agent ends and the job goes on. If nobody comes, it
          ends by itself.
        </li>
      </ol>

      <h2>Security in plain words</h2>
      <dl class="points">
        <dt>The server cannot read along.</dt>
        <dd>
          It copies encrypted bytes. The encryption begins in your ssh and ends in the agent, and
          nowhere between.
        </dd>
        <dt>Only those you name get in.</dt>
        <dd>
          The agent lets in the public keys that the job gives it{site.password
            ? ", and those who know this server's password, of which it holds only a salted hash"
            : ""}. Knowing the ID is not enough.
        </dd>
        <dt>Nobody can pose as the job.</dt>
        <dd>
          The agent prints its host key in the job's log, with commands that make ssh accept that
          key alone. Use those, and not even this server can stand in for the agent.
        </dd>
        <dt>Whoever gets in may do what the job may.</dt>
        <dd>
          A shell in the job sees its secrets and runs as its user. Give keys accordingly; each
          login is written into the job's log.
        </dd>
        <dt>Nothing stays open.</dt>
        <dd>
          The agent opens no port. When it ends, it takes along everything that was started through
          it.
        </dd>
      </dl>

      <h2>What it needs</h2>
      <p>
        On your computer an SSH client and{" "}
        <a href={`${site.base}/downloads#wsproxy`}>one small program</a>; in the job one download.
        Both must be able to reach {site.http}{" "}
        as they reach any web page. wsproxy relies on the websocket standard alone, so other tools
        can take its place.
      </p>
    </Layout>,
  );
}
