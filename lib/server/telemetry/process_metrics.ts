/**
 * Figures of the server's own process, under the names that prom-client's default metrics have.
 * Those themselves are not used: under Deno 2.9 the lag of the event loop and the collections of
 * garbage are always zero in them, and their sampling costs more than an idle server.
 *
 * @module
 */
import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/** How many microseconds a second has. */
const MICROSECONDS = 1e6;

/** Adds the figures to `registry`; they are read again each time that it is. */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const cpu = (kind: "user" | "system") =>
    new Counter({
      name: `process_cpu_${kind}_seconds_total`,
      help: `CPU time spent in ${kind} mode, in seconds.`,
      registers,
      collect() {
        this.reset();
        this.inc(process.cpuUsage()[kind] / MICROSECONDS);
      },
    });
  cpu("user");
  cpu("system");
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const startTime = Date.now() / 1_000 - process.uptime();
  gauge("process_start_time_seconds", "Start of the process, Unix time.", () => startTime);
  gauge("process_resident_memory_bytes", "Resident memory.", () => Deno.memoryUsage().rss);
  gauge("process_heap_bytes", "JavaScript heap in use.", () => Deno.memoryUsage().heapUsed);
  if (!mayReadProc()) return;
  gauge("process_open_fds", "Open file descriptors.", openFileDescriptors);
  gauge("process_max_fds", "How many file descriptors may be open.", maxFileDescriptors);
}

/** Only on Linux 6.2 or later, and only with all of Deno's permissions. */
function mayReadProc(): boolean {
  try {
    return openFileDescriptors() > 0;
  } catch {
    return false;
  }
}

/** Reading the directory would hold the server up for as long as 0.1 seconds if there are 15,000. */
function openFileDescriptors(): number {
  return Deno.statSync("/proc/self/fd").size;
}

function maxFileDescriptors(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? NaN);
}
