// What a user sees and does, in VS Code 1.100 (code-server) in Chromium. The steps of a test build on one another.
// $CODE_SERVER is where install.sh has put it; $PYTHON (default: python3) can import what rea-lint needs.
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { environment, open, project, texts, until } from "./editor.mjs";

const PACKAGES = join(import.meta.dirname, "..", "out");
const REA_LINT = join(PACKAGES, "rea-lint.vsix");
const PYTHON_STUB = join(PACKAGES, "python-stub.vsix");
const PYTHON = process.env.PYTHON ?? "python3";

const ORDERS = `import time
import uuid

import restate

orders = restate.VirtualObject("orders")


def charge() -> str:
    return "charged"


@orders.handler()
async def place(ctx: restate.ObjectContext, item: str) -> str:
    placed = time.time()
    order = str(uuid.uuid4())
    await ctx.run_typed("charge", charge)
    ctx.set("order", {"id": order, "item": item, "placed": placed})
    return order
`;
const PLANTED = `from pathlib import Path

import libcst as cst
from rea_lint.diagnostic import Severity
from rea_lint.durable import Durable
from rea_lint.rule import rule

Path(__file__).with_name("run").touch()


@rule("SHOP001", "planted", Severity.WARNING)
def planted(call: cst.Call, code: Durable):
    """What is planted."""
    return iter(())
`;
const TIME = ORDERS.split("\n").findIndex((line) => line.includes("time.time()")) + 1;
const UUID = TIME + 1;

/** A step of a test that goes on from the one before; after a failure, of which there is a screenshot, the others are left out. */
function steps(editor) {
  let failed = false;
  return (name, step) =>
    test(name, async (context) => {
      if (failed) {
        context.skip("a step before it has failed");
        return;
      }
      try {
        await step();
      } catch (error) {
        failed = true;
        await editor()?.screenshot(`failed ${name}`.replaceAll(/\W+/g, "-"));
        throw error;
      }
    });
}

describe("a handler with two findings", () => {
  let folder, editor, page;
  const squiggles = () => page.locator(".squiggly-error").count();
  const onDisk = () => readFileSync(join(folder, "orders.py"), "utf8");

  const step = steps(() => editor);
  before(async () => {
    folder = project({ "orders.py": ORDERS });
    environment(PYTHON, join(folder, ".venv"));
    editor = await open(folder, { extensions: [REA_LINT] });
    ({ page } = editor);
    await editor.openFile("orders.py");
  });
  after(() => editor?.close());

  step("the server is started from .venv, and the log says so", async () => {
    await editor.logged(/rea-lint \S+ is used from the `\.venv` of the workspace folder: \S+\/\.venv\/bin\/python -m rea_lint/);
  });

  step("both are underlined", async () => {
    await until(async () => (await squiggles()) === 2, "two findings");
  });

  step("beside the language it says which rea-lint runs", async () => {
    await page.locator("[id='status.languageStatus']").click();
    await page.locator(".hover-language-status").filter({ hasText: "from the .venv of the workspace folder" }).waitFor();
    await page.keyboard.press("Escape");
  });

  step("a line above the handler says what it journals", async () => {
    await page.locator(".codelens-decoration").getByText("1 operation, 1 step").waitFor();
  });

  step("Problems lists them with their codes", async () => {
    await page.keyboard.press("Control+Shift+M");
    const row = (text) => page.locator(".markers-panel .monaco-list-row").filter({ hasText: text });
    await row("`time.time` gives another value on replay").filter({ hasText: "REA101" }).waitFor();
    await row("`uuid.uuid4` gives another value on replay").filter({ hasText: "REA103" }).waitFor();
    await editor.screenshot("problems");
  });

  step("the hover has the page of the rule", async () => {
    await page.locator(".squiggly-error").first().hover({ force: true }); // it lies below the text
    const hover = page.locator(".monaco-hover:visible");
    await hover.getByText("A clock is read outside a step, so replay reads another time.").waitFor();
    assert.equal((await hover.last().innerText()).split("gives another value on replay").length - 1, 1, "the message is not repeated");
    await editor.screenshot("hover");
  });

  step("Show Rule Page opens the page of the finding at the cursor", async () => {
    await editor.focusEditor();
    await editor.goTo(UUID, 17);
    await editor.command("rea-lint: Show Rule Page");
    await page.locator(".tab.active").filter({ hasText: "REA103" }).waitFor();
    await until(async () => (await texts(page)).some((text) => text.includes("REA103 native-uuid")), "the page in the preview");
    await editor.screenshot("rule");
    await page.locator(".tab.active .codicon-close").click();
    await page.locator(".tab.active").filter({ hasText: "orders.py" }).waitFor();
  });

  step("away from findings, Show Rule Page lets the user choose a rule", async () => {
    await editor.focusEditor();
    await editor.goTo(1, 1);
    await editor.command("rea-lint: Show Rule Page");
    await page.locator(".quick-input-list").getByText("REA101", { exact: true }).waitFor();
    await page.keyboard.type("REA305");
    await page.locator(".quick-input-list .monaco-list-row.focused").getByText("REA305").waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".tab.active").filter({ hasText: "REA305" }).waitFor();
    await page.locator(".tab.active .codicon-close").click();
  });

  step("Show Handlers goes to the handler that is chosen", async () => {
    await editor.command("rea-lint: Show Handlers");
    const list = page.locator(".quick-input-list");
    await list.getByText("orders.place", { exact: true }).waitFor();
    await editor.screenshot("handlers");
    await page.keyboard.press("Enter");
    await page
      .locator(".statusbar-item")
      .getByText(`Ln ${TIME - 1}, Col 11`)
      .waitFor();
  });

  step("a click on the line above the handler shows what it journals", async () => {
    await page.locator(".codelens-decoration a").first().click();
    await page.locator(".peekview-title").getByText("Locations (2)").waitFor();
    await editor.screenshot("operations");
    await page.keyboard.press("Escape");
    await page.locator(".peekview-title").waitFor({ state: "detached" });
  });

  step("a setting that changes starts the server anew", async () => {
    editor.configure({ "rea-lint.enable": false });
    await editor.logged(/the settings have changed[^]*Switched off by the setting/);
    await until(async () => (await squiggles()) === 0, "no finding");
    editor.configure({ "rea-lint.codeLens": false });
    await editor.logged(/Switched off by the setting[^]*the settings have changed[^]*is used from/);
    await until(async () => (await squiggles()) === 2, "two findings");
    assert.equal(await page.locator(".codelens-decoration").count(), 0);
  });

  step("a quick fix is applied, and saved", async () => {
    await editor.focusEditor();
    await editor.goTo(TIME, 15);
    await page.keyboard.press("Control+.");
    const menu = page.locator(".action-widget");
    await menu.getByText("Use `await ctx.time()`").waitFor();
    await editor.screenshot("quick-fix");
    await page.keyboard.press("Enter"); // it is the first
    await page.locator(".view-line").filter({ hasText: "await ctx.time()" }).waitFor();
    await page.keyboard.press("Control+S");
    await until(() => onDisk().includes("placed = await ctx.time()"), "the fix on the disk", onDisk);
    assert.ok(onDisk().includes("uuid.uuid4()"), "only the chosen fix is applied");
    await until(async () => (await squiggles()) === 1, "one finding that is left");
  });

  step("what is safe is fixed on save", async () => {
    editor.configure({
      "rea-lint.codeLens": false,
      "breadcrumbs.enabled": false,
      "editor.codeActionsOnSave": { "source.fixAll.rea-lint": "explicit" },
    });
    await page.locator(".breadcrumbs-control").waitFor({ state: "hidden" }); // so the settings are read
    await editor.focusEditor();
    await editor.goTo(1, 1);
    await page.keyboard.type("# shop\n");
    await page.keyboard.press("Control+S");
    await until(() => onDisk().includes("order = str(ctx.uuid())"), "the fix on the disk", onDisk);
    assert.ok(!onDisk().includes("import uuid"), onDisk());
    await until(async () => (await squiggles()) === 0, "no finding");
    await editor.screenshot("fixed");
  });
});

describe("the Python extension", () => {
  let folder, editor;

  const step = steps(() => editor);
  before(async () => {
    folder = project({ "orders.py": ORDERS, "python.txt": "/usr/bin/python3" });
    editor = await open(folder, { extensions: [REA_LINT, PYTHON_STUB] });
    await editor.openFile("orders.py");
  });
  after(() => editor?.close());

  step("without rea-lint in the selected environment, the user is told, and can install it", async () => {
    await editor.logged(/Not used: \/usr\/bin\/python3 -m rea_lint \(from the environment selected .*No module named rea_lint/);
    const message = editor.page.locator(".notification-list-item").filter({ hasText: "rea-lint is not found" });
    await message.getByRole("button", { name: "Install", exact: true }).waitFor();
    await message.getByRole("button", { name: "Select Interpreter" }).waitFor();
    await editor.screenshot("missing");
  });

  step("once an environment with rea-lint is selected, the server starts from there", async () => {
    const python = environment(PYTHON, join(editor.home, "environment"));
    writeFileSync(join(folder, "python.txt"), python);
    await editor.logged(/another interpreter was selected[^]*is used from the environment selected in the Python extension/);
    await editor.page.locator(".squiggly-error").first().waitFor();
  });

  step("all is fixed by command, also what changes the journal", async () => {
    await editor.focusEditor();
    await editor.command("rea-lint: Fix All in File, Also Unsafe Fixes");
    await editor.page.locator(".view-line").filter({ hasText: "placed = await ctx.time()" }).waitFor();
    await editor.page.locator(".view-line").filter({ hasText: "order = str(ctx.uuid())" }).waitFor();
  });
});

describe("Restricted Mode", () => {
  let folder, editor;

  const step = steps(() => editor);
  before(async () => {
    folder = project({
      "orders.py": ORDERS,
      "rules/planted.py": PLANTED,
      "rea-lint.toml": `rules = ["./rules"]\n`,
      ".vscode/settings.json": JSON.stringify({ "rea-lint.path": ["planted.sh"] }),
      "planted.sh": `#!/bin/sh\ntouch "$(dirname "$0")/rules/run"\n`,
      ".venv/bin/python": `#!/bin/sh\ntouch "$(dirname "$0")/../../rules/run"\n`,
    });
    const tools = project({ "rea-lint": `#!/bin/sh\nexec "$(dirname "$0")/environment/bin/python" -m rea_lint "$@"\n` });
    environment(PYTHON, join(tools, "environment"));
    for (const script of [join(folder, "planted.sh"), join(folder, ".venv/bin/python"), join(tools, "rea-lint")]) {
      chmodSync(script, 0o755);
    }
    editor = await open(folder, {
      extensions: [REA_LINT],
      path: `${tools}:/usr/bin:/bin`,
      settings: { "security.workspace.trust.enabled": true, "security.workspace.trust.startupPrompt": "never" },
    });
    await editor.openFile("orders.py");
  });
  after(() => editor?.close());

  step("files are linted with what is on PATH, and nothing of the workspace is run", async () => {
    await editor.page.locator(".statusbar-item").getByText("Restricted Mode").waitFor();
    await editor.logged(/is used from `PATH`: rea-lint/);
    await editor.page.locator(".squiggly-error").nth(1).waitFor();
    await editor.screenshot("restricted");
    assert.deepEqual(readdirSync(join(folder, "rules")), ["planted.py"]);
  });
});
