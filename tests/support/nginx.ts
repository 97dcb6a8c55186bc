import { Program, run, type TempDir } from "./program.ts";

const NGINX = "/usr/sbin/nginx";

/**
 * Starts nginx with its files in `dir`; leaving the scope ends it.
 *
 * @param http what its `http` block holds
 * @throws {Error} with what it says if it does not take that as it is
 */
export async function startNginx(dir: TempDir, http: string): Promise<AsyncDisposable> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
    `${name}_temp_path ${dir.path}/${name};`
  );
  const config = dir.write(
    "nginx.conf",
    `daemon off; pid ${dir.path}/pid; error_log stderr notice; events {}
    http { access_log off; ${temporary.join(" ")} ${http} }`,
  );
  const args = ["-c", config, "-e", "stderr"];
  const { code, stderr } = await run(NGINX, ["-t", ...args]);
  if (code !== 0 || /warn/.test(stderr)) throw new Error(stderr);

  await using stack = new AsyncDisposableStack();
  const program = new Program(NGINX, args);
  stack.defer(async () => {
    // A worker would outlive a master that is killed outright.
    program.kill("SIGTERM");
    await program.result();
  });
  await program.waitFor(/start worker process /);
  return stack.move();
}
