import type { VNode } from "preact";
import { type Choices, OPTIONS, shellsOf, type System } from "./assets/shared/choices.js";
import { type Block, jobCommands, jobNotes } from "./assets/shared/job_commands.js";
import { localCommands, localNotes } from "./assets/shared/local_commands.js";
import { KEY_PATTERN, type PublicKeys } from "./assets/shared/public_keys.js";
import { ID_PATTERN } from "./assets/shared/rendezvous_id.js";
import { Code } from "./layout.tsx";
import type { Site } from "./site.ts";

/** What the form starts with. */
export interface UsageFormProps {
  site: Site;
  /** The systems that this server has executables for. */
  systems: readonly System[];
  choices: Choices;
  /** What the fields hold, be it right or wrong; never a private key. */
  typed: { keys: string[]; id: string };
  /** What was found in the keys. */
  publicKeys: PublicKeys;
  /** Why the ID cannot be one. */
  idProblem?: string;
}

/** What both the server and the script say of a private key. */
const PRIVATE_KEY_WARNING =
  "That is a private key: it stays with you alone. Paste the public one, from the file that ends with .pub.";

/** How many keys can be given without scripts; with them there is one field for any number. */
const PLAIN_KEY_FIELDS = 3;

function Select(
  { name, label, value, hint, only }: {
    name: keyof typeof OPTIONS;
    label: string;
    value: string;
    hint?: string;
    only?: readonly string[];
  },
): VNode {
  const options = OPTIONS[name].filter(([option]) => only?.includes(option) ?? true);
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name} aria-describedby={hint && `${name}-hint`}>
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>{text}</option>
        ))}
      </select>
      {hint !== undefined && <p class="hint" id={`${name}-hint`}>{hint}</p>}
    </div>
  );
}

function Keys({ typed, publicKeys }: { typed: string[]; publicKeys: PublicKeys }): VNode {
  const { problems, secret } = publicKeys;
  const warnings = secret ? [PRIVATE_KEY_WARNING] : problems;
  const count = Math.max(PLAIN_KEY_FIELDS, typed.length + 1);
  return (
    <div class="field wide" id="keys">
      {/* These fields work without scripts; usage_form.js puts one large field in their place. */}
      <div id="keys-plain">
        {Array.from({ length: count }, (_, index) => (
          <div class="field" key={index}>
            <label for={`key-${index}`}>Public key {index + 1}</label>
            <input
              id={`key-${index}`}
              name="key"
              class="mono"
              value={typed[index] ?? ""}
              pattern={KEY_PATTERN}
              title="one line of a .pub file, for instance ssh-ed25519 AAAA… you@home"
              autocomplete="off"
              spellcheck={false}
            />
          </div>
        ))}
      </div>
      <div id="keys-rich" hidden>
        <label for="keys-text">Public keys, one a line</label>
        <textarea
          id="keys-text"
          class="mono"
          rows={3}
          aria-describedby="keys-hint keys-state"
          autocomplete="off"
          spellcheck={false}
          placeholder="ssh-ed25519 AAAA… you@home"
        />
      </div>
      <p class="hint" id="keys-hint">
        Of everybody who may log in: the line in <code>~/.ssh/id_ed25519.pub</code>{" "}
        or another file that ends with <code>.pub</code>.
      </p>
      <div id="keys-state" class="state" role="status">
        {warnings.length > 0 && (
          <ul class="warning">{warnings.map((text) => <li key={text}>{text}</li>)}</ul>
        )}
      </div>
    </div>
  );
}

/** The form, which works by GET without scripts; with them it answers while it is filled in. */
export function UsageForm(
  { site, systems, choices, typed, publicKeys, idProblem }: UsageFormProps,
): VNode {
  return (
    <form
      id="usage-form"
      method="get"
      action={`${site.base}/usage#commands`}
      data-http={site.http}
      data-ws={site.ws}
      data-username={site.username}
      data-password={site.password}
      data-agent-token={site.agentToken}
      data-private-key-warning={PRIVATE_KEY_WARNING}
    >
      {/* What Enter in a field presses. */}
      <button type="submit" hidden>Write the commands</button>
      <fieldset>
        <legend>The job</legend>
        <Keys typed={typed.keys} publicKeys={publicKeys} />
        <div class="field wide">
          <label for="id">Rendez-vous ID</label>
          <div class="row">
            <input
              id="id"
              name="id"
              class="mono"
              value={typed.id}
              pattern={ID_PATTERN}
              title="1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or a digit"
              maxLength={64}
              aria-describedby="id-hint id-state"
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
            />
            <button type="submit" id="new-id" name="new-id" value="1">Make one up</button>
          </div>
          <p class="hint" id="id-hint">
            The name under which you and the agent meet. Leave it empty for a random one, which the
            job's log shows.
          </p>
          <div id="id-state" class="state" role="status">
            {idProblem !== undefined && <p class="warning">{idProblem}</p>}
          </div>
        </div>
        <Select name="ci" label="CI system" value={choices.ci} />
        <Select name="os" label="The job runs on" value={choices.os} only={systems} />
        <Select
          name="shell"
          label="Its shell"
          value={choices.shell === shellsOf(choices.os, choices.ci)[0] ? "" : choices.shell}
          hint="Usually sh, and PowerShell on Windows."
        />
      </fieldset>
      <fieldset>
        <legend>Your computer</legend>
        <Select name="computer" label="It runs" value={choices.computer} only={systems} />
        <Select name="local" label="The way to the job" value={choices.local} />
      </fieldset>
      <p class="row" id="form-buttons">
        <button type="submit" class="primary" id="write">Write the commands</button>
        <button type="button" id="forget" hidden>Clear the form</button>
        <span class="hint" id="remembered" hidden>
          Your entries stay in this browser; nothing is sent.
        </span>
      </p>
    </form>
  );
}

function Output({ id, blocks, notes }: { id: string; blocks: Block[]; notes: string[] }): VNode {
  return (
    <div id={id}>
      {blocks.map(({ title, text }) => <Code key={title} title={title}>{text}</Code>)}
      <ul class="hint notes">{notes.map((note) => <li key={note}>{note}</li>)}</ul>
    </div>
  );
}

/** The commands for what was chosen; usage_form.js writes the same ones again. */
export function Commands({ site, choices }: { site: Site; choices: Choices }): VNode {
  return (
    <section id="commands">
      <h2>Your commands</h2>
      <h3>In the job</h3>
      <Output
        id="job-output"
        blocks={[jobCommands(site, choices)]}
        notes={jobNotes(site, choices)}
      />
      <h3>On your computer</h3>
      <Output
        id="local-output"
        blocks={localCommands(site, choices)}
        notes={localNotes(choices)}
      />
    </section>
  );
}
