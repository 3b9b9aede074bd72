/** The settings under `rea-lint`, as they stand, and what of them starts the server anew. */

import { homedir } from "node:os";
import { workspace, type ConfigurationScope, type Uri } from "vscode";
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

/** For a folder or file; for the window without one. */
export function serverSettings(scope?: ConfigurationScope): ServerSettings {
  const values = workspace.getConfiguration(SECTION, scope);
  const configuration = values.get<string | null>("configuration", null);
  return {
    configuration: configuration === null ? null : (absolute(configuration) ?? configuration),
    select: values.get<string[] | null>("select", null),
    extendSelect: values.get<string[] | null>("extendSelect", null),
    ignore: values.get<string[] | null>("ignore", null),
    run: values.get("run", "onType"),
    codeLens: values.get("codeLens", true),
    trusted: workspace.isTrusted,
  };
}

/** What `find` is to find; the paths that cannot be read here are handed to `unusable`. */
export async function wish(unusable: (path: string) => void): Promise<Wish> {
  const values = workspace.getConfiguration(SECTION);
  return {
    strategy: values.get<Strategy>("importStrategy", "fromEnvironment"),
    paths: values.get<string[]>("path", []).flatMap((path) => {
      const found = absolute(path);
      if (found === undefined) {
        unusable(path);
      }
      return found ?? [];
    }),
    folders: folders().map((folder) => folder.fsPath),
    interpreters: workspace.isTrusted ? await interpreters(folders()) : [],
    trusted: workspace.isTrusted,
    platform: process.platform,
  };
}

/** The workspace folders that are on the disk. */
function folders(): Uri[] {
  return (workspace.workspaceFolders ?? []).map((folder) => folder.uri).filter((uri) => uri.scheme === "file");
}

function absolute(path: string): string | undefined {
  const named = (workspace.workspaceFolders ?? []).map((folder) => ({ name: folder.name, path: folder.uri.fsPath }));
  return expand(path, named, homedir(), process.env, process.platform);
}
