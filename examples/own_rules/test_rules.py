"""The pages of the rules are their tests: `rea-lint rule --test`, or this."""

from rea_lint.testing import page_problems


def test_the_pages_are_true() -> None:
    assert page_problems("lint_rules") == []
