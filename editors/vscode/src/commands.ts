/** The commands of the palette, and those that a code lens or a code action runs. */

import {
  commands,
  languages,
  Range,
  Uri,
  window,
  workspace,
  type Disposable,
  type LogOutputChannel,
  type QuickPickItem,
  type TextDocumentContentProvider,
} from "vscode";
import type { Location as ProtocolLocation, Position } from "vscode-languageclient";
import type { Server } from "./server";

const PAGES = "rea-lint";

export function register(server: Server, log: LogOutputChannel): Disposable[] {
  const pages: TextDocumentContentProvider = {
    provideTextDocumentContent: (page) => server.execute("page", page.query) as Promise<string>,
  };
  const registered = (name: string, run: (...args: never[]) => unknown) =>
    commands.registerCommand(`rea-lint.${name}`, async (...args: never[]) => {
      try {
        await run(...args);
      } catch (error) {
        log.error(`${name}: ${String(error)}`);
        void window.showErrorMessage(`rea-lint: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  return [
    workspace.registerTextDocumentContentProvider(PAGES, pages),
    registered("fixAll", () => fixAll(server, "fixAll")),
    registered("fixAllUnsafe", () => fixAll(server, "fixAllUnsafe")),
    registered("showRule", (code?: string) => showRule(server, code)),
    registered("showHandlers", () => showHandlers(server)),
    registered("showOperations", (uri: string, position: Position, operations: ProtocolLocation[]) =>
      showOperations(server, uri, position, operations),
    ),
    registered("restart", () => server.restart("Restarted by command")),
    registered("showLogs", () => {
      log.show();
    }),
  ];
}

/** Has the server fix the active file. */
async function fixAll(server: Server, command: "fixAll" | "fixAllUnsafe"): Promise<void> {
  const document = window.activeTextEditor?.document;
  if (document?.languageId === "python") {
    await server.execute(command, document.uri.toString());
  }
}

/** Shows the page of a rule: the given one, that of the finding at the cursor, or one that the user chooses. */
async function showRule(server: Server, code: string | undefined): Promise<void> {
  const shown = code ?? codeAtCursor() ?? (await chooseRule(server));
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

interface Rule {
  readonly code: string;
  readonly name: string;
  readonly summary: string;
}

async function chooseRule(server: Server): Promise<string | undefined> {
  const items = (server.execute("rules") as Promise<Rule[]>).then((rules) =>
    rules.map(({ code, name, summary }): QuickPickItem => ({ label: code, description: name, detail: summary })),
  );
  const chosen = await window.showQuickPick(items, { placeHolder: "Whose page?", matchOnDescription: true, matchOnDetail: true });
  return chosen?.label;
}

/** What the server says of a handler; places as the protocol writes them. */
interface Handler {
  readonly name: string;
  /** Such as "12 operations, 3 steps". */
  readonly title: string;
  readonly location: ProtocolLocation;
}

/** Lists the handlers of the project, and goes to the one that is chosen. */
async function showHandlers(server: Server): Promise<void> {
  const items = (server.execute("handlers") as Promise<Handler[]>).then((handlers) =>
    handlers.map((handler) => ({ label: handler.name, description: handler.title, handler })),
  );
  const chosen = await window.showQuickPick(items, { placeHolder: "Go to a handler", matchOnDescription: true });
  if (chosen !== undefined) {
    const { uri, range } = server.converter.asLocation(chosen.handler.location);
    await window.showTextDocument(uri, { selection: new Range(range.start, range.start) });
  }
}

/** Shows what a handler journals, at the line above it. The arguments are the protocol's. */
async function showOperations(server: Server, uri: string, position: Position, operations: ProtocolLocation[]): Promise<void> {
  const { converter } = server;
  await commands.executeCommand(
    "editor.action.goToLocations",
    Uri.parse(uri),
    converter.asPosition(position),
    operations.map((location) => converter.asLocation(location)),
    "peek",
    "Nothing is journaled here",
  );
}
