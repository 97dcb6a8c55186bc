import assert from "node:assert/strict";
import { isLastingFailure } from "../../../lib/wire/dial/connect_failure.ts";

Deno.test("a wrong name, certificate or protocol stays wrong; all else may get better soon", () => {
  for (
    const [message, lasting] of [
      ["failed to lookup address information: Name or service not known", true],
      ["failed to lookup address information: Temporary failure in name resolution", false],
      ["invalid peer certificate: UnknownIssuer", true],
      ["received corrupt message of type InvalidContentType", true],
      ["the server speaks TLS; try wss: or https:", true],
      ["the answer is not HTTP/1.1", true],
      ["the answer is not that of a websocket server", true],
      ["Connection refused (os error 111)", false],
      ["the connection was closed without an answer", false],
    ] as const
  ) assert.equal(isLastingFailure(new Error(message)), lasting, message);
  assert.equal(isLastingFailure("text"), false);
});
