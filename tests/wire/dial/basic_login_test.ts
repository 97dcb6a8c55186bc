import assert from "node:assert/strict";
import { basicLogin } from "../../../lib/wire/dial/basic_login.ts";

function login(url: string): string | undefined {
  const header = basicLogin(new URL(url));
  if (header === undefined) return undefined;
  return new TextDecoder().decode(Uint8Array.fromBase64(header.replace(/^Basic /, "")));
}

Deno.test("basicLogin() takes the login out of a URL, without its percent signs", () => {
  assert.equal(login("ws://host/"), undefined);
  assert.equal(login("ws://ann:a%3Ab%C3%BC@host/"), "ann:a:bü");
  assert.equal(login("ws://ann@host/"), "ann:");
});

Deno.test("basicLogin() takes a stray percent sign as it is", () => {
  assert.equal(login("ws://ann:100%@host/"), "ann:100%");
});
