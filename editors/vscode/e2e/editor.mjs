// VS Code in a browser: code-server with extensions, a folder opened in Chromium, and what a user does there.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { CHROMIUM } from "./chromium.mjs";

export const OUT = join(import.meta.dirname, "out");
const PATIENCE = Number(process.env.PATIENCE ?? 60_000); // milliseconds; the first analysis on a loaded machine is the longest wait

const SETTINGS = {
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "window.commandCenter": false,
  "editor.minimap.enabled": false,
  "editor.fontFamily": "'DejaVu Sans Mono', monospace",
  "editor.hover.delay": 100,
  "files.autoSave": "off",
  "git.enabled": false,
  "extensions.autoCheckUpdates": false,
};

/**
 * Opens a folder in the code-server at $CODE_SERVER. `settings` are the user's; `path` is PATH; `extensions` are VSIX files.
 * Gives the page, what a user does there, and what the extension logs.
 */
export async function open(folder, { settings = {}, path = "/usr/bin:/bin", extensions }) {
  const home = mkdtempSync(join(tmpdir(), "rea-lint-e2e-"));
  const user = join(home, "data", "User");
  mkdirSync(user, { recursive: true });
  writeFileSync(join(user, "settings.json"), JSON.stringify({ ...SETTINGS, ...settings }));
  // What the shell of the tests has set (PYTHONPATH, an active environment) is not what decides, nor is /etc/profile: with
  // VSCODE_CLI, no login shell is asked for PATH.
  const env = { HOME: home, PATH: path, LANG: "C.UTF-8", VSCODE_CLI: "1" };
  const codeServer = process.env.CODE_SERVER;
  assert.ok(codeServer, "CODE_SERVER is to be what e2e/install.sh prints");
  const entry = [
    join(codeServer, "out", "node", "entry.js"),
    "--user-data-dir",
    join(home, "data"),
    "--extensions-dir",
    join(home, "extensions"),
  ];
  for (const file of extensions) {
    execFileSync(process.execPath, [...entry, "--install-extension", file], { env, stdio: "pipe" });
  }
  const options = ["--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry", "--disable-update-check"];
  mkdirSync(OUT, { recursive: true });
  const stdio = ["ignore", "pipe", openSync(join(OUT, "code-server.log"), "a")];
  const server = spawn(process.execPath, [...entry, ...options], { env, stdio });
  const lines = createInterface(server.stdout);
  const address = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      const found = /HTTP server listening on (http:\S+?)\/?$/.exec(line);
      if (found) resolve(found[1]);
    });
    server.on("exit", (code) => reject(new Error(`code-server ended with ${code}; ${OUT}/code-server.log says why`)));
  });
  const browser = await chromium.launch(CHROMIUM);
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${address}/?folder=${encodeURIComponent(folder)}`);
  await page.locator(".monaco-workbench").waitFor();

  const log = () =>
    files(join(home, "data", "logs"), "rea-lint.log")
      .map((file) => readFileSync(file, "utf8"))
      .join("");
  return {
    page,
    log,
    /** Changes the settings of the folder: those of the user are not read again by code-server when the file changes. */
    configure(more) {
      mkdirSync(join(folder, ".vscode"), { recursive: true });
      writeFileSync(join(folder, ".vscode", "settings.json"), JSON.stringify(more));
    },
    home,
    /** Waits until the log of the extension has a line like this. */
    logged: (pattern) => until(() => pattern.test(log()), `${pattern} in the log:\n`, log),
    /** Runs a command of the palette. */
    async command(title) {
      await page.keyboard.press("F1");
      await page.keyboard.type(title);
      await page.locator(".quick-input-list .monaco-list-row.focused").getByText(title, { exact: true }).first().waitFor();
      await page.keyboard.press("Enter");
    },
    /** Opens a file by its name in the explorer. */
    async openFile(name) {
      await page.locator(".explorer-folders-view").getByText(name, { exact: true }).dblclick();
      await page.locator(".tabs-container .tab.active").filter({ hasText: name }).waitFor();
    },
    /** The keyboard belongs to the text. */
    focusEditor: () => page.keyboard.press("Control+1"),
    /** Puts the cursor on a line and column, from 1. */
    async goTo(line, column) {
      await page.keyboard.press("Control+G");
      await page.keyboard.type(`${line}:${column}`);
      await page.keyboard.press("Enter");
    },
    screenshot: (name) => page.screenshot({ path: join(OUT, `${name}.png`) }),
    async close() {
      await browser.close();
      server.kill();
      await new Promise((resolve) => server.once("exit", resolve));
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits until `holds()`; fails with what `state()` gives. */
export async function until(holds, what, state = () => "") {
  const end = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > end) assert.fail(`waited in vain for ${what}${state()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What is to be read in all frames of a page: a preview is a frame in a frame. */
export async function texts(page) {
  const read = page.frames().map((frame) =>
    frame
      .locator("body")
      .innerText({ timeout: 1000 })
      .catch(() => ""),
  );
  return await Promise.all(read);
}

/** Makes a folder with these files. */
export function project(files) {
  const folder = mkdtempSync(join(tmpdir(), "shop-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A virtual environment in which this checkout's rea-lint is installed, with what `python` has for it to import. */
export function environment(python, at) {
  execFileSync(python, ["-m", "venv", "--without-pip", at]);
  const packages = (of) => execFileSync(of, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], { encoding: "utf8" }).trim();
  const made = join(at, "bin", "python");
  writeFileSync(join(packages(made), "rea-lint.pth"), `${join(import.meta.dirname, "..", "..", "..", "src")}\n${packages(python)}\n`);
  return made;
}

/** The files of a name below a folder. */
function files(folder, name) {
  const found = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return found.filter((entry) => entry.name === name).map((entry) => join(entry.parentPath, entry.name));
}
