/** Certificates for tests, made with openssl. */
import { join } from "node:path";
import { run, type TempDir } from "./program.ts";

/** A CA and a certificate for localhost and 127.0.0.1 that it signed, as PEM files. */
export interface TestCertificate {
  ca: string;
  cert: string;
  key: string;
}

/**
 * Makes a fresh CA and a certificate in `dir`.
 *
 * @returns the paths of the files
 */
export async function makeCertificate(dir: TempDir): Promise<TestCertificate> {
  const files = { ca: "ca.pem", caKey: "ca.key", cert: "cert.pem", key: "cert.key" };
  const path = (name: keyof typeof files) => join(dir.path, files[name]);
  const openssl = async (...args: string[]) => {
    const result = await run("openssl", args);
    if (result.code !== 0) throw new Error(result.stderr);
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    ...["req", "-x509", ...newKey, "-keyout", path("caKey"), "-out", path("ca"), "-days", "2"],
    ...["-subj", "/CN=Converge test CA", "-addext", "keyUsage=critical,keyCertSign"],
  );
  await openssl(
    ...["req", "-x509", ...newKey, "-keyout", path("key"), "-out", path("cert"), "-days", "2"],
    ...["-CA", path("ca"), "-CAkey", path("caKey"), "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  );
  return { ca: path("ca"), cert: path("cert"), key: path("key") };
}
