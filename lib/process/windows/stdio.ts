/** GetStdHandle's names for stdin, stdout and stderr. */
const STD_HANDLES = [-10, -11, -12];
const HANDLE_FLAG_INHERIT = 1;

/**
 * Keeps this process's own stdin, stdout and stderr from the programs that it starts. They would
 * get them beside the ones they are given, and a program that reads them would wait for those
 * programs' end. Deno does this by itself from some version between 2.7.11 and 2.9.5 on.
 */
export function keepStdio(): void {
  const kernel32 = Deno.dlopen("kernel32.dll", {
    GetStdHandle: { parameters: ["i32"], result: "pointer" },
    SetHandleInformation: { parameters: ["pointer", "u32", "u32"], result: "i32" },
  });
  for (const name of STD_HANDLES) {
    const handle = kernel32.symbols.GetStdHandle(name);
    kernel32.symbols.SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0);
  }
  kernel32.close();
}
