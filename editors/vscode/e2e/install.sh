#!/usr/bin/env bash
# Installs code-server into a folder (default: ~/.cache/rea-lint-editors/code-server) from npm alone, and prints that folder.
# Takes about two minutes, once.  Needs node 20, its headers (/usr/include/node), python3, make and g++.
#
# code-server's own installation scripts fetch ripgrep and prebuilt modules from GitHub.  So no script is run, and the four
# native modules without which it does not start are built from source: argon2 (passwords), @vscode/spdlog (logs),
# native-watchdog (ends the extension host) and node-pty (terminals).  What is missing then is the search in files.
set -euo pipefail

version=4.100.3 # VS Code 1.100, the newest line for node 20
to=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/rea-lint-editors}/code-server
server=$to/node_modules/code-server
export npm_config_nodedir=${npm_config_nodedir:-/usr} npm_config_loglevel=error

if [ "$(cat "$to/installed" 2>/dev/null)" = "$version" ]; then
    echo "$server"
    exit
fi
[ "$(node -p 'process.versions.node.split(".")[0]')" = 20 ] || { echo "code-server $version needs node 20" >&2; exit 1; }

rm -rf "$to"
mkdir -p "$to"
exec 3>&1 4>&2 >"$to/install.log" 2>&1
trap 'tail -n 30 "$to/install.log" >&4' ERR
node_gyp=$(dirname "$(realpath "$(command -v npm)")")/../node_modules/node-gyp/bin/node-gyp.js # npm's own

npm install --prefix "$to" --ignore-scripts --no-audit --no-fund "code-server@$version"
npm install --prefix "$server/lib/vscode" --ignore-scripts --omit=dev --no-audit --no-fund
for module in @vscode/spdlog native-watchdog node-pty; do
    cd "$server/lib/vscode/node_modules/$module"
    node "$node_gyp" rebuild
done
cd "$to/node_modules/argon2"
"$to/node_modules/.bin/node-pre-gyp" rebuild --build-from-source
ln -sfn node_modules "$server/lib/vscode/node_modules.asar" # where extensions look for what comes with VS Code

echo "$version" >"$to/installed"
echo "$server" >&3
