import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const node = { process: "readonly", console: "readonly", setTimeout: "readonly" };

export default defineConfig(
  globalIgnores(["dist/", "out/", "e2e/out/"]),
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // node:test gives a promise that nobody needs to wait for
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "@types/node", name: "test" }] },
      ],
    },
  },
  { files: ["**/*.mjs"], languageOptions: { globals: node } },
  { files: ["e2e/python-stub/*.js"], languageOptions: { sourceType: "commonjs" } },
);
