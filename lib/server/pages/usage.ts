import {
  type CiSystem,
  type Computer,
  makeChoices,
} from "../../../templates/assets/shared/choices.js";
import { readHostKey, readPublicKeys } from "../../../templates/assets/shared/public_keys.js";
import type { Site } from "../../../templates/site.ts";
import { usagePage } from "../../../templates/usage.tsx";
import { PRIVATE_KEY_WARNING } from "../../../templates/usage_form.tsx";
import { isRendezvousId, RENDEZVOUS_ID_RULE } from "../../protocol/names.ts";

/** How many keys are read: a URL can hold thousands, and each becomes a field. */
const MAX_KEYS = 100;

/**
 * The usage page for a form sent by GET; all fields are optional.
 *
 * @param visitor the defaults: the visitor's computer, and the CI system that they come from
 */
export function usageFromForm(
  site: Site,
  form: URLSearchParams,
  visitor: { computer: Computer; ci?: CiSystem },
): string {
  const typedKeys = form.getAll("key").filter((key) => key.trim() !== "").slice(0, MAX_KEYS);
  const publicKeys = readPublicKeys(typedKeys.join("\n"));
  const id = form.get("id")?.trim().slice(0, 100) ?? "";
  const typedHostKey = form.get("host-key")?.trim().slice(0, 1_000) ?? "";
  const { hostKey, problem, secret } = readHostKey(typedHostKey);
  const fits = id === "" || isRendezvousId(id);
  return usagePage({
    site,
    publicKeys,
    typed: {
      keys: publicKeys.secret ? [] : typedKeys,
      id,
      hostKey: secret ? "" : typedHostKey,
    },
    hostKeyProblem: secret ? PRIVATE_KEY_WARNING : problem,
    choices: makeChoices(
      { ...visitor, ...Object.fromEntries(form) },
      publicKeys.keys,
      fits ? id : "",
      hostKey,
    ),
    idProblem: fits ? undefined : `Invalid ID. Use ${RENDEZVOUS_ID_RULE}.`,
  });
}
