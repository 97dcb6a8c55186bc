/**
 * The URL of the thread's module. A bundle, which is one file, replaces this module by one with a
 * `data:` URL of the bundled thread.ts.
 */
export const threadUrl = new URL("./thread.ts", import.meta.url).href;
