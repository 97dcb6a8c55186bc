/**
 * A program that starts as many more, one below the other, as its first argument says. Each
 * connects to the port in the second one, sends its process ID (32 bits, little endian) and never
 * ends by itself.
 */
const [depth, port] = Deno.args.map(Number) as [number, number];
const connection = await Deno.connect({ hostname: "127.0.0.1", port });
if (depth > 0) {
  const args = ["run", "-A", "--no-config", import.meta.filename!, `${depth - 1}`, `${port}`];
  new Deno.Command(Deno.execPath(), { args }).spawn();
}
await connection.write(new Uint8Array(Uint32Array.of(Deno.pid).buffer));
setInterval(() => {}, 1000);
