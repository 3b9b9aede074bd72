"""The tools that rea-lint works in, run for real."""
