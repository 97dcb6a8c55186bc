/** How other people's clients move a file from or to a job, each as one command line of bash. */
import { writeSshConfig } from "../../support/clients.ts";
import { ROOT } from "../../support/root.ts";
import type { SlowLink } from "../../support/slow_link.ts";
import type { Announced, World } from "../../support/world.ts";

/** Where things are, for one client and one way through the network. */
export interface Route {
  world: World;
  link: SlowLink;
  /** Of the link, in bytes a second. */
  rate: number;
  agent: Announced;
  /** The server as clients reach it. */
  url: string;
  /** The port of a tunnel to the agent. */
  tunnelPort: number;
  /** A port of the job that gives the file to each connection. */
  filePort: number;
  /** PuTTY's private key. */
  ppk: string;
  /** A directory for this client's files. */
  dir: string;
  /** The file in the job. */
  far: string;
  /** The file here. */
  near: string;
}

/** The command line of a transfer; `got`, `put`: the name of what it makes, here or there. */
export type Transfer = (route: Route, got: string) => string;

/** How many channels of one connection the transfers of `30 channels` have. */
export const CHANNELS = 30;

/** An ssh config for the route, `job` being the host. */
export function sshConfig({ world, agent, url }: Route, more: string[] = []): string {
  return writeSshConfig(world, agent, [
    ...more,
    `ProxyCommand ${world.proxyCommand(agent.id, url)}`,
  ]);
}

function putty({ world, agent, url, ppk }: Route): string {
  return [
    `-batch -noagent -i ${ppk} -hostkey ${agent.fingerprint} -l ${agent.username}`,
    `-proxycmd '${world.proxyCommand(agent.id, url)}'`,
  ].join(" ");
}

function python(library: string, direction: "get" | "put", route: Route, from: string, to: string) {
  const { world, agent, url } = route;
  const settings = {
    ...{ username: agent.username, hostKey: agent.hostKey, key: world.key, from, to },
    proxyCommand: world.proxyCommand(agent.id, url),
  };
  const script = `${ROOT}/tests/torture/slow_links/transfer.py`;
  return `/usr/bin/python3 -W ignore ${script} ${library} ${direction} '${
    JSON.stringify(settings)
  }'`;
}

/** The options of ssh with which the shell beside a transfer opens its connection to others. */
export function masterOptions(route: Route): string[] {
  return ["-F", sshConfig(route), "-S", `${route.dir}/master`];
}

/** All channels in the connection of the shell beside, each with a part of the file, number `$i`. */
function channels(route: Route, each: string): string {
  const ssh = `ssh ${masterOptions(route).join(" ")}`;
  return `for i in $(seq ${CHANNELS}); do ${each.replaceAll("SSH", ssh)} & pids="$pids $!"; done
    for pid in $pids; do wait $pid || failed=1; done
    [ -z "$failed" ]`;
}

const rclone = ({ agent, world, tunnelPort }: Route) =>
  `rclone --config /dev/null --sftp-host 127.0.0.1 --sftp-port ${tunnelPort} --retries 1 ` +
  `--sftp-user ${agent.username} --sftp-key-file ${world.key} --sftp-disable-hashcheck`;

const lftp = (route: Route, commands: string) =>
  `lftp -c 'set sftp:connect-program "ssh -a -x -F ${sshConfig(route)}"; set net:max-retries 1
    open sftp://${route.agent.username}:@job; ${commands}'`;

/** From the job. */
export const DOWNLOADS: Record<string, Transfer> = {
  ssh: (route, got) => `ssh -F ${sshConfig(route)} job 'cat ${route.far}' >${got}`,
  [`ssh, ${CHANNELS} channels`]: (route, got) =>
    channels(route, `SSH job 'split -n '$i'/${CHANNELS} ${route.far}' >${got}.$i`) +
    ` && cat $(seq -f ${got}.%g ${CHANNELS}) >${got}`,
  "ssh -L": (route, got) =>
    `ssh -F ${sshConfig(route)} -W 127.0.0.1:${route.filePort} job </dev/null >${got}`,
  plink: (route, got) => `plink ${putty(route)} job 'cat ${route.far}' >${got}`,
  psftp: (route, got) =>
    `psftp ${putty(route)} -b <(echo "get ${route.far} ${got}") job >/dev/null`,
  Paramiko: (route, got) => python("paramiko", "get", route, route.far, got),
  AsyncSSH: (route, got) => python("asyncssh", "get", route, route.far, got),
  lftp: (route, got) => lftp(route, `get ${route.far} -o ${got}`),
  rclone: (route, got) => `${rclone(route)} copyto :sftp:${route.far} ${got}`,
};

/** To the job. */
export const UPLOADS: Record<string, Transfer> = {
  ssh: (route, put) => `ssh -F ${sshConfig(route)} job 'cat >${put}' <${route.near}`,
  [`ssh, ${CHANNELS} channels`]: (route, put) =>
    channels(
      route,
      `split -n $i/${CHANNELS} ${route.near} | SSH job 'cat >${put}.'$i`,
    ) + ` && cat $(seq -f ${put}.%g ${CHANNELS}) >${put}`,
  psftp: (route, put) =>
    `psftp ${putty(route)} -b <(echo "put ${route.near} ${put}") job >/dev/null`,
  Paramiko: (route, put) => python("paramiko", "put", route, route.near, put),
  AsyncSSH: (route, put) => python("asyncssh", "put", route, route.near, put),
  lftp: (route, put) => lftp(route, `put ${route.near} -o ${put}`),
  rclone: (route, put) => `${rclone(route)} copyto ${route.near} :sftp:${put}`,
};
