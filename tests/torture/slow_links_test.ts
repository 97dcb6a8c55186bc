import { requires } from "../support/requires.ts";
import { slowLinkMissing } from "../support/slow_link.ts";
import { slowLinks } from "./slow_links.ts";

const missing = await slowLinkMissing();
if (missing !== undefined) console.log(`skipped: slow links (${missing})`);

for (const client of ["down, ssh, 30 channels", "up, ssh, 30 channels", "down, plink"]) {
  requires("ssh", "plink", "ip")({
    name: `over 1 MB/s every byte arrives, and little is before a shell's echo: ${client}`,
    ignore: missing !== undefined,
    fn: () => slowLinks(client, "1 MB/s", "10"),
  });
}
