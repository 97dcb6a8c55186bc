/** The response for a file that is missing, or not built yet. */
import type { BuildState } from "../../dist/build_state.ts";
import { withoutControlCharacters } from "../../text/control_characters.ts";
import { artifacts, TARGETS } from "../../dist/targets.ts";

/** When to try again while the build runs, in seconds. */
const RETRY_AFTER = 15;

/**
 * Says why the file `name` is missing, in a body that is an sh script: people type
 * `curl … > agent; ./agent`, and then read it on their terminal.
 */
export function missingFile(name: string, state?: BuildState): Response {
  const built = name.replace(/\.(gz|zst)$/, "");
  if (state?.names.has(built) && state.status !== "ready") {
    const reason = state.status === "building"
      ? `still being built: try again in ${RETRY_AFTER} seconds`
      : `cannot be built: ${state.reason}`;
    return script(503, name, reason, { "retry-after": `${RETRY_AFTER}` });
  }
  const artifact = artifacts(TARGETS).find((artifact) => artifact.name === built);
  if (artifact === undefined) {
    const systems = TARGETS.flatMap(({ uname }) => uname ?? []).join(", ");
    const reason = /^[a-z]+-[A-Z]/.test(name)
      ? `there is no executable for this system, only for ${systems}`
      : "no such file on this server";
    return script(404, name, reason);
  }
  const how = ["deno task build", ...artifact.target ? [artifact.target.name] : []].join(" ");
  return script(404, name, `not on this server: its operator can build it with "${how}"`);
}

function script(status: number, name: string, reason: string, headers?: HeadersInit): Response {
  const quoted = withoutControlCharacters(`${name}: ${reason}`).replaceAll("'", `'\\''`);
  const body = `#!/bin/sh\n# HTTP status ${status}\nprintf '%s\\n' '${quoted}' >&2\nexit 1\n`;
  const response = new Response(body, { status, headers });
  response.headers.set("content-type", "text/plain; charset=utf-8");
  return response;
}
