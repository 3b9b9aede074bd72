/** The item about rea-lint beside the language of a Python file: what runs, or what is wrong. */

import { languages, LanguageStatusSeverity } from "vscode";
import type { Found } from "./find";

export interface Status {
  busy(): void;
  running(found: Found): void;
  missing(): void;
  failed(): void;
  off(): void;
  dispose(): void;
}

export function status(): Status {
  const item = languages.createLanguageStatusItem("rea-lint", { language: "python" });
  item.name = "rea-lint";
  const logs = { command: "rea-lint.showLogs", title: "Show Logs" };
  const restart = { command: "rea-lint.restart", title: "Restart" };
  const show = (text: string, detail: string, severity: LanguageStatusSeverity, command: typeof logs, busy = false) => {
    Object.assign(item, { text, detail, severity, command, busy });
  };
  return {
    busy: () => {
      show("rea-lint", "starts", LanguageStatusSeverity.Information, logs, true);
    },
    running: (found) => {
      show(`rea-lint ${found.version}`, `from ${found.from.replaceAll("`", "")}`, LanguageStatusSeverity.Information, logs);
    },
    missing: () => {
      show("rea-lint", "is not found", LanguageStatusSeverity.Error, logs);
    },
    failed: () => {
      show("rea-lint", "does not run", LanguageStatusSeverity.Error, restart);
    },
    off: () => {
      show("rea-lint", "is switched off", LanguageStatusSeverity.Information, logs);
    },
    dispose: () => {
      item.dispose();
    },
  };
}
