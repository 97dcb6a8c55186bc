import { allocate, ntdll, pointerTo } from "./api.ts";
import { utf16z } from "./command_line.ts";

/** Whether this is Wine, which imitates Windows on other systems. */
export const IS_WINE = ntdll.wine_get_version !== null;

/** stdin, stdout and stderr of a program on a console, see {@link wineConsole}. */
let handles: [bigint, bigint, bigint] | undefined;

/**
 * Handles for a program on a pseudo console under Wine. On Windows such a program opens its console
 * itself; under Wine 10 it has the stdio that its parent gives it, or none. These two devices stand
 * for the console of whichever program uses them (init_console_std_handles() in Wine's
 * dlls/kernelbase/console.c).
 *
 * This is here, and not in a test, because the executables themselves are tested under Wine, and it
 * is the agent in them that calls CreateProcessW.
 */
export function wineConsole(): [bigint, bigint, bigint] {
  if (!handles) {
    const output = openDevice("Output");
    handles = [openDevice("Input"), output, output];
  }
  return handles;
}

/** Opens `\Device\ConDrv\<name>` so that children inherit it. */
function openDevice(name: string): bigint {
  const path = utf16z(`\\Device\\ConDrv\\${name}`);
  const pathMemory = allocate(path.length);
  new Uint8Array(pathMemory.buffer).set(path);
  const unicodeString = allocate(16);
  unicodeString.setUint16(0, path.length - 2, true);
  unicodeString.setUint16(2, path.length, true);
  unicodeString.setBigUint64(8, pointerTo(pathMemory), true);

  const INHERIT = 2;
  const attributes = allocate(48); // OBJECT_ATTRIBUTES
  attributes.setUint32(0, attributes.byteLength, true);
  attributes.setBigUint64(16, pointerTo(unicodeString), true);
  attributes.setUint32(24, INHERIT, true);

  const GENERIC_READ_WRITE = 0xc000_0000, SHARE_READ_WRITE = 3;
  const NON_DIRECTORY_SYNCHRONOUS = 0x60;
  const SYNCHRONIZE = 0x10_0000;
  const handle = allocate(8), result = allocate(16);
  const status = ntdll.NtOpenFile(
    handle,
    (GENERIC_READ_WRITE | SYNCHRONIZE) >>> 0,
    attributes,
    result,
    SHARE_READ_WRITE,
    NON_DIRECTORY_SYNCHRONOUS,
  );
  if (status !== 0) throw new Error(`cannot open Wine's console: status ${status.toString(16)}`);
  return handle.getBigUint64(0, true);
}
