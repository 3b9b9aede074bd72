import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates, expand, find, type Candidate, type Wish } from "../src/find";

const PROJECT: Wish = {
  strategy: "fromEnvironment",
  paths: ["/tools/rea-lint"],
  folders: ["/shop"],
  interpreters: ["/envs/shop/bin/python"],
  trusted: true,
  platform: "linux",
};

const commands = (wish: Partial<Wish>) => candidates({ ...PROJECT, ...wish }).map((candidate) => candidate.command.join(" "));

const GOES_ON = new AbortController().signal;

/** A machine on which only these commands run. */
function machine(...running: string[]) {
  const lines: string[] = [];
  const version = (candidate: Candidate) =>
    running.includes(candidate.command.join(" "))
      ? Promise.resolve("rea-lint 1.2.3\n")
      : Promise.reject(Object.assign(new Error("spawn"), { code: "ENOENT" }));
  return { lines, found: (wish: Partial<Wish> = {}) => find({ ...PROJECT, ...wish }, version, (line) => lines.push(line), GOES_ON) };
}

test("the setting comes first, then the selected environment, .venv, PATH and uvx", () => {
  assert.deepEqual(commands({}), [
    "/tools/rea-lint",
    "/envs/shop/bin/python -m rea_lint",
    "/shop/.venv/bin/python -m rea_lint",
    "rea-lint",
    "uvx rea-lint",
  ]);
});

test("a .venv that is selected is tried once", () => {
  assert.deepEqual(commands({ paths: [], interpreters: ["/shop/.venv/bin/python"] }), [
    "/shop/.venv/bin/python -m rea_lint",
    "rea-lint",
    "uvx rea-lint",
  ]);
});

test("each folder has an environment", () => {
  assert.deepEqual(commands({ paths: [], interpreters: [], folders: ["/shop", "/bank"] }).slice(0, 2), [
    "/shop/.venv/bin/python -m rea_lint",
    "/bank/.venv/bin/python -m rea_lint",
  ]);
});

test("a .venv on Windows has its Python in Scripts", () => {
  assert.deepEqual(
    commands({ platform: "win32", paths: [], interpreters: [], folders: ["C:\\shop"] })[0],
    "C:\\shop\\.venv\\Scripts\\python.exe -m rea_lint",
  );
});

test("fromPath leaves environments out, useUvx all but the setting", () => {
  assert.deepEqual(commands({ strategy: "fromPath" }), ["/tools/rea-lint", "rea-lint", "uvx rea-lint"]);
  assert.deepEqual(commands({ strategy: "useUvx" }), ["/tools/rea-lint", "uvx rea-lint"]);
});

test("nothing that the workspace brings is run in Restricted Mode", () => {
  assert.deepEqual(commands({ trusted: false }), ["rea-lint", "uvx rea-lint"]);
});

test("the first that runs is used, and the log says why the others are not", async () => {
  const { lines, found } = machine("/shop/.venv/bin/python -m rea_lint", "rea-lint");
  const used = await found();
  assert.deepEqual(used?.command, ["/shop/.venv/bin/python", "-m", "rea_lint"]);
  assert.equal(used.version, "1.2.3");
  assert.deepEqual(lines, [
    "Not used: /tools/rea-lint (from the setting `rea-lint.path`): there is no such file",
    "Not used: /envs/shop/bin/python -m rea_lint (from the environment selected in the Python extension): there is no such file",
    "rea-lint 1.2.3 is used from the `.venv` of the workspace folder: /shop/.venv/bin/python -m rea_lint",
  ]);
});

test("nothing is found where nothing runs", async () => {
  const { lines, found } = machine();
  assert.equal(await found(), undefined);
  assert.equal(lines.length, 5);
});

test("a search that is given up tries nothing more", async () => {
  const search = new AbortController();
  const tried: string[] = [];
  const version = (candidate: Candidate) => {
    tried.push(candidate.command.join(" "));
    search.abort();
    return Promise.reject(new Error("The operation was aborted"));
  };
  assert.equal(await find(PROJECT, version, () => undefined, search.signal), undefined);
  assert.deepEqual(tried, ["/tools/rea-lint"]);
});

test("another program of that name is not used", async () => {
  const lines: string[] = [];
  const used = await find(
    { ...PROJECT, strategy: "fromPath", paths: [] },
    () => Promise.resolve("reading lint 4"),
    (line) => lines.push(line),
    GOES_ON,
  );
  assert.equal(used, undefined);
  assert.equal(lines[0], 'Not used: rea-lint (from `PATH`) prints "reading lint 4" for --version');
});

test("of Python's traceback, the last line is logged", async () => {
  const lines: string[] = [];
  const failure = Object.assign(new Error("Command failed"), {
    stderr: "Traceback\n  File\nModuleNotFoundError: No module named 'libcst'\n",
  });
  await find(
    { ...PROJECT, strategy: "useUvx", paths: [] },
    () => Promise.reject(failure),
    (line) => lines.push(line),
    GOES_ON,
  );
  assert.deepEqual(lines, ["Not used: uvx rea-lint (from `uvx`): ModuleNotFoundError: No module named 'libcst'"]);
});

const FOLDERS = [
  { name: "shop", path: "/shop" },
  { name: "bank", path: "/bank" },
];
const absolute = (path: string, folders = FOLDERS) => expand(path, folders, "/home/ada", { TOOLS: "/tools" }, "linux");

test("variables of a path are replaced", () => {
  assert.equal(absolute("${workspaceFolder}/bin/rea-lint"), "/shop/bin/rea-lint");
  assert.equal(absolute("${workspaceFolder:bank}/bin/rea-lint"), "/bank/bin/rea-lint");
  assert.equal(absolute("${userHome}/bin/rea-lint"), "/home/ada/bin/rea-lint");
  assert.equal(absolute("~/bin/rea-lint"), "/home/ada/bin/rea-lint");
  assert.equal(absolute("${env:TOOLS}/rea-lint"), "/tools/rea-lint");
});

test("a relative path begins in the first folder", () => {
  assert.equal(absolute("bin/../rea-lint"), "/shop/rea-lint");
  assert.equal(expand("bin\\rea-lint.exe", [{ name: "shop", path: "C:\\shop" }], "", {}, "win32"), "C:\\shop\\bin\\rea-lint.exe");
});

test("a path is unusable if a variable has no value, or there is no folder to begin in", () => {
  assert.equal(absolute("${env:NONE}/rea-lint"), undefined);
  assert.equal(absolute("${workspaceFolder:none}/rea-lint"), undefined);
  assert.equal(absolute("${command:choose}/rea-lint"), undefined);
  assert.equal(absolute("bin/rea-lint", []), undefined);
  assert.equal(absolute("${workspaceFolder}/rea-lint", []), undefined);
});
