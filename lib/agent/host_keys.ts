/** Which host keys an agent has. */
import {
  generateHostKey,
  type HostKey,
  hostKeyFromSecret,
  type HostKeyType,
  hostKeyType,
  makeHostKey,
  readHostKeyFile,
} from "../ssh/keys/host_key.ts";
import { HOST_KEY_VARIABLE } from "./keygen.ts";

/** At least one, each of another type; the first is the one that commands name. */
export type HostKeys = [HostKey, ...HostKey[]];

export interface HostKeysOptions {
  /** Each holds a key, or is to hold one. */
  files: string[];
  /** The types that there have to be, in order. @default what there is, or ed25519 */
  types?: HostKeyType[];
  /** A key from the environment, used without files; CI systems set a missing one to nothing. */
  secret?: string;
}

/**
 * Reads the keys that there are, and makes those of the types that are missing: in the files that
 * are missing, else for this run alone.
 *
 * @throws {Error} if a file cannot be read, written or used, or nothing says what belongs in it
 */
export async function chooseHostKeys(options: HostKeysOptions): Promise<HostKeys> {
  const { files, types, secret } = options;
  const keys = new Map<HostKeyType, { key: HostKey; source: string }>();
  const add = (key: HostKey, source: string) => {
    const type = hostKeyType(key);
    const other = keys.get(type);
    if (other) {
      throw new Error(`cannot use the host key "${source}": "${other.source}" is ${type} too`);
    }
    keys.set(type, { key, source });
  };
  const missing: string[] = [];
  for (const file of files) {
    const key = await readHostKeyFile(file);
    if (key) add(key, file);
    else missing.push(file);
  }
  if (files.length === 0 && secret) {
    add(hostKeyFromSecret(HOST_KEY_VARIABLE, secret), HOST_KEY_VARIABLE);
  }
  const wanted = (types ?? ["ed25519"]).filter((type) => !keys.has(type));
  for (const file of missing) {
    const type = wanted.shift();
    if (type === undefined) {
      throw new Error(`cannot make the host key "${file}": name its type in --host-key-types`);
    }
    add(await makeHostKey(file, type), file);
  }
  if (types || keys.size === 0) { for (const type of wanted) add(generateHostKey(type), ""); }
  const rank = (key: HostKey) => types?.indexOf(hostKeyType(key)) ?? 0;
  const sorted = [...keys.values()].map(({ key }) => key)
    // Those of other types come last.
    .sort((a, b) => (rank(a) >>> 0) - (rank(b) >>> 0));
  return sorted as HostKeys;
}
