/** What the Python extension has selected. It need not be there: without it nothing is selected. */

import { PVSC_EXTENSION_ID, PythonExtension } from "@vscode/python-extension";
import { extensions, type Disposable, type Uri } from "vscode";

/** The interpreters of the environments selected for these folders, absolute, in their order. */
export async function interpreters(folders: readonly Uri[]): Promise<string[]> {
  const python = await api();
  if (python === undefined) {
    return [];
  }
  const selected = folders.length === 0 ? [undefined] : folders;
  const found = await Promise.all(
    selected.map(async (folder) => {
      const environment = await python.environments.resolveEnvironment(python.environments.getActiveEnvironmentPath(folder));
      return environment?.executable.uri?.fsPath;
    }),
  );
  return [...new Set(found.filter((path) => path !== undefined))];
}

/** Calls back after another interpreter was selected; undefined without the Python extension. */
export async function onDidSelectInterpreter(then: () => void): Promise<Disposable | undefined> {
  return (await api())?.environments.onDidChangeActiveEnvironmentPath(then);
}

async function api(): Promise<PythonExtension | undefined> {
  return extensions.getExtension(PVSC_EXTENSION_ID) === undefined ? undefined : await PythonExtension.api();
}
