import assert from "node:assert/strict";
import { AdminLock } from "../../../lib/server/http/admin_lock.ts";
import { WrongSecrets } from "../../../lib/server/limits/wrong_secrets.ts";

const ADDRESS = "192.0.2.1";

function request(name?: string, password = ""): Request {
  const headers = new Headers();
  if (name !== undefined) {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    headers.set("authorization", `Basic ${bytes.toBase64()}`);
  }
  return new Request("http://ci.example/sessions", { headers });
}

Deno.test("AdminLock lets everybody in without a password", () => {
  const lock = new AdminLock(undefined);
  assert.ok(lock.open);
  assert.equal(lock.check(request(), ADDRESS), undefined);
});

Deno.test("AdminLock lets in only admin with the very password", () => {
  const lock = new AdminLock("pä:ss");
  assert.ok(!lock.open);
  assert.equal(lock.check(request("admin", "pä:ss"), ADDRESS), undefined);
  for (const [name, password] of [["admin", "pä:s"], ["admin", ""], ["root", "pä:ss"], ["", ""]]) {
    assert.equal(lock.check(request(name, password), ADDRESS)?.status, 401);
  }
  assert.match(lock.check(request(), ADDRESS)!.headers["www-authenticate"]!, /^Basic /);
  for (const value of ["Basic", "Basic ????", "Bearer x", `Basic ${btoa("admin")}`]) {
    const bad = new Request("http://ci.example/", { headers: { authorization: value } });
    assert.equal(lock.check(bad, ADDRESS)?.status, 401);
  }
});

Deno.test("AdminLock locks out an address with many wrong passwords, and no other", () => {
  let now = 0;
  const lock = new AdminLock("secret", new WrongSecrets({ now: () => now }));
  const status = (password: string, address: string) =>
    lock.check(request("admin", password), address)?.status;
  for (let i = 0; i < 20; i++) assert.equal(status(`guess${i}`, ADDRESS), 401);
  assert.equal(status("secret", "192.0.2.2"), undefined);
  const locked = lock.check(request("admin", "secret"), ADDRESS);
  assert.deepEqual(locked, { status: 429, headers: { "retry-after": "30" } });
  assert.equal(lock.check(request(), ADDRESS)?.status, 401, "no password is no wrong one");
  now += 29_001;
  assert.equal(lock.check(request("admin", "secret"), ADDRESS)?.headers["retry-after"], "1");
  now += 999;
  assert.equal(status("secret", ADDRESS), undefined);
  for (let i = 0; i < 20; i++) lock.check(request("", "secret"), ADDRESS);
  assert.equal(status("secret", ADDRESS), 429, "a wrong name is a wrong login");
});

Deno.test("AdminLock guards a program's request with a line of text", async () => {
  const lock = new AdminLock("secret");
  const answer = () => new Response("numbers");
  const refused = await lock.guard(request(), ADDRESS, answer);
  assert.equal(refused.status, 401);
  assert.match(await refused.text(), /administrator/);
  assert.equal(
    await (await lock.guard(request("admin", "secret"), ADDRESS, answer)).text(),
    "numbers",
  );
});
