// @ts-check
/**
 * Quotes text for shells, YAML and Groovy, so that CI systems expand nothing in it: no `$` comes
 * before a bracket (`${{ }}`, `$(…)`, `$[[ ]]`).
 *
 * The text is one line without control characters, as readPublicKeys() returns it.
 *
 * @module
 */

/**
 * For sh: bare or in double quotes where that is safe, which reads best, else in single quotes.
 *
 * @param {string} text
 * @returns {string}
 */
export function quoteSh(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/^[\w@%+=:,./ -]+$/.test(text)) return `"${text}"`;
  return `'${text.replaceAll("'", "'\\''").replace(/\$(?=[{([])/g, "$$''")}'`;
}

/**
 * For PowerShell, as an argument. Typographic quotes end a string as the plain quote does, and are
 * doubled like it.
 *
 * @param {string} text
 * @returns {string}
 */
export function quotePowerShell(text) {
  if (/^[\w:/\\.][\w@+:/\\.-]*$/.test(text)) return text;
  const quoted = `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
  const split = quoted.replace(/\$(?=[{([])/g, "$$' + '");
  return split === quoted ? quoted : `(${split})`;
}

/**
 * For cmd in a batch file, as an argument of a program: in quotes, with `%` doubled.
 *
 * @param {string} text without double quotes, as URLs, IDs and names are
 * @returns {string}
 */
export function quoteCmd(text) {
  if (/^[\w@+:/\\.-]+$/.test(text)) return text;
  return `"${text.replaceAll("%", "%%").replaceAll('"', "")}"`;
}

/**
 * For cmd in a batch file: the command that prints `text`, for use after a redirection. echo prints
 * quotes too, so each special character needs an escape of its own.
 *
 * @param {string} text
 * @returns {string}
 */
export function echoCmd(text) {
  const escaped = text.replace(/[\^&|<>()"!]/g, "^$&").replaceAll("%", "%%").replace(
    /\$(?=[{[])/g,
    "$$^",
  );
  // After a space, echo would take /? as an option and print its help.
  return escaped.includes("/?") ? `echo(${escaped}` : `echo ${escaped}`;
}

/**
 * Indents lines, as the content of a YAML block scalar (`|`).
 *
 * @param {string[]} lines of which the first does not begin with a space
 * @param {number} spaces
 * @returns {string[]}
 */
export function indent(lines, spaces) {
  return lines.map((line) => " ".repeat(spaces) + line);
}

/**
 * For Groovy, inside a string in three single quotes.
 *
 * @param {string} text
 * @returns {string}
 */
export function escapeGroovy(text) {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
