import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { ResumeSecrets } from "../../../lib/server/rendezvous/resume_secrets.ts";

Deno.test("ResumeSecrets issues secrets that any server with the same key knows", () => {
  const key = randomBytes(32);
  const secret = new ResumeSecrets(key).issue("job", 1_999_123);
  assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(new ResumeSecrets(key).issuedAt("job", secret), 1_999_000);
  assert.notEqual(new ResumeSecrets(key).issue("job", 1_999_123), secret);
});

Deno.test("ResumeSecrets takes no secret of another ID, another key or another length", () => {
  const secrets = new ResumeSecrets();
  const secret = secrets.issue("job", 0);
  assert.equal(secrets.issuedAt("job2", secret), undefined);
  assert.equal(new ResumeSecrets().issuedAt("job", secret), undefined);
  for (const wrong of ["", "x", secret.slice(0, -4), secret + "AAAA", "A".repeat(43)]) {
    assert.equal(secrets.issuedAt("job", wrong), undefined);
  }
});
