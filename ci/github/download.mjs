// @ts-check
/** Downloads the agent from a server, whatever certificate that has. @module */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import tls from "node:tls";

/** How many redirects are followed. */
const MAX_REDIRECTS = 5;

/** The name of the agent on the server for this runner, or the container that the job runs in. */
function downloadName() {
  const { platform, arch } = process;
  const suffixes = {
    "linux-x64": "",
    "linux-arm64": "-linux-arm64",
    "win32-x64": ".exe",
    // Windows on ARM runs programs for x64.
    "win32-arm64": ".exe",
    "darwin-arm64": "-darwin-arm64",
    "darwin-x64": "-darwin-x64",
  };
  const suffix = Object.entries(suffixes).find(([name]) => name === `${platform}-${arch}`)?.[1];
  if (suffix === undefined) throw new Error(`there is no agent for ${platform} on ${arch}`);
  return `agent${suffix}`;
}

/**
 * The address of a server for http; without a scheme as the agent reads it, http for this machine
 * and https for others.
 *
 * @param {string} server
 * @returns {string} without a trailing slash
 */
function httpAddress(server) {
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])([:/]|$)/i.test(server);
  const url = /^\w+:\/\//.test(server) ? server : `http${isLocal ? "" : "s"}://${server}`;
  return url.replace(/^ws/i, "http").replace(/\/+$/, "");
}

/**
 * @param {string} url
 * @param {string[] | undefined} ca certificates to trust, in PEM; undefined: as always
 * @param {number} [redirects] how many more are followed
 * @returns {Promise<Uint8Array>}
 */
function get(url, ca, redirects = MAX_REDIRECTS) {
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ reason) =>
      reject(new Error(`cannot get ${url}: ${reason}`));
    const request = url.startsWith("https:") ? https.get(url, { ca }) : http.get(url);
    request.on("error", (error) => fail(error.message));
    request.on("response", (response) => {
      const { statusCode = 0, statusMessage, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.resume();
        if (redirects === 0) return fail("too many redirects");
        return resolve(get(new URL(headers.location, url).href, ca, redirects - 1));
      }
      /** @type {Uint8Array[]} */
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", (error) => fail(error.message));
      response.on("end", () => {
        if (statusCode !== 200) return fail(`${statusCode} ${statusMessage}`);
        resolve(Buffer.concat(chunks));
      });
    });
  });
}

/**
 * Downloads the agent and compares its checksum with the one that the server lists.
 *
 * @param {string} server its address
 * @param {{ path: string, caFile?: string }} options the file to write, and certificates to trust
 */
export async function download(server, { path, caFile }) {
  let ca;
  if (caFile !== undefined) {
    let more;
    try {
      more = readFileSync(caFile, "utf8");
    } catch (error) {
      throw new Error(`cannot use the input ca-file: ${/** @type {Error} */ (error).message}`);
    }
    ca = [...tls.rootCertificates, more];
  }
  const base = `${httpAddress(server)}/static`;
  const name = downloadName();
  const sums = new TextDecoder().decode(await get(`${base}/SHA256SUMS`, ca));
  const [sum] = sums.split("\n").map((line) => line.split(/ [ *]/))
    .find(([, listed]) => listed === name) ?? [];
  if (sum === undefined) throw new Error(`${server} has no ${name}`);
  const bytes = await get(`${base}/${name}`, ca);
  if (createHash("sha256").update(bytes).digest("hex") !== sum) {
    throw new Error(`the ${name} of ${server} does not have the checksum that it lists`);
  }
  writeFileSync(path, bytes, { mode: 0o755 });
}
