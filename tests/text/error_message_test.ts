import assert from "node:assert/strict";
import { errorMessage } from "../../lib/text/error_message.ts";

Deno.test("errorMessage() is the message of anything that was thrown", () => {
  assert.equal(errorMessage(new TypeError("wrong type")), "wrong type");
  assert.equal(errorMessage(new RangeError()), "RangeError");
  assert.equal(errorMessage("SIGINT"), "SIGINT");
  assert.equal(errorMessage(undefined), "undefined");
});

Deno.test("errorMessage() is one line that cannot drive a terminal", () => {
  const error = new Error("wrong \x1b[31mtoken\x07\x9b2J:\r\n  ::error::ask\tthem");
  assert.equal(errorMessage(error), "wrong [31mtoken 2J: ::error::ask them");
});
