import { join } from "node:path";

/** The directory of styles and scripts, to be served below `/static/`. */
export const ASSETS_DIR: string = join(import.meta.dirname!, "../../../templates/assets");
