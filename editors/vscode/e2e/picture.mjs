// Takes docs/images/vscode.png: the example of the repository, with the hover on a finding that comes through another module.
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, open } from "./editor.mjs";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const folder = join(mkdtempSync(join(tmpdir(), "picture-")), "shop");
cpSync(join(ROOT, "examples", "shop"), folder, { recursive: true });
environment(process.env.PYTHON ?? "python3", join(folder, ".venv"));

const settings = {
  "files.exclude": { "**/.venv": true, "**/__pycache__": true, "**/.rea_lint_cache": true },
  "editor.hover.above": false,
  "editor.stickyScroll.enabled": false,
  "window.title": "${activeEditorShort}",
};
const editor = await open(folder, { extensions: [join(import.meta.dirname, "..", "out", "rea-lint.vsix")], settings });
const { page } = editor;
await page.setViewportSize({ width: 1200, height: 820 });
await editor.openFile("checkout.py");
await page.locator(".squiggly-error").first().waitFor();
await page.keyboard.press("Control+Shift+M");
await page.locator(".markers-panel .monaco-list-row").filter({ hasText: "REA201" }).first().waitFor();
await editor.focusEditor();
await editor.goTo(27, 1);
await page.locator(".codelens-decoration").first().waitFor();
await page.locator(".monaco-editor").first().hover();
await page.mouse.wheel(0, 130); // the handler at the top, and below it room for the hover
await page.locator(".squiggly-error").first().hover({ force: true });
await page.locator(".monaco-hover:visible").getByText("outside a step").first().waitFor();
await page.waitForTimeout(500); // the hover fades in
await page.screenshot({ path: join(ROOT, "docs", "images", "vscode.png") });
await editor.close();
