import type { ComponentChildren, VNode } from "preact";
import { render } from "preact-render-to-string";
import type { Site } from "./site.ts";

/** The pages of the navigation: path below the base path and name. */
const NAVIGATION = [
  ["/", "About"],
  ["/usage", "Usage"],
  ["/guide", "Guide"],
  ["/downloads", "Downloads"],
  ["/sessions", "Sessions"],
] as const;

/** A page and what {@link Layout} needs to know about it. */
export interface LayoutProps {
  site: Site;
  /** The page's heading and window title. */
  title: string;
  /** One sentence below the heading. */
  lead?: ComponentChildren;
  /** The page's path, if the navigation has it. */
  current?: typeof NAVIGATION[number][0];
  /** Further stylesheets in templates/assets/browser, without `.css`. */
  styles?: string[];
  /** Scripts in templates/assets/browser, without `.js`. */
  scripts?: string[];
  children: ComponentChildren;
}

/** The logo: two lines that meet and continue as one. */
function Mark(): VNode {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <path d="M3 6c9 0 8 10 17 10h9M3 26c9 0 8-10 17-10" />
      <circle cx="20" cy="16" r="3.5" />
    </svg>
  );
}

/** A whole page: head, header with navigation, content, footer. */
export function Layout(
  { site, title, lead, current, styles = [], scripts = [], children }: LayoutProps,
): VNode {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Converge`}</title>
        <link rel="icon" href={`${site.base}/static/browser/icon.svg`} type="image/svg+xml" />
        {["style", "components", ...styles].map((name) => (
          <link key={name} rel="stylesheet" href={`${site.base}/static/browser/${name}.css`} />
        ))}
        {scripts.map((name) => (
          <script key={name} type="module" src={`${site.base}/static/browser/${name}.js`} />
        ))}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <div class="bar">
            <a class="brand" href={`${site.base}/`}>
              <Mark />
              Converge
            </a>
            <nav aria-label="Pages">
              <ul>
                {NAVIGATION.map(([path, name]) => (
                  <li key={path}>
                    <a
                      href={`${site.base}${path}`}
                      aria-current={path === current ? "page" : undefined}
                    >
                      {name}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
          </div>
        </header>
        <main id="main" tabIndex={-1}>
          <h1>{title}</h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
          {children}
        </main>
        <footer>
          <p>Converge {site.version} at {site.http}</p>
        </footer>
      </body>
    </html>
  );
}

/** Commands to copy. The block scrolls, so the keyboard must be able to reach it. */
export function Code({ title, children }: { title?: string; children: string }): VNode {
  return (
    <figure class="code">
      {title !== undefined && <figcaption>{title}</figcaption>}
      <pre tabIndex={0}><code>{children}</code></pre>
    </figure>
  );
}

/** Renders a page as HTML. */
export function renderPage(page: VNode): string {
  return `<!doctype html>\n${render(page)}\n`;
}
