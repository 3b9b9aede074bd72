// The part of the Python extension's API that rea-lint uses, over an interpreter that stands in python.txt of the first folder.
const { readFileSync } = require("node:fs");
const { EventEmitter, RelativePattern, Uri, workspace } = require("vscode");

exports.activate = () => {
  const changed = new EventEmitter();
  const [folder] = workspace.workspaceFolders;
  const watcher = workspace.createFileSystemWatcher(new RelativePattern(folder, "python.txt"));
  watcher.onDidChange(() => changed.fire({ id: "selected", path: selected() }));
  const selected = () => readFileSync(Uri.joinPath(folder.uri, "python.txt").fsPath, "utf8");
  return {
    environments: {
      getActiveEnvironmentPath: () => ({ id: "selected", path: selected() }),
      onDidChangeActiveEnvironmentPath: changed.event,
      resolveEnvironment: (environment) => Promise.resolve({ executable: { uri: Uri.file(environment.path) } }),
    },
  };
};
