/** SSH's names of signals (RFC 4254, section 6.10) by number. */
export const SIGNAL_NAMES: Record<number, string> = {
  1: "HUP",
  2: "INT",
  3: "QUIT",
  4: "ILL",
  6: "ABRT",
  8: "FPE",
  9: "KILL",
  11: "SEGV",
  13: "PIPE",
  14: "ALRM",
  15: "TERM",
  ...Deno.build.os === "linux" ? { 10: "USR1", 12: "USR2" } : { 30: "USR1", 31: "USR2" },
};

/** The system's name of an SSH signal (RFC 4254, section 6.10), if it may be sent. */
export function signalName(name: string): Deno.Signal | undefined {
  const known =
    /^(ABRT|ALRM|FPE|HUP|ILL|INT|KILL|PIPE|QUIT|SEGV|TERM|USR1|USR2|CONT|STOP|TSTP|WINCH)$/;
  return known.test(name) ? `SIG${name}` as Deno.Signal : undefined;
}
