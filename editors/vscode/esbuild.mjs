// Builds dist/extension.js and the licences of what is bundled in it; with --tests the unit tests into out/test.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const tests = process.argv.includes("--tests");
const production = process.argv.includes("--production");
const outdir = tests ? "out/test" : "dist";

mkdirSync("out", { recursive: true }); // where vsce writes, too
rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: tests ? ["test/*.test.ts"] : ["src/extension.ts"],
  outdir,
  bundle: true,
  platform: "node",
  target: "node20", // what VS Code 1.100 runs extensions with
  mainFields: ["module", "main"],
  format: "cjs",
  external: ["vscode"],
  minify: production,
  sourcemap: !production,
  metafile: true,
  logLevel: "warning",
});
if (!tests) {
  writeFileSync(join(outdir, "THIRD_PARTY.txt"), licences(Object.keys(metafile.inputs)));
}

/** The licence files of the packages that the bundled files come from. */
function licences(files) {
  const packages = new Set(files.flatMap((file) => file.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0] ?? []));
  return [...packages]
    .sort()
    .map((folder) => {
      const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      if (file === undefined) {
        throw new Error(`${folder} has no licence file`);
      }
      return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
