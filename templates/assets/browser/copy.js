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
async function copy(text, holder) {
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
 * Adds the button to a block of commands.
 *
 * @param {Element} figure
 */
function addButton(figure) {
  const code = figure.querySelector("code");
  const title = figure.querySelector("figcaption")?.textContent ?? "commands";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${title}`);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  button.addEventListener("click", async () => {
    try {
      await copy(code?.textContent ?? "", figure);
      button.textContent = "Copied";
      announcer.textContent = `Copied: ${title}`;
    } catch {
      button.textContent = "Failed";
      announcer.textContent = "Copying failed: select the text and copy it";
    }
    button.focus();
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = "Copy";
      announcer.textContent = "";
    }, 2000);
  });
  figure.append(button);
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
