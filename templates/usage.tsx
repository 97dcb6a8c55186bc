import { Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";
import { Guide } from "./usage_guide.tsx";

/** What the usage page shows. */
export interface UsageProps {
  site: Site;
}

/** The usage page. */
export function usagePage({ site }: UsageProps): string {
  return renderPage(
    <Layout
      site={site}
      title="Usage"
      current="/usage"
      scripts={["copy"]}
      lead="Start the agent in the job, then reach it with ssh or sftp from your own computer."
    >
      <Guide site={site} />
    </Layout>,
  );
}
