/** The commands of the palette, and those that a code lens or a code action runs. */

import {
  commands,
  languages,
  QuickPickItemKind,
  Range,
  Selection,
  Uri,
  window,
  workspace,
  type Disposable,
  type LogOutputChannel,
  type QuickPickItem,
  type TextDocumentContentProvider,
} from "vscode";
import { handlerAt, journal, overview, type Place, type Row, type Service } from "./handlers";
import { output } from "./run";
import type { Server } from "./server";
import { serverSettings } from "./settings";

const PAGES = "rea-lint";

export function register(server: Server, log: LogOutputChannel): Disposable[] {
  const pages: TextDocumentContentProvider = { provideTextDocumentContent: (page) => ask(server, ["rule", page.query]) };
  return [
    workspace.registerTextDocumentContentProvider(PAGES, pages),
    ...Object.entries({
      "rea-lint.fixAll": fixAll,
      "rea-lint.showRule": (code?: unknown) => showRule(server, code),
      "rea-lint.showHandlers": (place?: unknown) => showHandlers(server, place),
      "rea-lint.restart": () => server.restart("Restarted by command"),
      "rea-lint.showLogs": () => {
        log.show();
      },
    }).map(([name, run]) =>
      commands.registerCommand(name, async (...args: unknown[]) => {
        try {
          await run(args[0]);
        } catch (error) {
          log.error(`${name}: ${String(error)}`);
          void window.showErrorMessage(`rea-lint: ${error instanceof Error ? error.message : String(error)}`);
        }
      }),
    ),
  ];
}

async function fixAll(): Promise<void> {
  await commands.executeCommand("editor.action.sourceAction", { kind: "source.fixAll.rea-lint", apply: "first" });
}

/** Shows the page of a rule: the given one, that of the finding at the cursor, or one that the user chooses. */
async function showRule(server: Server, code: unknown): Promise<void> {
  const shown = typeof code === "string" ? code : (codeAtCursor() ?? (await chooseRule(server)));
  if (shown !== undefined) {
    await commands.executeCommand("markdown.showPreview", Uri.from({ scheme: PAGES, path: `${shown}.md`, query: shown }));
  }
}

function codeAtCursor(): string | undefined {
  const editor = window.activeTextEditor;
  if (editor === undefined) {
    return undefined;
  }
  const { active } = editor.selection;
  const here = languages
    .getDiagnostics(editor.document.uri)
    .filter(
      (diagnostic) =>
        diagnostic.source === "rea-lint" && diagnostic.range.start.line <= active.line && active.line <= diagnostic.range.end.line,
    );
  const { code } = here.find((diagnostic) => diagnostic.range.contains(active)) ?? here[0] ?? {};
  return code === undefined ? undefined : String(typeof code === "object" ? code.value : code);
}

async function chooseRule(server: Server): Promise<string | undefined> {
  const rules = ask(server, ["rule", "--all", "--output-format", "json"]).then((printed) =>
    (JSON.parse(printed) as { code: string; name: string; summary: string }[]).map((rule): QuickPickItem => ({
      label: rule.code,
      description: rule.name,
      detail: rule.summary,
    })),
  );
  const chosen = await window.showQuickPick(rules, { placeHolder: "Whose page?", matchOnDescription: true, matchOnDetail: true });
  return chosen?.label;
}

/** Lists the handlers of the project, or what the handler at a place journals; goes to what is chosen. */
async function showHandlers(server: Server, place: unknown): Promise<void> {
  const folders = (workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === "file");
  const services = Promise.all(
    folders.map(async ({ uri }) => {
      const { configuration } = serverSettings(uri);
      const config = configuration === null ? [] : ["--config", configuration];
      return JSON.parse(await ask(server, ["handlers", "--output-format", "json", ...config, uri.fsPath])) as Service[];
    }),
  ).then((found) => found.flat());
  const rows = services.then((found) => {
    const handler = isPlace(place) ? handlerAt(found, Uri.parse(place.uri).fsPath, place.line + 1) : undefined;
    return handler === undefined ? overview(found) : journal(handler);
  });
  const items = rows.then((shown) => shown.map(item));
  const chosen = await window.showQuickPick(items, { placeHolder: "Go to", matchOnDescription: true });
  if (chosen?.place !== undefined) {
    await go(chosen.place);
  }
}

function item(row: Row): QuickPickItem & { place?: Place } {
  return row.place === undefined
    ? { label: row.label, kind: QuickPickItemKind.Separator }
    : { label: row.label, description: row.description, place: row.place };
}

async function go({ filename, location }: Place): Promise<void> {
  const editor = await window.showTextDocument(Uri.file(filename));
  const line = editor.document.lineAt(Math.min(location.row, editor.document.lineCount) - 1);
  // VS Code counts UTF-16 units.
  const before = Array.from(line.text)
    .slice(0, location.column - 1)
    .join("");
  editor.selection = new Selection(line.lineNumber, before.length, line.lineNumber, before.length);
  editor.revealRange(new Range(editor.selection.active, editor.selection.active));
}

/** Where a code lens stands; the line from 0. */
function isPlace(value: unknown): value is { uri: string; line: number } {
  return typeof value === "object" && value !== null && "uri" in value && "line" in value && typeof value.uri === "string";
}

async function ask(server: Server, args: readonly string[]): Promise<string> {
  if (server.found === undefined) {
    throw new Error("rea-lint does not run; the log says why");
  }
  return await output(server.found, args, server.surroundings);
}
