import type { Log } from "../../log/log.ts";
import type { RepeatedLines } from "../../log/repeated_lines.ts";
import { networkOf } from "../../text/ip_address.ts";
import type { ServerEvent } from "../rendezvous/types.ts";

/**
 * Logs the events of the rendez-vous.
 *
 * @param repeated what of them strangers can cause as often as they like
 */
export function logEvents(log: Log, repeated: RepeatedLines): (event: ServerEvent) => void {
  return (event) => {
    switch (event.type) {
      case "registered": {
        const { id, address, version, facts } = event.agent;
        const asked = event.asked === id ? undefined : event.asked;
        const { host, user, os } = facts;
        const what = event.resumed ? "agent back" : "agent registered";
        return log.info(what, { id, asked, address, version, host, user, os });
      }
      case "lost":
        return log.warn("agent lost", { id: event.id });
      case "unregistered":
        return log.info("agent gone", { id: event.id, reason: event.reason });
      case "waiting":
        return log.debug("client waits", { id: event.id, address: event.address });
      case "paired": {
        const { key, address } = event.client;
        const resumable = event.client.resumable || undefined;
        return log.info("client paired", { id: event.id, client: key, address, resumable });
      }
      case "unpaired": {
        const { key, toAgent, toClient } = event.client;
        const { end: { label, reason }, durationMs } = event;
        const fields = { id: event.id, client: key, label, reason, toAgent, toClient, durationMs };
        return label === "closed"
          ? log.info("client gone", fields)
          : log.warn("client cut off", fields);
      }
      case "dropped": {
        const { peer, label, reason } = event;
        const address = peer.replace(/:\d+$/, "");
        return repeated.warn(`${label} ${address}`, "connection dropped", { address, label }, {
          peer,
          reason,
        });
      }
      case "refused": {
        const { who, id, address, refusal: { label, reason } } = event;
        const what = `${who} refused`;
        // Each agent tries again until the next server is up.
        if (label === "draining") return log.debug(what, { id, address, label, reason });
        const kind = `${label} ${networkOf(address)}`;
        return repeated.warn(kind, what, { address, label }, { id, reason });
      }
    }
  };
}
