/**
 * The Helm chart: what comes of its templates, and podman that runs it. There is no Helm in Debian, so
 * a few lines stand in for it, which know as much of its language as the chart uses.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { builtDist } from "../support/dist.ts";
import { linkOrCopy } from "../support/files.ts";
import { TempDir } from "../support/program.ts";
import { requires } from "../support/requires.ts";
import { ROOT } from "../support/root.ts";
import { inPodman, PODMAN } from "./podman.ts";
import { operateFile } from "./support.ts";

const RELEASE = "front";

/** An object of Kubernetes, as far as the tests look. */
// deno-lint-ignore no-explicit-any -- each kind has fields of its own.
type Manifest = any;

/** Expands a template: values, `quote`, and `if` without `else`. */
function expand(template: string, values: Record<string, string>): string {
  const valueOf = (path: string) => {
    if (path === ".Release.Name") return RELEASE;
    const [, name = ""] = /^\.Values\.(\w+)$/.exec(path) ?? [];
    assert.ok(name in values, path);
    return values[name]!;
  };
  return template
    .replaceAll(
      /\s*\{\{- if (\S+) \}\}([^]*?)\s*\{\{- end \}\}/g,
      (_, path, text) => valueOf(path) === "" ? "" : text,
    )
    .replaceAll(/\{\{ (\S+) \| quote \}\}/g, (_, path) => JSON.stringify(valueOf(path)))
    .replaceAll(/\{\{ (\S+) \}\}/g, (_, path) => valueOf(path));
}

/** The chart's objects by kind and name. */
function render(values: Record<string, string> = {}): Record<string, Manifest> {
  const known: Record<string, string> = parse(operateFile("chart/values.yaml"));
  for (const name of Object.keys(values)) assert.ok(name in known, name);
  const texts = readdirSync(join(ROOT, "docs/operate/chart/templates"))
    .map((name) => expand(operateFile(`chart/templates/${name}`), { ...known, ...values }));
  const objects: Manifest[] = texts.flatMap((text) => {
    assert.doesNotMatch(text, /\{\{/);
    return parseAllDocuments(text).map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS();
    });
  });
  return Object.fromEntries(
    objects.map((object) => [`${object.kind} ${object.metadata.name}`, object]),
  );
}

Deno.test("the chart has what the server needs, and its parts find each other", () => {
  const objects = render();
  assert.deepEqual(Object.keys(objects).sort(), [
    "Deployment front",
    "Ingress front",
    "PersistentVolumeClaim front-state",
    "Service front",
  ]);
  const { spec } = objects["Deployment front"];
  assert.equal(spec.strategy.type, "Recreate");
  const { labels } = spec.template.metadata;
  for (const [name, value] of Object.entries(spec.selector.matchLabels)) {
    assert.equal(labels[name], value);
  }
  const [server] = spec.template.spec.containers;
  assert.equal(server.securityContext.readOnlyRootFilesystem, true);
  assert.equal(server.envFrom, undefined);
  const [volume] = spec.template.spec.volumes;
  assert.ok(`PersistentVolumeClaim ${volume.persistentVolumeClaim.claimName}` in objects);
  assert.equal(server.volumeMounts[0].name, volume.name);
  const service = objects["Service front"].spec;
  assert.deepEqual(service.selector, spec.selector.matchLabels);
  assert.equal(service.ports[0].targetPort, server.ports[0].name);
  const [rule] = objects["Ingress front"].spec.rules;
  assert.equal(rule.host, "converge.example");
  assert.equal(rule.http.paths[0].backend.service.name, "front");
});

Deno.test("the chart's values reach the server: secrets, the jump host, the Ingress", () => {
  const objects = render({ secret: "tokens", sshService: "LoadBalancer", ingressClass: "nginx" });
  const [server] = objects["Deployment front"].spec.template.spec.containers;
  assert.deepEqual(server.envFrom, [{ secretRef: { name: "tokens" } }]);
  assert.deepEqual(server.env.at(-1), { name: "CONVERGE_SSH_PORT", value: "2222" });
  assert.deepEqual(server.ports.at(-1), { name: "ssh", containerPort: 2222 });
  const ssh = objects["Service front-ssh"].spec;
  assert.equal(ssh.type, "LoadBalancer");
  assert.equal(ssh.ports[0].targetPort, "ssh");
  assert.equal(objects["Ingress front"].spec.ingressClassName, "nginx");
});

requires(...PODMAN, "curl", "catatonit")(
  "podman runs the chart's Deployment, with its secrets",
  async () => {
    await using dir = new TempDir();
    for (const name of ["dist", "docs/operate"]) {
      await Deno.mkdir(join(dir.path, name), { recursive: true });
    }
    await linkOrCopy(join(await builtDist(), "server"), join(dir.path, "dist/server"));
    dir.write("dist/agent", "an executable");
    dir.write("LICENSE", "terms");
    dir.write("Containerfile", operateFile("Containerfile"));
    const image = "localhost/converge:1";
    const objects = render({ image, secret: "tokens" });
    const [server] = objects["Deployment front"].spec.template.spec.containers;
    // podman makes a timer of systemd of each.
    const probes = [server.livenessProbe, server.readinessProbe];
    delete server.livenessProbe;
    delete server.readinessProbe;
    const kinds = ["PersistentVolumeClaim front-state", "Deployment front"];
    const documents = kinds.map((name) => objects[name]);
    dir.write(
      "kube.yml",
      documents.map((document) => JSON.stringify(document) + "\n").join("---\n"),
    );
    const script = `
    podman build -q -t ${image} -f Containerfile .
    # The values of a Secret are in base64.
    echo '{"CONVERGE_ADMIN_PASSWORD": "${btoa("sesame")}"}' | podman secret create tokens -
    podman kube play kube.yml
    address=$(podman inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' \
      "$(podman ps -q --filter name=infra)" )
    for path in ${probes.map(({ httpGet }) => httpGet.path).join(" ")}; do
      curl --retry 60 --retry-delay 1 --retry-all-errors -fsS "http://$address:8000$path" >&4
    done
    curl -sS -o out -w '%{http_code}\\n' "http://$address:8000/metrics" >&4
    curl -sS -o out -w '%{http_code}\\n' -u admin:sesame "http://$address:8000/metrics" >&4
    podman volume inspect -f '{{.Name}}' front-state >&4
  `;
    const { code, stdout, stderr } = await inPodman(dir, script);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "ok\nready\n401\n200\nfront-state\n");
  },
);
