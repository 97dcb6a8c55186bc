import type { Site } from "../../templates/site.ts";

/** A server behind a reverse proxy, as pages know it. */
export const SITE: Site = {
  http: "https://ci.example/relay",
  ws: "wss://ci.example/relay",
  base: "/relay",
  username: "builder",
  password: false,
  agentToken: false,
  version: "1.2.3",
};
