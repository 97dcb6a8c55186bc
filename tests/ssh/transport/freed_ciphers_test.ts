import assert from "node:assert/strict";
import { requires } from "../../support/requires.ts";
import { TestSshServer } from "../../support/ssh.ts";

const test = requires("ssh");

for (const cipher of ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"]) {
  test({
    name: `${cipher} is freed at each exchange of keys and at the end`,
    fn: async () => {
      await using server = await TestSshServer.start();
      const options = ["-c", cipher, "-o", "RekeyLimit=1M"];
      const { code, stdout } = await server.ssh(options, [
        "head -c 5000000 /dev/zero | tr '\\0' x",
      ]);
      assert.equal(code, 0);
      assert.equal(stdout.length, 5_000_000);
    },
  });
}
