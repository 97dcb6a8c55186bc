import { allocate, INFINITE, kernel32 } from "./api.ts";

/** QueryInformationJobObject's class of JOBOBJECT_EXTENDED_LIMIT_INFORMATION, and its size. */
const EXTENDED_LIMITS = 9, EXTENDED_LIMITS_SIZE = 144;

/** Where its flags are, and the flag by which new processes are not in the job. */
const FLAGS_AT = 16, SILENT_BREAKAWAY_OK = 0x1000;

/** Whether what this process starts is in a job object of others with it, which may end it. */
export function isBoundToJob(): boolean {
  const isInJob = allocate(4);
  kernel32.IsProcessInJob(kernel32.GetCurrentProcess(), 0n, isInJob);
  if (isInJob.getInt32(0, true) === 0) return false;
  const limits = allocate(EXTENDED_LIMITS_SIZE);
  kernel32.QueryInformationJobObject(0n, EXTENDED_LIMITS, limits, EXTENDED_LIMITS_SIZE, null);
  return (limits.getUint32(FLAGS_AT, true) & SILENT_BREAKAWAY_OK) === 0;
}

/** Resolves when the process with this ID has ended. */
export async function processEnded(pid: number): Promise<void> {
  const SYNCHRONIZE = 0x100000;
  const handle = kernel32.OpenProcess(SYNCHRONIZE, 0, pid);
  if (handle === 0n) return;
  await kernel32.WaitForSingleObjectAsync(handle, INFINITE);
  kernel32.CloseHandle(handle);
}
