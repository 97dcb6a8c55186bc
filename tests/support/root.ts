import { join } from "node:path";

/** The project's directory. */
export const ROOT: string = join(import.meta.dirname!, "..", "..");
