import assert from "node:assert/strict";
import { DRIVES_ROOT, PosixPaths, WindowsPaths } from "../../../../lib/ssh/sftp/files/paths.ts";

Deno.test("PosixPaths starts relative paths from the client's directory and changes nothing else", () => {
  const paths = new PosixPaths("/job/work");
  assert.equal(paths.toSystem(""), "/job/work");
  assert.equal(paths.toSystem("a/../b"), "/job/work/a/../b");
  assert.equal(paths.toSystem("/a//b/."), "/a//b/.");
  assert.equal(new PosixPaths("/").toSystem("x"), "/x");
  assert.equal(paths.toLink("../x"), "../x");
});

Deno.test("WindowsPaths knows drives, shares and relative paths", () => {
  const paths = new WindowsPaths("C:\\Users\\job");
  const cases: [string, string][] = [
    ["", "C:\\Users\\job"],
    [".", "C:\\Users\\job"],
    ["a/b", "C:\\Users\\job\\a\\b"],
    ["..", "C:\\Users"],
    ["a\\b", "C:\\Users\\job\\a\\b"],
    ["/C:/Users", "C:\\Users"],
    ["/c:/Users/", "c:\\Users"],
    ["/C:", "C:\\"],
    ["/C:/", "C:\\"],
    ["C:/x", "C:\\x"],
    ["C:\\x", "C:\\x"],
    ["D:x", "D:\\x"],
    ["/D:/a/../b", "D:\\b"],
    ["/x", "C:\\x"],
    ["//server/share/x", "\\\\server\\share\\x"],
    ["/", DRIVES_ROOT],
    ["/C:/..", DRIVES_ROOT],
    ["/C:/../", DRIVES_ROOT],
  ];
  for (const [path, system] of cases) assert.equal(paths.toSystem(path), system, path);
});

Deno.test("WindowsPaths shows paths as OpenSSH for Windows does", () => {
  const paths = new WindowsPaths("C:\\Users\\job");
  assert.equal(paths.canonical("."), "/C:/Users/job");
  assert.equal(paths.canonical("/"), "/");
  assert.equal(paths.canonical("/C:/.."), "/");
  assert.equal(paths.canonical("../x/./y"), "/C:/Users/x/y");
  assert.equal(paths.fromSystem("\\\\server\\share\\x"), "//server/share/x");
  assert.equal(paths.toLink("/C:/x/y"), "C:\\x\\y");
  assert.equal(paths.toLink("../y"), "..\\y");
  assert.equal(paths.fromLink("\\\\?\\C:\\x"), "/C:/x");
  assert.equal(paths.fromLink("..\\y"), "../y");
});

Deno.test("WindowsPaths finds its own paths again", () => {
  const paths = new WindowsPaths("C:\\Users\\job");
  for (const system of ["C:\\", "C:\\a b\\ü", "D:\\x", "\\\\server\\share\\x"]) {
    assert.equal(paths.toSystem(paths.fromSystem(system)), system);
  }
});
