import config from "../../deno.json" with { type: "json" };

/** The version of all four programs, from deno.json. */
export const VERSION: string = config.version;
