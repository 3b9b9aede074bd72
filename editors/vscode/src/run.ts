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

/** What a command of rea-lint prints to stdout. Rejects if it does not run, ends with another code than 0, or takes longer than its patience. */
export async function output(candidate: Candidate, args: readonly string[], where: Surroundings): Promise<string> {
  const [command, ...first] = candidate.command;
  const { stdout } = await promisify(execFile)(command, [...first, ...args], {
    ...where,
    timeout: candidate.patience,
    maxBuffer: 64 * 1024 * 1024, // the journal of all handlers of a large project as JSON
  });
  return stdout;
}
