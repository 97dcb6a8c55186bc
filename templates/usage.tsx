import { Layout, renderPage } from "./layout.tsx";
import { Commands, UsageForm, type UsageFormProps } from "./usage_form.tsx";
import { Guide } from "./usage_guide.tsx";

/** The page's sections: id and name. */
const SECTIONS = [
  ["commands", "Your commands"],
  ["agent", "The agent"],
  ["rendezvous-id", "The ID"],
  ["wsproxy", "wsproxy"],
  ["tunnel", "Tunnel"],
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
      lead="Start the agent in the job, then log in with ssh or sftp from your computer."
    >
      <nav class="contents" aria-label="On this page">
        <ul>
          {SECTIONS.map(([id, name]) => (
            <li key={id}>
              <a href={`#${id}`}>{name}</a>
            </li>
          ))}
        </ul>
      </nav>
      <UsageForm {...props} />
      <Commands site={site} choices={choices} />
      <Guide site={site} />
    </Layout>,
  );
}
