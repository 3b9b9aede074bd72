"""A linter for durable execution with Restate: finds code that breaks replay, says why, and offers the fix."""

__version__ = "0.1.0"
