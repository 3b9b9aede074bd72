/** Running rea-lint as a program of its own, away from the project. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Candidate } from "./find";

export interface Surroundings {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * `python -m` looks for modules in the folder it starts in, and `uvx` for a configuration: a workspace would choose what runs.
 * So everything starts in the extension's own folder.
 */
export function surroundings(folder: string): Surroundings {
  return { cwd: folder, env: { ...process.env, PYTHONSAFEPATH: "1", PYTHONUTF8: "1", NO_COLOR: "1" } };
}

/**
 * What a command of rea-lint prints to stdout.
 * Rejects if it does not run, ends with another code than 0, takes longer than its patience, or is ended by `signal`.
 */
export async function output(candidate: Candidate, args: readonly string[], where: Surroundings, signal?: AbortSignal): Promise<string> {
  const [command, ...first] = candidate.command;
  const { stdout } = await promisify(execFile)(command, [...first, ...args], {
    ...where,
    ...(signal && { signal }),
    timeout: candidate.patience,
    maxBuffer: 16 * 1024 * 1024, // the pages of all rules are 0.4 MB, and node would stop at 1
  });
  return stdout;
}
