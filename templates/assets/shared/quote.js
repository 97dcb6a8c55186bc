// @ts-check
/**
 * Writes any text so that a shell, YAML or Groovy reads that very text, and CI systems find nothing
 * to expand in it: a `$` never stands before a bracket (`${{ }}`, `$(…)`, `$[[ ]]`).
 *
 * The text is one line without control characters; readPublicKeys() sees to that.
 *
 * @module
 */

/**
 * For sh: bare or in double quotes where that is safe, since it reads best, else in single quotes.
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
 * For PowerShell, as an argument. Its typographic quotes end a string like the plain one, and double
 * like it.
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
 * For cmd in a batch file: the command that prints `text`, to be put after a redirection. echo takes
 * quotes literally, so that every special character needs its own escape.
 *
 * @param {string} text
 * @returns {string}
 */
export function echoCmd(text) {
  const escaped = text.replace(/[\^&|<>()"!]/g, "^$&").replaceAll("%", "%%").replace(
    /\$(?=[{[])/g,
    "$$^",
  );
  // With a space, echo would look for /? and print its help.
  return escaped.includes("/?") ? `echo(${escaped}` : `echo ${escaped}`;
}

/**
 * Moves lines to the right, as the content of a YAML block scalar (`|`) stands.
 *
 * @param {string[]} lines the first one must not begin with a space
 * @param {number} spaces
 * @returns {string[]}
 */
export function indent(lines, spaces) {
  return lines.map((line) => " ".repeat(spaces) + line);
}

/**
 * The inside of a Groovy string in three single quotes.
 *
 * @param {string} text
 * @returns {string}
 */
export function escapeGroovy(text) {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
