/** What is said to the user if there is no rea-lint, and what is done about it. */

import { commands, env, extensions, ProcessExecution, Task, tasks, TaskScope, Uri, window, type ExtensionContext } from "vscode";

const QUIET = "rea-lint.quietAboutMissing";
const INSTALLATION = "https://github.com/rea-lint/rea-lint/blob/main/docs/editors.md#vs-code";

/** Says it, unless the user has asked for silence in this workspace; `interpreter` is where an installation goes. */
export async function tellMissing(
  context: ExtensionContext,
  interpreter: string | undefined,
  restart: (why: string) => void,
): Promise<void> {
  if (context.workspaceState.get<boolean>(QUIET, false)) {
    return;
  }
  const actions = new Map<string, () => unknown>();
  if (interpreter === undefined) {
    actions.set("How to Install", () => env.openExternal(Uri.parse(INSTALLATION)));
  } else {
    actions.set("Install", () => install(context, interpreter, restart));
  }
  if (extensions.getExtension("ms-python.python") !== undefined) {
    actions.set("Select Interpreter", () => commands.executeCommand("python.setInterpreter"));
  }
  actions.set("Don't Show Again", () => context.workspaceState.update(QUIET, true));
  const chosen = await window.showWarningMessage(
    "rea-lint is not found: not in the Python environment, not on PATH, and not through uvx.",
    ...actions.keys(),
  );
  if (chosen !== undefined) {
    await actions.get(chosen)?.();
  }
}

/** Installs into an environment, in a terminal where the user sees it, and starts the server when it is done. */
async function install(context: ExtensionContext, interpreter: string, restart: (why: string) => void): Promise<void> {
  const command = new ProcessExecution(interpreter, ["-m", "pip", "install", "rea-lint"]);
  const execution = await tasks.executeTask(new Task({ type: "process" }, TaskScope.Workspace, "Install rea-lint", "rea-lint", command));
  context.subscriptions.push(
    tasks.onDidEndTaskProcess((event) => {
      if (event.execution === execution) {
        restart(`The installation ended with exit code ${event.exitCode ?? "unknown"}`);
      }
    }),
  );
}
