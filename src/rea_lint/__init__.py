"""A linter for durable execution with Restate: finds code that breaks replay, says why, and offers the fix."""

__version__ = "0.1.0"
HOME = "https://github.com/rea-lint/rea-lint"
CACHE = ".rea_lint_cache"  # the name of the folder
