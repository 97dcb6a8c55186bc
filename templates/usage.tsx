import { Layout, renderPage } from "./layout.tsx";
import { Commands, UsageForm, type UsageFormProps } from "./usage_form.tsx";
import { Guide } from "./usage_guide.tsx";

/** The sections of the guide: id and name. */
const SECTIONS = [
  ["agent", "The agent"],
  ["rendezvous-id", "The ID"],
  ["wsproxy", "wsproxy"],
  ["tunnel", "Tunnel"],
  ["jump", "ssh -J"],
  ["login", "Login"],
  ["lifetime", "Exit"],
];

/** The usage page: the form, its commands, and the guide. */
export function usagePage(props: UsageFormProps): string {
  const { site, choices } = props;
  return renderPage(
    <Layout
      site={site}
      title="Usage"
      current="/usage"
      styles={["forms"]}
      scripts={["copy", "usage_form"]}
    >
      <div class="steps">
        <UsageForm {...props} />
        <Commands site={site} choices={choices} />
      </div>
      <nav class="contents" aria-label="Guide">
        <h2>Guide</h2>
        <ul>
          {SECTIONS.filter(([id]) => id !== "jump" || site.jump).map(([id, name]) => (
            <li key={id}>
              <a href={`#${id}`}>{name}</a>
            </li>
          ))}
        </ul>
      </nav>
      <Guide site={site} />
    </Layout>,
  );
}
