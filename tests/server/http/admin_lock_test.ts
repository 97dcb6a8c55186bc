import assert from "node:assert/strict";
import { AdminLock } from "../../../lib/server/http/admin_lock.ts";

function request(name?: string, password = ""): Request {
  const headers = new Headers();
  if (name !== undefined) {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    headers.set("authorization", `Basic ${bytes.toBase64()}`);
  }
  return new Request("http://ci.example/sessions", { headers });
}

Deno.test("AdminLock lets everybody in without a password", async () => {
  const lock = new AdminLock(undefined);
  assert.ok(lock.open);
  assert.equal(await lock.check(request()), undefined);
});

Deno.test("AdminLock lets in only admin with the very password", async () => {
  const lock = new AdminLock("pä:ss", { delay: () => Promise.resolve() });
  assert.ok(!lock.open);
  assert.equal(await lock.check(request("admin", "pä:ss")), undefined);
  for (const [name, password] of [["admin", "pä:s"], ["admin", ""], ["root", "pä:ss"], ["", ""]]) {
    assert.equal((await lock.check(request(name, password)))?.status, 401);
  }
  assert.match((await lock.check(request()))!.headers["www-authenticate"]!, /^Basic /);
  for (const value of ["Basic", "Basic ????", "Bearer x", `Basic ${btoa("admin")}`]) {
    const bad = new Request("http://ci.example/", { headers: { authorization: value } });
    assert.equal((await lock.check(bad))?.status, 401);
  }
});

Deno.test("AdminLock delays wrong passwords, and never the right one", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const lock = new AdminLock("secret", { delay: () => promise, maxWaiting: 2 });
  const answered: number[] = [];
  const wrong = [1, 2].map(async (i) => {
    const locked = await lock.check(request("admin", `guess${i}`));
    answered.push(i);
    return locked?.status;
  });
  assert.equal((await lock.check(request("admin", "guess3")))?.status, 429);
  assert.equal(await lock.check(request("admin", "secret")), undefined);
  assert.deepEqual(answered, []);
  resolve();
  assert.deepEqual(await Promise.all(wrong), [401, 401]);
});

Deno.test("AdminLock guards a program's request with a line of text", async () => {
  const lock = new AdminLock("secret");
  const answer = () => new Response("numbers");
  const refused = await lock.guard(request(), answer);
  assert.equal(refused.status, 401);
  assert.match(await refused.text(), /administrator/);
  assert.equal(await (await lock.guard(request("admin", "secret"), answer)).text(), "numbers");
});
