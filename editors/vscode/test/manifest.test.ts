import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

interface Setting {
  default: unknown;
  markdownDescription: string;
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  version: string;
  contributes: { commands: { category: string; title: string }[]; configuration: { properties: Record<string, Setting> } };
};
const docs = readFileSync("../../docs/editors.md", "utf8");
const readme = readFileSync("README.md", "utf8");

const cell = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

for (const [name, setting] of Object.entries(manifest.contributes.configuration.properties)) {
  test(`README.md and docs/editors.md have a row for the setting ${name}`, () => {
    const begin = `| \`${name}\` | \`${cell(setting.default)}\` | `;
    const row = readme.split("\n").find((line) => line.startsWith(begin));
    assert.ok(row !== undefined, `add a row to README.md that begins with: ${begin}`);
    assert.ok(docs.includes(`\n${row}\n`), `docs/editors.md is to have the same row: ${row}`);
  });
}

for (const command of manifest.contributes.commands) {
  test(`README.md has a row for the command ${command.title}`, () => {
    const begin = `| ${command.category}: ${command.title} | `;
    assert.ok(readme.includes(begin), `add a row that begins with: ${begin}`);
  });
}

test("the extension has the version of rea-lint", () => {
  const [, version] = /^__version__ = "(.*)"$/m.exec(readFileSync("../../src/rea_lint/__init__.py", "utf8")) ?? [];
  assert.equal(manifest.version, version);
});
