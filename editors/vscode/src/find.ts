/** Where rea-lint is: the commands that may start it, in the order in which they are tried, and why each. Knows nothing of VS Code. */

import { posix, win32 } from "node:path";

export type Strategy = "fromEnvironment" | "fromPath" | "useUvx";

/** What is known before anything is run. */
export interface Wish {
  readonly strategy: Strategy;
  /** Of the setting, with variables replaced, absolute. */
  readonly paths: readonly string[];
  /** The workspace folders, absolute. */
  readonly folders: readonly string[];
  /** The interpreters that the Python extension has selected for them; empty without that extension. */
  readonly interpreters: readonly string[];
  /** False in Restricted Mode: nothing that the workspace brings is run. */
  readonly trusted: boolean;
  readonly platform: NodeJS.Platform;
}

export interface Candidate {
  /** The executable and its first arguments; `server`, `rule` and so on follow. */
  readonly command: readonly [string, ...string[]];
  /** Completes "rea-lint is used from ...". */
  readonly from: string;
  /** How long the first start may take, in milliseconds. */
  readonly patience: number;
}

export interface Found extends Candidate {
  readonly version: string;
}

// A start takes 0.3 s on a warm disk; a cold one on a network drive takes many. `uvx` may have to download the packages first.
const PATIENCE = 15_000;
const DOWNLOAD_PATIENCE = 120_000;

/** What to try, best first. */
export function candidates(wish: Wish): Candidate[] {
  const path = wish.platform === "win32" ? win32 : posix;
  const python = wish.platform === "win32" ? path.join("Scripts", "python.exe") : path.join("bin", "python");
  const module = (interpreter: string, from: string): Candidate => ({
    command: [interpreter, "-m", "rea_lint"],
    from,
    patience: PATIENCE,
  });
  const tried: Candidate[] = [];
  if (wish.trusted) {
    tried.push(...wish.paths.map((file): Candidate => ({ command: [file], from: "the setting `rea-lint.path`", patience: PATIENCE })));
  }
  if (wish.trusted && wish.strategy === "fromEnvironment") {
    tried.push(
      ...wish.interpreters.map((interpreter) => module(interpreter, "the environment selected in the Python extension")),
      ...wish.folders.map((folder) => module(path.join(folder, ".venv", python), "the `.venv` of the workspace folder")),
    );
  }
  if (wish.strategy !== "useUvx") {
    tried.push({ command: ["rea-lint"], from: "`PATH`", patience: PATIENCE });
  }
  tried.push({ command: ["uvx", "rea-lint"], from: "`uvx`", patience: DOWNLOAD_PATIENCE });
  return tried.filter((candidate, at) => tried.findIndex((earlier) => earlier.command.join("\0") === candidate.command.join("\0")) === at);
}

/**
 * The first candidate that says its version, or undefined; also if `signal` says to stop looking.
 *
 * `version` gives what `rea-lint --version` prints, and rejects with a reason if the candidate does not run; the reasons are logged.
 */
export async function find(
  wish: Wish,
  version: (candidate: Candidate) => Promise<string>,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Found | undefined> {
  for (const candidate of candidates(wish)) {
    if (signal.aborted) {
      return undefined;
    }
    const shown = candidate.command.join(" ");
    try {
      const printed = (await version(candidate)).trim();
      const match = /^rea-lint (\S+)$/m.exec(printed);
      if (match?.[1] !== undefined) {
        log(`rea-lint ${match[1]} is used from ${candidate.from}: ${shown}`);
        return { ...candidate, version: match[1] };
      }
      log(`Not used: ${shown} (from ${candidate.from}) prints "${printed}" for --version`);
    } catch (error) {
      log(`Not used: ${shown} (from ${candidate.from}): ${reason(error)}`);
    }
  }
  return undefined;
}

/** A path of the settings with its variables replaced, absolute; undefined if one of them has no value here. */
export function expand(
  path: string,
  folders: readonly { readonly name: string; readonly path: string }[],
  home: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string | undefined {
  const paths = platform === "win32" ? win32 : posix;
  const first = folders[0]?.path;
  const value = (variable: string): string | undefined => {
    const [kind, name] = variable.split(/:(.*)/s);
    switch (kind) {
      case "workspaceFolder":
        return name === undefined ? first : folders.find((folder) => folder.name === name)?.path;
      case "userHome":
        return home;
      case "env":
        return env[name ?? ""];
      default:
        return undefined;
    }
  };
  const parts = path.replace(/^~(?=$|[\\/])/, "${userHome}").split(/\$\{([^}]*)\}/);
  const values = parts.map((part, at) => (at % 2 === 0 ? part : value(part))); // text and variables take turns
  if (values.includes(undefined)) {
    return undefined;
  }
  const replaced = values.join("");
  if (paths.isAbsolute(replaced)) {
    return paths.normalize(replaced);
  }
  return first === undefined ? undefined : paths.resolve(first, replaced);
}

/** The last line of what went wrong: of Python's traceback, the sentence. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  if ("code" in error && error.code === "ENOENT") {
    return "there is no such file";
  }
  const printed = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  return (printed || error.message).split("\n").at(-1) ?? "";
}
