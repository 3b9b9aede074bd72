# What `.ci/run` runs, and what a change must pass.
check: format lint types layers test docs-check

# `just bin=.venv/bin/ check` uses a virtual environment that is not active.
bin := ""

[private]
default:
    @{{ just_executable() }} --list

# Is the code formatted?  (`just fmt` formats it)
format:
    {{ bin }}ruff format --check .

fmt:
    {{ bin }}ruff check --fix-only --quiet .
    {{ bin }}ruff format .

lint:
    {{ bin }}ruff check .

types:
    {{ bin }}mypy

layers:
    {{ bin }}lint-imports

test *ARGS:
    {{ bin }}python -m pytest -n auto {{ ARGS }}

# Write what is generated: docs/rules/ from the rules' pages.
docs:
    {{ bin }}python -m docs_rules

# Is what is generated up to date?
docs-check:
    {{ bin }}python -m docs_rules --check
