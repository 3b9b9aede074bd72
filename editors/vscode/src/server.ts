/** The language server of this window: found, started, started anew, stopped. */

import { Uri, type ExtensionContext, type LogOutputChannel } from "vscode";
import { LanguageClient, RevealOutputChannelOn, State, TransportKind, type LanguageClientOptions } from "vscode-languageclient/node";
import { find, type Found } from "./find";
import { tellMissing } from "./missing";
import { surroundings, version, type Surroundings } from "./run";
import { enabled, SECTION, serverSettings, wish } from "./settings";
import type { Status } from "./status";

export class Server {
  private readonly surroundings: Surroundings;
  private client: LanguageClient | undefined;
  private search = new AbortController();
  private turn: Promise<void> = Promise.resolve();
  private waiting = false;

  constructor(
    private readonly context: ExtensionContext,
    private readonly log: LogOutputChannel,
    private readonly status: Status,
  ) {
    this.surroundings = surroundings(context.extensionPath);
  }

  /** What reads and writes the protocol's places. Throws while there is no server. */
  get converter(): LanguageClient["protocol2CodeConverter"] {
    return this.connected().protocol2CodeConverter;
  }

  /** Has the server run one of its commands. Rejects while there is none. */
  async execute(command: string, ...args: readonly unknown[]): Promise<unknown> {
    return await this.connected().sendRequest("workspace/executeCommand", { command: `rea-lint.server.${command}`, arguments: args });
  }

  /** Starts, or starts anew, by what the settings say now. Calls that come while one waits are taken together. */
  restart(why: string): Promise<void> {
    this.log.info(why);
    this.search.abort(); // `uvx` may be about to download what is not wanted any more
    if (!this.waiting) {
      this.waiting = true;
      this.turn = this.turn.then(async () => {
        this.waiting = false;
        await this.stop();
        try {
          await this.start();
        } catch (error) {
          this.log.error(`The server does not start: ${String(error)}`);
          this.status.failed();
        }
      });
    }
    return this.turn;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.log.warn(`The server did not stop in order: ${String(error)}`);
    }
  }

  private connected(): LanguageClient {
    if (this.client === undefined) {
      throw new Error("rea-lint does not run; the log says why");
    }
    return this.client;
  }

  private async start(): Promise<void> {
    if (!enabled()) {
      this.log.info("Switched off by the setting `rea-lint.enable`");
      this.status.off();
      return;
    }
    this.status.busy();
    const { signal } = (this.search = new AbortController());
    const log = (line: string) => {
      this.log.info(line);
    };
    const wanted = await wish(log);
    const found = await find(wanted, (candidate) => version(candidate, this.surroundings, signal), log, signal);
    if (signal.aborted) {
      return; // and another search comes after this one
    }
    if (found === undefined) {
      this.status.missing();
      void tellMissing(this.context, wanted.interpreters[0], (why) => void this.restart(why));
      return;
    }
    this.client = this.connect(found);
    await this.client.start();
  }

  private connect(found: Found): LanguageClient {
    const [command, ...first] = found.command;
    const options: LanguageClientOptions = {
      documentSelector: [{ scheme: "file", language: "python" }],
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      // Operations are shown by the command `rea-lint.showOperations`, messages by every hover of VS Code.
      initializationOptions: { ...serverSettings(), showsOperations: true, showsMessages: true },
      middleware: {
        workspace: {
          configuration: async (params, token, next) => {
            const answers = await next(params, token);
            return Array.isArray(answers)
              ? params.items.map((item, at): unknown =>
                  item.section === SECTION
                    ? serverSettings(item.scopeUri === undefined ? undefined : Uri.parse(item.scopeUri))
                    : answers[at],
                )
              : answers;
          },
        },
      },
    };
    const client = new LanguageClient(
      SECTION,
      "rea-lint",
      { command, args: [...first, "server"], options: this.surroundings, transport: TransportKind.stdio },
      options,
    );
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) {
        this.status.running(found);
      } else if (newState === State.Stopped && this.client === client) {
        this.status.failed();
      }
    });
    return client;
  }
}
