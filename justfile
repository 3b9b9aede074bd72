# What `.ci/run` runs, and what a change must pass.
check: format lint types layers test docs-check site

# `just bin=.venv/bin/ check` uses a virtual environment that is not active.
bin := ""

# Is the code formatted?  (`just fmt` formats it)
format:
    {{ bin }}ruff format --check .

# Format the code, and apply ruff's safe fixes.
fmt:
    {{ bin }}ruff check --fix-only --quiet .
    {{ bin }}ruff format .

# ruff, all rules
lint:
    {{ bin }}ruff check .

# mypy --strict
types:
    {{ bin }}mypy

# Does each module import only from the layers below it?
layers:
    {{ bin }}lint-imports

# pytest, on all cores
test *ARGS:
    {{ bin }}python -m pytest -n auto {{ ARGS }}

# rea-lint in the tools that it works in: hooks, flake8, pylsp, CI, uvx and pipx, schemas; they are installed to ~/.cache/rea-lint-hosts
hosts *ARGS:
    REA_LINT_HOSTS=1 {{ bin }}python -m pytest tests/test_hosts.py {{ ARGS }}

# The language server in real editors: Neovim, Emacs and Helix as far as they are installed (newer ones are unpacked from Debian), and a long
# time of typing; the VS Code extension: format, types, unit tests, and a user's way through it in code-server (skipped, in so many words,
# where that cannot be had)
editors:
    -{{ bin }}python tests/editors/unpack.py
    REA_LINT_EDITORS=1 {{ bin }}python -m pytest -rs -s tests/test_editors.py tests/test_soak.py
    npm --prefix editors/vscode ci --ignore-scripts --no-audit --no-fund --loglevel=error
    npm --prefix editors/vscode run --silent check
    npm --prefix editors/vscode run --silent test
    PYTHON="$({{ bin }}python -c 'import sys; print(sys.executable)')" npm --prefix editors/vscode run --silent e2e

# The pages' programs on the real SDK and on a restate-server (installed from npm); `just prove --sdk 1.0.5,1.1` on other releases
prove *ARGS:
    {{ bin }}python tests/prove.py {{ ARGS }}

# Write what is generated: docs/rules/ from the rules' pages.
docs:
    {{ bin }}python docs/generate.py

# Is what is generated up to date?
docs-check:
    {{ bin }}python docs/generate.py --check

# The documentation as a site, in build/site; a warning is an error
site:
    {{ bin }}sphinx-build -W --keep-going -q -b html docs build/site

# Draw the pictures of what a terminal shows
pictures:
    {{ bin }}python docs/screenshot.py

# Measure; writes bench/RESULTS.md
bench *ARGS:
    {{ bin }}python bench/bench.py {{ ARGS }}

# Measure the language server; writes bench/EDITOR.md
bench-editor *ARGS:
    {{ bin }}python bench/editor.py {{ ARGS }}

# A new rule: its file, in the folder of its family.  The tests then say what is missing.
new-rule CODE NAME:
    #!/usr/bin/env -S {{ bin }}python
    from pathlib import Path
    from rea_lint.rule import FAMILIES, index

    code, name = "{{ CODE }}", "{{ NAME }}"
    taken = [entry.code for entry in index() if code == entry.code or name == entry.name]
    family = next((family for family, start in FAMILIES.items() if code.startswith(start) and len(code) == 6), None)
    if taken or family is None:
        raise SystemExit(f"{code} {name}: {'taken by ' + taken[0] if taken else 'the code begins with one of ' + ', '.join(FAMILIES.values())}")
    path = Path("src/rea_lint/rules") / family / (name.replace("-", "_") + ".py")
    path.write_text(f'''"""{code}: {name}."""

    from __future__ import annotations

    from collections.abc import Iterator

    import libcst as cst

    from rea_lint.diagnostic import Finding, Severity
    from rea_lint.durable import Durable
    from rea_lint.rule import rule


    @rule("{code}", "{name}", Severity.WARNING)
    def {name.replace("-", "_")}(call: cst.Call, code: Durable) -> Iterator[Finding]:
        """What happens, in one sentence.

        Why, in plain words.

        ```python
        import restate

        greeter = restate.Service("greeter")


        @greeter.handler()
        async def greet(ctx: restate.Context, name: str) -> str:
            return name  # expect: {code} "words of the message"
        ```

        What to do instead:

        ```python fixed
        ```
        """
        yield Finding(code.span(call), "`...` happens; do `...`")
    ''')
    print(path)
