import { Layout, renderPage } from "./layout.tsx";
import { Commands, UsageForm, type UsageFormProps } from "./usage_form.tsx";

/** The usage page: the form and its commands. */
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
      <p>
        The <a href={`${site.base}/guide`}>guide</a>{" "}
        has more: IDs, other ways to connect, who may log in, and when the agent exits.
      </p>
    </Layout>,
  );
}
