import type { VNode } from "preact";
import { type Choices, OPTIONS } from "./assets/shared/choices.js";
import { type Block, jobCommands } from "./assets/shared/job_commands.js";
import { jobNotes } from "./assets/shared/job_notes.js";
import { localCommands, localNotes, otherLocalCommands } from "./assets/shared/local_commands.js";
import { HOST_KEY_PATTERN, KEY_PATTERN, type PublicKeys } from "./assets/shared/public_keys.js";
import { ID_PATTERN } from "./assets/shared/rendezvous_id.js";
import { Code } from "./layout.tsx";
import type { Site } from "./site.ts";

/** What the form shows at first. */
export interface UsageFormProps {
  site: Site;
  choices: Choices;
  /** The text of the fields, valid or not; never a private key. */
  typed: { keys: string[]; id: string; hostKey: string };
  /** The keys that were read from it. */
  publicKeys: PublicKeys;
  /** Why the ID is invalid. */
  idProblem?: string;
  /** Why the host key is invalid. */
  hostKeyProblem?: string;
}

/** The warning that both the server and the script show for a private key. */
export const PRIVATE_KEY_WARNING =
  "This is a private key. Never share it. Paste the public key, from the file that ends in .pub.";

/** Fields for keys when scripts are off; with scripts one field takes any number. */
const PLAIN_KEY_FIELDS = 3;

function Select(
  { name, label, value }: { name: keyof typeof OPTIONS; label: string; value: string },
): VNode {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name}>
        {OPTIONS[name].map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>{text}</option>
        ))}
      </select>
    </div>
  );
}

function Keys({ typed, publicKeys }: { typed: string[]; publicKeys: PublicKeys }): VNode {
  const { problems, secret } = publicKeys;
  const warnings = secret ? [PRIVATE_KEY_WARNING] : problems;
  const count = Math.max(PLAIN_KEY_FIELDS, typed.length + 1);
  return (
    <div class="field wide" id="keys">
      {/* For browsers without scripts; usage_form.js replaces them with one large field. */}
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
              title="one line of a .pub file, such as ssh-ed25519 AAAA… you@home, or github:NAME"
              autocomplete="off"
              spellcheck={false}
            />
          </div>
        ))}
      </div>
      <div id="keys-rich" hidden>
        <label for="keys-text">Public keys, one per line</label>
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
        Of each person who may log in: the line of a <code>.pub</code> file, or{" "}
        <code>github:NAME</code>.
      </p>
      <div id="keys-state" class="state" role="status">
        {warnings.length > 0 && (
          <ul class="warning">{warnings.map((text) => <li key={text}>{text}</li>)}</ul>
        )}
      </div>
    </div>
  );
}

/** The field for a host key that lasts, folded while it is empty. */
function HostKeyField({ typed, problem }: { typed: string; problem?: string }): VNode {
  return (
    <details class="wide" open={typed !== "" || problem !== undefined}>
      <summary>A host key that lasts</summary>
      <div class="field">
        <label for="host-key">Public half of the host key</label>
        <input
          id="host-key"
          name="host-key"
          class="mono"
          value={typed}
          pattern={HOST_KEY_PATTERN}
          title="the public line that agent keygen prints"
          aria-describedby="host-key-hint host-key-state"
          autocomplete="off"
          spellcheck={false}
        />
        <p class="hint" id="host-key-hint">
          Empty: a new key each run. Run <code>./agent keygen</code> once: its secret line goes to
          {" "}
          <code>CONVERGE_HOST_KEY</code>, its public one here.
        </p>
        <div id="host-key-state" class="state" role="status">
          {problem !== undefined && <p class="warning">{problem}</p>}
        </div>
      </div>
    </details>
  );
}

/** The field for the rendez-vous ID. */
function IdField({ typed, problem }: { typed: string; problem?: string }): VNode {
  return (
    <div class="field wide">
      <label for="id">Rendez-vous ID</label>
      <div class="row">
        <input
          id="id"
          name="id"
          class="mono"
          value={typed}
          pattern={ID_PATTERN}
          title="1 to 64 letters, digits, dots, underscores and hyphens, the first a letter or a digit"
          maxLength={64}
          placeholder="random"
          aria-describedby="id-state"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
        />
        <button type="submit" id="new-id" name="new-id" value="1">Generate</button>
      </div>
      <div id="id-state" class="state" role="status">
        {problem !== undefined && <p class="warning">{problem}</p>}
      </div>
    </div>
  );
}

/** The form. Without scripts it is sent by GET; with scripts it answers while you type. */
export function UsageForm(
  { site, choices, typed, publicKeys, idProblem, hostKeyProblem }: UsageFormProps,
): VNode {
  return (
    <form
      id="usage-form"
      method="get"
      action={`${site.base}/usage#commands`}
      data-site={JSON.stringify(site)}
      data-private-key-warning={PRIVATE_KEY_WARNING}
    >
      <h2>1. What you have</h2>
      {/* Enter in a field presses this button. */}
      <button type="submit" hidden>Write the commands</button>
      <fieldset>
        <legend class="visually-hidden">The job and your computer</legend>
        <Select name="ci" label="CI system" value={choices.ci} />
        <Select name="os" label="The job's system" value={choices.os} />
        <Keys typed={typed.keys} publicKeys={publicKeys} />
        <IdField typed={typed.id} problem={idProblem} />
        <Select name="computer" label="Your computer" value={choices.computer} />
        <HostKeyField typed={typed.hostKey} problem={hostKeyProblem} />
      </fieldset>
      <p class="row" id="form-buttons">
        <button type="submit" class="primary" id="write">Write the commands</button>
        <button type="button" id="forget" hidden>Clear the form</button>
        <span class="hint" id="remembered" hidden>
          Saved in this browser only; nothing is sent.
        </span>
      </p>
    </form>
  );
}

function Blocks({ blocks }: { blocks: Block[] }): VNode {
  return <>{blocks.map(({ title, text }) => <Code key={title} title={title}>{text}</Code>)}</>;
}

function Output({ id, blocks, notes }: { id: string; blocks: Block[]; notes: string[] }): VNode {
  return (
    <div id={id}>
      <Blocks blocks={blocks} />
      <ul class="hint notes">{notes.map((note) => <li key={note}>{note}</li>)}</ul>
    </div>
  );
}

/** The commands for the choices; usage_form.js writes the same ones. */
export function Commands({ site, choices }: { site: Site; choices: Choices }): VNode {
  return (
    <section id="commands">
      <h2>2. What to paste</h2>
      <Output
        id="job-output"
        blocks={[jobCommands(site, choices)]}
        notes={jobNotes(site, choices)}
      />
      <Output
        id="local-output"
        blocks={localCommands(site, choices)}
        notes={localNotes(site, choices)}
      />
      <details class="others">
        <summary>Other ways: without setup, by a tunnel, by websocat</summary>
        <div id="other-output">
          <Blocks blocks={otherLocalCommands(site, choices)} />
        </div>
      </details>
    </section>
  );
}
