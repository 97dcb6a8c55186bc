// @ts-check
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** Gives each block of commands a button that copies it. @module */

/** Says things to screen readers. */
const announcer = document.createElement("p");
announcer.className = "visually-hidden";
announcer.setAttribute("aria-live", "polite");
document.body.append(announcer);

/**
 * @param {string} text
 * @param {HTMLElement} holder where a field may be put for a moment
 */
async function copy(text, holder) {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text);
  // Pages over plain http have no clipboard, but the old command works there.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "visually-hidden";
  holder.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser does not allow it");
}

for (const figure of document.querySelectorAll("figure.code")) {
  const code = figure.querySelector("code");
  if (!(figure instanceof HTMLElement) || code === null) continue;
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
      await copy(code.textContent ?? "", figure);
      button.textContent = "Copied";
      announcer.textContent = `Copied: ${title}`;
    } catch {
      button.textContent = "Failed";
      announcer.textContent = "Copying failed: select the text and copy it yourself";
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
