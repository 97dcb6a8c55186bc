import type { VNode } from "preact";
import { Code, Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** The path from your computer to the job: a drawing, and a list for screen readers. */
function Path(): VNode {
  return (
    <figure class="path">
      <ol>
        <li>
          <strong>Your computer</strong>
          <span>
            <code>ssh</code> and all that uses it
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
        Both sides dial out to the server, so neither needs an open port.
      </figcaption>
    </figure>
  );
}

/** The two terminals of a session. */
function Session({ site: { http, ws } }: { site: Site }): VNode {
  return (
    <>
      <Code title="In the job">
        {`$ curl -fsSL -o agent ${http}/static/agent-$(uname -s)-$(uname -m)
$ chmod 755 agent
$ ./agent --id job-42 ${ws}
Converge: you can log in to the job job-42 until 12:10:00 UTC, for 10m`}
      </Code>
      <Code title="On your computer">
        {`$ curl -fsSL ${http}/install.sh | sh -s -- setup
$ ssh job-42.converge
Converge: you are logged in to the job job-42.
~/app$ make test
not ok 7 - reads a date of next year`}
      </Code>
    </>
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
      <Session site={site} />

      <h2>How it works</h2>
      <Path />

      <h2>Good to know</h2>
      <dl class="points">
        <div>
          <dt>The server cannot read your session.</dt>
          <dd>
            It copies encrypted bytes. Your ssh encrypts them, and only the agent can decrypt them.
          </dd>
        </div>
        <div>
          <dt>Only people you choose can log in.</dt>
          <dd>
            The agent accepts the public keys that the job gives it{site.password
              ? " and this server's password, of which it gets only a salted hash"
              : ""}. The ID alone is not enough.
          </dd>
        </div>
        <div>
          <dt>Nobody can impersonate the job.</dt>
          <dd>
            The job's log has commands that make ssh accept the agent's host key only. With them,
            not even this server can impersonate the agent.
          </dd>
        </div>
        <div>
          <dt>Anyone who logs in can do what the job can.</dt>
          <dd>
            A shell sees the job's secrets and runs as its user. Choose the keys with that in mind.
            The job's log records each login.
          </dd>
        </div>
        <div>
          <dt>No job hangs.</dt>
          <dd>
            The agent exits when the last shell ends, or ten minutes after the last input. It ends
            everything that was started through it.
          </dd>
        </div>
        <div>
          <dt>
            {site.jump
              ? "It needs nothing but ssh on your computer."
              : "It needs one program on your computer."}
          </dt>
          <dd>
            {site.jump
              ? (
                <>
                  Where a network lets only https out, add{" "}
                  <a href={`${site.base}/downloads#computer`}>wsproxy</a>.
                </>
              )
              : (
                <>
                  <a href={`${site.base}/downloads#computer`}>wsproxy</a>, beside ssh.
                </>
              )} You and the job must be able to reach {site.http}.
          </dd>
        </div>
      </dl>
    </Layout>,
  );
}
