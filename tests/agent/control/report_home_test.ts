import assert from "node:assert/strict";
import { Reporter, ReportListener } from "../../../lib/agent/control/report_home.ts";

Deno.test("a Reporter's text reaches the ReportListener among other connections", async () => {
  using listener = new ReportListener();
  const port = Number(listener.home.split(" ")[0]);
  const reported = listener.report();
  const silent = await Deno.connect({ port });
  const wrong = await Deno.connect({ port });
  await wrong.write(new Uint8Array(64));
  // It is hung up on.
  assert.equal(await wrong.read(new Uint8Array(1)), null);
  {
    await using reporter = await Reporter.connect(listener.home);
    reporter.print("you can log in\n");
    reporter.print("\0");
  }
  const connection = await reported;
  assert.equal(await new Response(connection!.readable).text(), "you can log in\n\0");
  wrong.close();
  // What has not shown the secret yet is closed with its client.
  silent.close();
});

Deno.test("a ReportListener that is disposed reports nothing", async () => {
  const listener = new ReportListener();
  const reported = listener.report();
  listener[Symbol.dispose]();
  assert.equal(await reported, undefined);
  await assert.rejects(Reporter.connect(listener.home), Deno.errors.ConnectionRefused);
});
