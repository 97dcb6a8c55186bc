// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The usage form: updates the commands while you type and saves the entries. Sends nothing. @module */

import { makeChoices, OPTIONS, systemsOf } from "../shared/choices.js";
import { codeFigure } from "./copy.js";
import { jobCommands } from "../shared/job_commands.js";
import { jobNotes } from "../shared/job_notes.js";
import { localCommands, localNotes, otherLocalCommands } from "../shared/local_commands.js";
import { readHostKey, readPublicKeys } from "../shared/public_keys.js";
import { isRendezvousId, makeRendezvousId } from "../shared/rendezvous_id.js";

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page lacks #${id}`);
  return found;
}

const form = element("usage-form", HTMLFormElement);
const keysText = element("keys-text", HTMLTextAreaElement);
const keysState = element("keys-state", HTMLElement);
const idInput = element("id", HTMLInputElement);
const idState = element("id-state", HTMLElement);
const hostKeyInput = element("host-key", HTMLInputElement);
const hostKeyState = element("host-key-state", HTMLElement);
const { privateKeyWarning = "" } = form.dataset;
/** @type {import("../../site.ts").Site} */
const site = JSON.parse(form.dataset.site ?? "");
const MEMORY = `converge.usage ${site.http}`;
const selects = /** @type {(keyof typeof OPTIONS)[]} */ (Object.keys(OPTIONS)).map((name) =>
  element(name, HTMLSelectElement)
);

/**
 * @param {HTMLElement} place
 * @param {string} className
 * @param {string[]} sentences
 */
function say(place, className, sentences) {
  const list = document.createElement("ul");
  list.className = className;
  list.append(...sentences.map((sentence) => {
    const item = document.createElement("li");
    item.textContent = sentence;
    return item;
  }));
  // Screen readers would read the same text again at each key.
  if (place.textContent !== list.textContent) {
    place.replaceChildren(...(sentences.length > 0 ? [list] : []));
  }
}

/**
 * @param {string} id
 * @param {import("../shared/job_commands.js").Block[]} blocks
 * @param {string[]} [notes]
 */
function show(id, blocks, notes = []) {
  const list = document.createElement("div");
  say(list, "hint notes", notes);
  element(id, HTMLElement).replaceChildren(
    ...blocks.map(({ title, text }) => codeFigure(title, text)),
    ...list.children,
  );
}

/** Whether a private key was removed from the field, and nothing typed since. */
let refused = false;

/** The same for the host key. */
let hostKeyRefused = false;

/** Reads the form, updates the commands, saves what is valid. */
function update() {
  const { keys, problems, secret } = readPublicKeys(keysText.value);
  if (secret) {
    keysText.value = "";
    refused = true;
  }
  const warnings = refused ? [privateKeyWarning] : problems;
  const count = keys.length === 1 ? "1 key." : `${keys.length} keys.`;
  if (warnings.length > 0) say(keysState, "warning", warnings);
  else say(keysState, "hint", keys.length > 0 ? [count] : []);
  keysText.setAttribute("aria-invalid", String(warnings.length > 0));

  const id = idInput.value.trim();
  const idFits = id === "" || isRendezvousId(id);
  say(idState, "warning", idFits ? [] : [`Invalid ID. Use ${idInput.title}.`]);
  idInput.setAttribute("aria-invalid", String(!idFits));

  const host = readHostKey(hostKeyInput.value);
  if (host.secret) hostKeyInput.value = "";
  hostKeyRefused = host.secret || hostKeyRefused && hostKeyInput.value === "";
  const hostKeyProblem = hostKeyRefused ? privateKeyWarning : host.problem;
  say(hostKeyState, "warning", hostKeyProblem === undefined ? [] : [hostKeyProblem]);
  hostKeyInput.setAttribute("aria-invalid", String(hostKeyProblem !== undefined));

  const raw = Object.fromEntries(selects.map((select) => [select.name, select.value]));
  const choices = makeChoices(raw, keys, idFits ? id : "", host.hostKey);
  const systems = systemsOf(choices.ci);
  for (const option of element("os", HTMLSelectElement).options) {
    option.disabled = !systems.some((os) => os === option.value);
  }
  show("job-output", [jobCommands(site, choices)], jobNotes(site, choices));
  show("local-output", localCommands(site, choices), localNotes(site, choices));
  show("other-output", otherLocalCommands(site, choices));
  try {
    localStorage.setItem(
      MEMORY,
      JSON.stringify({ ...raw, id: choices.id, hostKey: host.hostKey, keys }),
    );
  } catch {
    // The browser allows no storage; the page works without.
  }
}

/** Fills in the saved entries. */
function recall() {
  try {
    const memory = JSON.parse(localStorage.getItem(MEMORY) ?? "{}");
    for (const select of selects) {
      const known = [...select.options].some((option) => option.value === memory[select.name]);
      if (known) select.value = memory[select.name];
    }
    if (typeof memory.id === "string") idInput.value = memory.id;
    if (typeof memory.hostKey === "string") hostKeyInput.value = memory.hostKey;
    if (Array.isArray(memory.keys)) keysText.value = memory.keys.join("\n");
  } catch {
    // The saved entries cannot be read.
  }
}

const plain = element("keys-plain", HTMLElement);
keysText.value = [...plain.querySelectorAll("input")].map((input) => input.value)
  .filter((value) => value !== "").join("\n");
plain.remove();
for (const id of ["keys-rich", "forget", "remembered"]) element(id, HTMLElement).hidden = false;
element("write", HTMLElement).hidden = true;

form.addEventListener("input", ({ target }) => {
  if (target === keysText && keysText.value.trim() !== "") refused = false;
  update();
});
form.addEventListener("submit", (event) => event.preventDefault());
const newId = element("new-id", HTMLButtonElement);
newId.type = "button";
newId.addEventListener("click", () => {
  idInput.value = makeRendezvousId();
  update();
});
element("forget", HTMLButtonElement).addEventListener("click", () => {
  keysText.value = "";
  refused = hostKeyRefused = false;
  idInput.value = hostKeyInput.value = "";
  for (const select of selects) {
    const first = [...select.options].findIndex((option) => option.defaultSelected);
    select.selectedIndex = Math.max(0, first);
  }
  update();
  localStorage.removeItem(MEMORY);
  keysText.focus();
});

if (location.search === "") recall();
update();
// What was typed before is not to be hidden.
const fold = hostKeyInput.closest("details");
if (fold !== null && hostKeyInput.value !== "") fold.open = true;
