// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Adds a copy button to each block of commands. @module */

/** Read aloud by screen readers. */
const announcer = document.createElement("p");
announcer.className = "visually-hidden";
announcer.setAttribute("aria-live", "polite");
document.body.append(announcer);

/**
 * @param {string} text
 * @param {Element} holder where a field can be added for a moment
 */
async function copyText(text, holder) {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text);
  // Pages over plain http have no clipboard; the older command works there.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  holder.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser does not allow it");
}

/**
 * Creates a button that copies text.
 *
 * @param {string} title what it copies, for screen readers
 * @param {() => string} text
 * @param {string} [label]
 * @returns {HTMLButtonElement}
 */
export function copyButton(title, text, label = "Copy") {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = label;
  button.setAttribute("aria-label", `${label}: ${title}`);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  button.addEventListener("click", async () => {
    try {
      await copyText(text(), button.parentElement ?? document.body);
      button.textContent = "Copied";
      announcer.textContent = `Copied: ${title}`;
    } catch {
      button.textContent = "Failed";
      announcer.textContent = "Copying failed: select the text and copy it";
    }
    button.focus();
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
      announcer.textContent = "";
    }, 2000);
  });
  return button;
}

/**
 * Adds the button to a block of commands.
 *
 * @param {Element} figure
 */
function addButton(figure) {
  const title = figure.querySelector("figcaption")?.textContent ?? "commands";
  figure.append(copyButton(title, () => figure.querySelector("code")?.textContent ?? ""));
}

/**
 * Creates a block of commands with its button, as `Code` of templates/layout.tsx does.
 *
 * @param {string} title
 * @param {string} text
 * @returns {HTMLElement}
 */
export function codeFigure(title, text) {
  const figure = document.createElement("figure");
  figure.className = "code";
  const caption = document.createElement("figcaption");
  caption.textContent = title;
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  const code = document.createElement("code");
  code.textContent = text;
  pre.append(code);
  figure.append(caption, pre);
  addButton(figure);
  return figure;
}

for (const figure of document.querySelectorAll("figure.code")) addButton(figure);
