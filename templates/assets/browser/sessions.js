// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Keeps the table of sessions up to date by server-sent events. @module */

import { loginCommands } from "../shared/login_commands.js";
import { COLUMNS, sessionCells, summary } from "../shared/session_cells.js";
import { copyButton } from "./copy.js";

/** @import { SessionAgent, SessionsView } from "../../../lib/protocol/sessions_api.ts" */

/** How often the times are updated, in milliseconds. */
const TICK_MS = 5_000;

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page lacks #${id}`);
  return found;
}

const table = element("sessions");
const body = table.querySelector("tbody");
const live = element("live");

/** @type {SessionsView | undefined} */
let view;
/** When it arrived, by performance.now(). */
let received = 0;

/**
 * The buttons that copy the ssh command, by ID. They outlive their rows, so that focus stays on them.
 *
 * @type {Map<string, HTMLElement>}
 */
let buttons = new Map();

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function makeButton(id) {
  const { client = "", username = "" } = table.dataset;
  const { ssh } = loginCommands({ username, url: client + id, alias: id });
  return copyButton(id, () => ssh, "Copy ssh");
}

/**
 * @param {SessionAgent} agent
 * @param {number} now
 * @returns {HTMLElement}
 */
function row(agent, now) {
  const line = document.createElement("tr");
  line.setAttribute("role", "row");
  if (!agent.connected) line.className = "away";
  line.append(
    ...sessionCells(agent, now).map((texts, index) => {
      const cell = document.createElement("td");
      cell.setAttribute("role", "cell");
      cell.dataset.name = COLUMNS[index]?.[1];
      cell.append(...texts.map((text) => {
        const span = document.createElement("span");
        span.textContent = text;
        return span;
      }));
      return cell;
    }),
  );
  return line;
}

/** @param {SessionAgent[]} agents as the rows show them */
function addButtons(agents) {
  buttons = new Map(agents.map(({ id }) => [id, buttons.get(id) ?? makeButton(id)]));
  for (const [index, button] of [...buttons.values()].entries()) {
    body?.rows[index]?.cells[0]?.append(button);
  }
}

/** Updates the page. */
function show() {
  if (view === undefined) return;
  const now = view.now + performance.now() - received;
  // New rows would clear the selection of text to copy.
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && selection.containsNode(table, true)) return;
  const focused = document.activeElement;
  body?.replaceChildren(...view.agents.map((agent) => row(agent, now)));
  if (table.dataset.client !== undefined) addButtons(view.agents);
  if (focused instanceof HTMLElement && table.contains(focused)) focused.focus();
  element("summary").textContent = summary(view);
  element("page").textContent = `Page ${view.page} of ${view.pages}`;
  element("previous").hidden = view.page <= 1;
  element("next").hidden = view.page >= view.pages;
  element("pages").hidden = view.pages === 1;
  element("list").hidden = view.matching === 0;
  element("nobody").hidden = view.matching > 0;
}

/**
 * Shows the state of the connection; the same text is not announced twice.
 *
 * @param {string} text
 * @param {boolean} good
 */
function say(text, good) {
  if (live.textContent !== text) live.textContent = text;
  live.classList.toggle("good", good);
}

const events = new EventSource(table.dataset.events ?? "");
events.addEventListener("message", (event) => {
  view = JSON.parse(event.data);
  received = performance.now();
  say("Live", true);
  show();
});
events.addEventListener("error", () => {
  say(
    events.readyState === EventSource.CLOSED
      ? "Not live. Reload to update."
      : "Connection lost. Reconnecting…",
    false,
  );
});
setInterval(show, TICK_MS);
