#!/usr/bin/env bash
# Installs code-server if need be, packages the extension, and runs the end-to-end test; screenshots go to e2e/out.
# `run.sh picture` takes docs/images/vscode.png instead.
# Where code-server, Chromium or node 20 cannot be had, it says so and ends with 0; with REA_LINT_E2E=1, it ends with 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
    echo "VS Code end to end: SKIPPED: $1"
    exit "${REA_LINT_E2E:-0}"
}

[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "no Chromium (apt-get install chromium, or CHROMIUM=path)"
CODE_SERVER=$(timeout 600 e2e/install.sh) || skip "code-server could not be installed within ten minutes"
export CODE_SERVER
npm run --silent package >/dev/null
(cd e2e/python-stub && ../../node_modules/.bin/vsce package --allow-missing-repository --no-dependencies --out ../../out/python-stub.vsix >/dev/null 2>&1)
if [ "${1:-}" = picture ]; then
    node e2e/picture.mjs
else
    timeout 900 node --test --test-reporter=spec e2e/vscode.test.mjs
fi
