/** The door: VS Code calls `activate` and `deactivate`. */

import { window, workspace, type ExtensionContext } from "vscode";
import { register } from "./commands";
import { onDidSelectInterpreter } from "./python";
import { Server } from "./server";
import { status } from "./status";

interface Manifest {
  readonly version: string;
  readonly contributes: { readonly configuration: { readonly properties: Readonly<Record<string, unknown>> } };
}

let server: Server | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel("rea-lint", { log: true });
  const shown = status();
  const manifest = context.extension.packageJSON as Manifest;
  // What is traced is the client's business: it follows that setting by itself.
  const settings = Object.keys(manifest.contributes.configuration.properties).filter((name) => name !== "rea-lint.trace.server");
  const started = (server = new Server(context, log, shown));
  context.subscriptions.push(
    log,
    shown,
    ...register(started, log),
    workspace.onDidChangeConfiguration((event) => {
      if (settings.some((setting) => event.affectsConfiguration(setting))) {
        void started.restart("Restarted, since the settings have changed");
      }
    }),
    workspace.onDidGrantWorkspaceTrust(() => void started.restart("Restarted, since the workspace is trusted now")),
    workspace.onDidChangeWorkspaceFolders(() => void started.restart("Restarted, since the workspace folders have changed")),
  );
  void started.restart(`rea-lint for VS Code ${manifest.version}`);
  void onDidSelectInterpreter(() => void started.restart("Restarted, since another interpreter was selected")).then((selected) => {
    if (selected !== undefined) {
      context.subscriptions.push(selected);
    }
  });
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
