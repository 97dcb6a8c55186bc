/**
 * Metrics of the server's own process, named as prom-client's default metrics. Those are not used:
 * under Deno 2.9 their event loop lag and garbage collections are always zero, and sampling them
 * costs more than an idle server.
 *
 * @module
 */
import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/** Microseconds a second. */
const MICROSECONDS = 1e6;

/** Adds the metrics to `registry`; they are read each time that it is. */
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

/** Works on Linux 6.2 or later, with all of Deno's permissions. */
function mayReadProc(): boolean {
  try {
    return openFileDescriptors() > 0 && maxFileDescriptors() > 0;
  } catch {
    return false;
  }
}

/** Listing the directory would take 0.1 seconds with 15,000 of them. */
function openFileDescriptors(): number {
  return Deno.statSync("/proc/self/fd").size;
}

function maxFileDescriptors(): number {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? NaN);
}
