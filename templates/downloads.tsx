import type { VNode } from "preact";
import { quotePowerShell, quoteSh } from "./assets/shared/quote.js";
import { formatBytes } from "./assets/shared/format.js";
import type { System } from "./assets/shared/choices.js";
import { Code, Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** A file that can be downloaded. */
export interface Download {
  /** For instance `agent.exe`. */
  name: string;
  program: "agent" | "wsproxy" | "tunnel" | "server";
  /** What it runs on, for people. */
  platform: string;
  /** Which commands download and check it; `deno` and `node` are scripts for any system. */
  system: "linux" | "darwin" | "windows" | "deno" | "node";
  /** The file, or a sentence on why it is missing. */
  file: string | {
    /** In bytes. */
    size: number;
    /** What is sent to clients that accept compression, in bytes. */
    compressedSize?: number;
    /** In hexadecimal digits. */
    sha256: string;
  };
}

/** What the downloads page shows. */
export interface DownloadsProps {
  site: Site;
  downloads: Download[];
  /** The visitor's computer, whose downloads come first. */
  computer: System;
}

/** The commands that download a file and check its SHA-256. */
function commands(site: Site, { name, program, system }: Download, sha256: string): string {
  const url = `${site.http}/static/${name}`;
  if (system === "windows") {
    return [
      `curl.exe -fsSL -o ${name} ${quotePowerShell(url)}`,
      `(Get-FileHash ${name}).Hash -eq "${sha256}"`,
    ].join("\n");
  }
  const target = system === "deno" || system === "node" ? name : program;
  const check = system === "darwin" ? "shasum -a 256 --check" : "sha256sum --check";
  const permissions = program === "agent" ? "-A" : "-N -E";
  const use = {
    deno: `deno run ${permissions} ${name}`,
    node: `npm install -g ./${name}`,
  }[system as string];
  return [
    `curl -fsSL -o ${target} ${quoteSh(url)}`,
    `echo "${sha256}  ${target}" | ${check}`,
    use ?? `chmod 755 ${target}`,
  ].join("\n");
}

/** One line for a file, with its checksum and commands folded. */
function Item({ site, download }: { site: Site; download: Download }): VNode {
  const { name, platform, system, file } = download;
  if (typeof file === "string") {
    return (
      <div class="download muted">
        <span class="mono">{name}</span>
        <span>{platform}</span>
        <span>{file}</span>
      </div>
    );
  }
  return (
    <div class="download">
      <a href={`${site.base}/static/${name}`} download={name}>{name}</a>
      <span>{platform}</span>
      <span class="muted">
        {formatBytes(file.size)}
        {file.compressedSize !== undefined && `, ${formatBytes(file.compressedSize)} compressed`}
      </span>
      <details>
        <summary aria-label={`Commands for ${name}`}>Commands</summary>
        <Code
          title={system === "windows"
            ? "Download and check it in PowerShell; prints True"
            : "Download and check it"}
        >
          {commands(site, download, file.sha256)}
        </Code>
      </details>
    </div>
  );
}

/** Whether a file is an executable for this system. */
function isFor({ name, program }: Download, computer: System): boolean {
  const suffix = { linux: "", windows: ".exe" }[computer as string] ?? `-${computer}`;
  return name === program + suffix;
}

/** The downloads page. */
export function downloadsPage({ site, downloads, computer }: DownloadsProps): string {
  const items = (chosen: Download[]) =>
    chosen.map((download) => <Item key={download.name} site={site} download={download} />);
  const isAgent = ({ program }: Download) => program === "agent";
  const isScript = ({ system }: Download) => system === "deno" || system === "node";
  const isClient = ({ program }: Download) => program === "wsproxy" || program === "tunnel";
  const own = downloads.filter((download) => isClient(download) && isFor(download, computer));
  const agents = downloads.filter((download) => isAgent(download) && !isScript(download));
  const rest = downloads.filter((download) =>
    !own.includes(download) && !agents.includes(download)
  );
  return renderPage(
    <Layout
      site={site}
      title="Downloads"
      current="/downloads"
      styles={["downloads"]}
      scripts={["copy"]}
      lead="Each program is one file. The executables need nothing else installed."
    >
      {own.length > 0 && (
        <section>
          <h2 id="computer">For your computer</h2>
          <p>ssh calls wsproxy to reach the agent; tunnel forwards a local port to it.</p>
          {computer !== "windows" && (
            <Code title="Download wsproxy, check it, and put it on your PATH">
              {`curl -fsSL ${quoteSh(`${site.http}/install.sh`)} | sh`}
            </Code>
          )}
          {items(own)}
        </section>
      )}
      <section>
        <h2 id="job">For the job</h2>
        <p>The agent is the SSH server that you log in to.</p>
        {items(agents)}
      </section>
      <details class="others">
        <summary>
          <h2 id="others">Other systems, scripts for Deno and Node, and the server</h2>
        </summary>
        {items(rest)}
      </details>
      {downloads.some(({ file }) => typeof file !== "string") && (
        <p class="muted">
          All checksums in one file: <a href={`${site.base}/static/SHA256SUMS`}>SHA256SUMS</a>.
        </p>
      )}
    </Layout>,
  );
}
