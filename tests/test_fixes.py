"""Which fixes go together, and what is left after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rea_lint.diagnostic import Applicability, Diagnostic, Fix, Severity
from rea_lint.fixes import compatible, fix, parses, settle
from rea_lint.text import Edit, Span

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/m.py"


def finding(start: int, *edits: tuple[int, int, str], code: str = "REA101", safety: Applicability = Applicability.SAFE) -> Diagnostic:
    the_fix = Fix("Mend it", tuple(Edit(Span(a, b), new) for a, b, new in edits), safety)
    return Diagnostic(PATH, Span(start, start), code, "name", Severity.ERROR, "message", the_fix, (), (), "url")


def replacing(text: str, old: str, new: str, *also: tuple[int, int, str], code: str = "REA101") -> Diagnostic:
    start = text.index(old)
    return finding(start, (start, start + len(old), new), *also, code=code)


def test_fixes_at_different_places_are_all_applied() -> None:
    text = "a = one()\nb = two()\n"
    after, done = fix(text, [replacing(text, "two()", "2"), replacing(text, "one()", "1")])
    assert after == "a = 1\nb = 2\n"
    assert len(done) == 2


def test_the_same_import_is_inserted_once() -> None:
    text = "a = one()\nb = two()\n"
    add = (0, 0, "import mend\n")
    after, _ = fix(text, [replacing(text, "one()", "mend.one()", add), replacing(text, "two()", "mend.two()", add)])
    assert after == "import mend\na = mend.one()\nb = mend.two()\n"


def test_different_imports_at_one_place_come_sorted() -> None:
    text = "x = one()\nb = two()\n"
    one = replacing(text, "one()", "1", (0, 0, "import z\n"))
    two = replacing(text, "two()", "2", (0, 0, "import a\n"))
    assert fix(text, [one, two])[0] == "import a\nimport z\nx = 1\nb = 2\n"


def test_of_fixes_that_overlap_the_first_wins_whole() -> None:
    text = "a = one(two())\n"
    outer = replacing(text, "one(two())", "1")
    inner = replacing(text, "two()", "2", (0, 0, "import mend\n"))
    assert fix(text, [inner, outer]) == ("a = 1\n", [outer])


def test_of_an_insertion_that_touches_a_replacement_the_first_wins() -> None:
    text = "a = one()\n"
    awaited = finding(4, (4, 4, "await "), code="REA305")
    replaced = replacing(text, "one()", "1", code="REA101")
    assert compatible([awaited, replaced]) == [replaced]


def test_different_insertions_at_one_place_do_not_go_together() -> None:
    assert len(compatible([finding(4, (4, 4, "str("), code="REA1"), finding(4, (4, 4, "await "), code="REA2")])) == 1


def test_replacements_side_by_side_go_together() -> None:
    assert fix("ab", [finding(0, (0, 1, "x")), finding(1, (1, 2, "y"))])[0] == "xy"


def test_a_fix_that_breaks_the_syntax_is_left_out_and_the_others_stay() -> None:
    text = "a = one()\nb = two()\n"
    bad = replacing(text, "one()", "1 +", code="REA101")
    good = replacing(text, "two()", "2", code="REA102")
    assert fix(text, [bad, good]) == ("a = one()\nb = 2\n", [good])


def calls_fixed_one_by_one(texts: Mapping[str, str]) -> list[Diagnostic]:
    """Findings on `f(...)`, outermost first: an inner one can be fixed only after the one around it."""
    text = texts.get(PATH, "x = f(f(f(1)))\n")
    start = text.find("f(")
    return [finding(start, (start, start + 1, "g"))] if start >= 0 else []


def test_fixing_goes_on_until_nothing_is_left() -> None:
    fixed = settle({PATH: "x = f(f(f(1)))\n"}, calls_fixed_one_by_one, lambda _: True)
    assert dict(fixed.texts) == {PATH: "x = g(g(g(1)))\n"}
    assert len(fixed.applied) == 3


def test_rules_that_disagree_come_to_an_end() -> None:
    def swap(texts: Mapping[str, str]) -> list[Diagnostic]:
        text = texts.get(PATH, "x = 1\n")
        return [finding(4, (4, 5, "2" if text[4] == "1" else "1"))]

    fixed = settle({PATH: "x = 1\n"}, swap, lambda _: True)
    assert dict(fixed.texts) == {PATH: "x = 2\n"}


def test_what_is_not_allowed_is_not_applied() -> None:
    fixed = settle({PATH: "x = f(1)\n"}, calls_fixed_one_by_one, lambda d: d.code == "REA999")
    assert not fixed.texts
    assert not fixed.applied


def test_a_text_that_is_not_given_is_not_touched() -> None:
    assert not settle({"/other.py": "x = f(1)\n"}, calls_fixed_one_by_one, lambda _: True).texts


@pytest.mark.parametrize(("text", "good"), [("x = 1", True), ("x = ", False), ("x = '\\d'", True), ("\x00", False), ("(" * 5000, False)])
def test_parses_says_yes_or_no_and_never_raises(text: str, good: bool) -> None:
    assert parses(text) is good
