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

/** What `--version` prints. Rejects if that fails, takes longer than the candidate's patience, or is ended by `signal`. */
export async function version(candidate: Candidate, where: Surroundings, signal: AbortSignal): Promise<string> {
  const [command, ...first] = candidate.command;
  const { stdout } = await promisify(execFile)(command, [...first, "--version"], { ...where, signal, timeout: candidate.patience });
  return stdout;
}
