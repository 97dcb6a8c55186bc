import { Layout, renderPage } from "./layout.tsx";
import type { Site } from "./site.ts";

/** What the error page shows. */
export interface ErrorProps {
  site: Site;
  /** The HTTP status. */
  status: number;
  /** The heading, for instance `No such page`. */
  title: string;
  /** What it means and what to do. */
  text: string;
}

/** The page of an error. */
export function errorPage({ site, status, title, text }: ErrorProps): string {
  return renderPage(
    <Layout site={site} title={title} lead={text}>
      <p class="muted">HTTP status {status}</p>
      <p>
        <a href={`${site.base}/usage`}>How to use Converge</a>
      </p>
    </Layout>,
  );
}
