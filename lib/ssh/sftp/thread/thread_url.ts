/**
 * Where the thread's module is. It is loaded by its address, so a bundle, which is one file, puts a
 * module with a `data:` URL of the bundled thread.ts in the place of this one.
 */
export const threadUrl = new URL("./thread.ts", import.meta.url).href;
