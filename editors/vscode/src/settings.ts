/** The settings under `rea-lint`, as they stand. */

import { homedir } from "node:os";
import { workspace, type Uri } from "vscode";
import { expand, type Strategy, type Wish } from "./find";
import { interpreters } from "./python";

export const SECTION = "rea-lint";

/** What the server reads; the same keys as in the settings, and `trusted`. */
export interface ServerSettings {
  readonly configuration: string | null;
  readonly select: readonly string[] | null;
  readonly extendSelect: readonly string[] | null;
  readonly ignore: readonly string[] | null;
  readonly run: "onType" | "onSave";
  readonly codeLens: boolean;
  /** False in Restricted Mode: code that the project brings, its own rule modules, is not run. */
  readonly trusted: boolean;
}

export function enabled(): boolean {
  return workspace.getConfiguration(SECTION).get("enable", true);
}

/** For a folder; for the window without one. */
export function serverSettings(folder?: Uri): ServerSettings {
  const values = workspace.getConfiguration(SECTION, folder);
  const configuration = values.get<string | null>("configuration", null);
  return {
    configuration: configuration === null ? null : (absolute(configuration, folder) ?? configuration),
    select: values.get<string[] | null>("select", null),
    extendSelect: values.get<string[] | null>("extendSelect", null),
    ignore: values.get<string[] | null>("ignore", null),
    run: values.get("run", "onType"),
    codeLens: values.get("codeLens", true),
    trusted: workspace.isTrusted,
  };
}

/** What `find` is to find. What cannot be used is logged. */
export async function wish(log: (line: string) => void): Promise<Wish> {
  const values = workspace.getConfiguration(SECTION);
  return {
    strategy: values.get<Strategy>("importStrategy", "fromEnvironment"),
    paths: values.get<string[]>("path", []).flatMap((path) => {
      const found = absolute(path);
      if (found === undefined) {
        log(`Not used: ${path} of the setting \`rea-lint.path\` has no meaning here`);
      }
      return found ?? [];
    }),
    folders: folders().map((folder) => folder.fsPath),
    interpreters: workspace.isTrusted ? await selected(log) : [],
    trusted: workspace.isTrusted,
    platform: process.platform,
  };
}

async function selected(log: (line: string) => void): Promise<string[]> {
  try {
    return await interpreters(folders());
  } catch (error) {
    log(`Not used: the Python extension does not say what is selected: ${String(error)}`);
    return [];
  }
}

/** The workspace folders that are on the disk. */
function folders(): Uri[] {
  return (workspace.workspaceFolders ?? []).map((folder) => folder.uri).filter((uri) => uri.scheme === "file");
}

/** A path of the settings of a folder, or of the window. */
function absolute(path: string, of?: Uri): string | undefined {
  const all = (workspace.workspaceFolders ?? []).map((folder) => ({ name: folder.name, path: folder.uri.fsPath }));
  const own = all.filter((folder) => folder.path === of?.fsPath);
  return expand(path, [...own, ...all], homedir(), process.env, process.platform);
}
