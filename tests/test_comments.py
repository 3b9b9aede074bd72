"""Suppression comments: which are found, and the rows they speak for."""

from __future__ import annotations

import random
import sys
import time

import pytest

from rea_lint.comments import suppressions
from rea_lint.text import Source


def said(text: str) -> list[tuple[str, tuple[str, ...], int, int]]:
    return [(s.form, s.codes, s.row, s.last_row) for s in suppressions(Source(text))]


@pytest.mark.parametrize(
    ("comment", "form", "codes", "reason"),
    [
        ("# rea-lint: ignore[REA101]", "ignore", ("REA101",), ""),
        ("# rea-lint: ignore[REA101] the log only", "ignore", ("REA101",), "the log only"),
        ("# rea-lint: ignore[REA101, wall-clock]  see #12", "ignore", ("REA101", "wall-clock"), "see #12"),
        ("# rea-lint: ignore", "ignore", (), ""),
        ("#rea-lint:ignore [REA101]", "ignore", ("REA101",), ""),
        ("# Rea-Lint: Ignore[rea101]", "ignore", ("rea101",), ""),
        ("# noqa", "noqa", (), ""),
        ("#NOQA", "noqa", (), ""),
        ("# noqa: REA101", "noqa", ("REA101",), ""),
        ("# noqa:E501,REA101 because", "noqa", ("REA101",), "because"),
        ("# noqa: E501 REA101", "noqa", ("REA101",), ""),
        ("# noqa : REA101", "noqa", ("REA101",), ""),
    ],
)
def test_a_comment_says_what_it_silences(comment: str, form: str, codes: tuple[str, ...], reason: str) -> None:
    (found,) = suppressions(Source(f"x = 1  {comment}\n"))
    assert (found.form, found.codes, found.reason, found.row, found.last_row) == (form, codes, reason, 1, 1)
    assert f"x = 1  {comment}"[found.span.start : found.span.end] == comment


@pytest.mark.parametrize(
    "text",
    [
        "x = '# rea-lint: ignore'",
        "x = '''\n# noqa\n'''",
        'x = f"{y} # rea-lint: ignore[REA101]"',
        "x = 1  # noqa: E501",
        "x = 1  # noqa: of no use",
        "x = 1  # noqa-ish",
        "x = 1  # see rea-lint",
        "x = 1  # the comment is rea-lint: ignore",
        "x = 1  # type: ignore",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize("comment", ["# rea-lint: disable=REA101", "# rea-lint: ignore[]", "# rea-lint: ignore[REA101", "# rea-lint:"])
def test_one_that_cannot_be_read_is_malformed(comment: str) -> None:
    assert [(form, codes) for form, codes, _, _ in said(f"x = 1  {comment}")] == [("malformed", ())]


def test_several_on_one_line_are_several() -> None:
    text = "x = 1  # type: ignore  # rea-lint: ignore[REA101] a clock # noqa: REA102 # pragma: no cover\n"
    assert [text[s.span.start : s.span.end] for s in suppressions(Source(text))] == ["# rea-lint: ignore[REA101] a clock", "# noqa: REA102"]


def test_a_file_comment_speaks_for_the_whole_file() -> None:
    assert said("import os\n\n# rea-lint: ignore-file[REA211] a script\n") == [("ignore-file", ("REA211",), 0, 0)]


def test_at_either_end_of_a_statement_it_speaks_for_the_statement_and_in_the_middle_for_its_row() -> None:
    text = "x = f(  # rea-lint: ignore[REA1]\n    a,  # rea-lint: ignore[REA2]\n    b,\n)  # rea-lint: ignore[REA3]\n"
    assert [(codes, row, last) for _, codes, row, last in said(text)] == [(("REA1",), 1, 4), (("REA2",), 2, 2), (("REA3",), 1, 4)]


def test_behind_a_string_of_several_rows_it_speaks_for_the_statement() -> None:
    assert [(row, last) for _, _, row, last in said('x = f("""\n# noqa\n""")  # noqa\n')] == [(1, 3)]


def test_alone_it_speaks_for_the_statement_below() -> None:
    text = "# rea-lint: ignore[REA1]\n# why\n\n# rea-lint: ignore[REA2]\nx = f(\n    1,\n)\ny = 2\n"
    assert [(row, last) for _, _, row, last in said(text)] == [(5, 7), (5, 7)]


def test_alone_within_brackets_it_speaks_for_the_next_row() -> None:
    assert [(row, last) for _, _, row, last in said("x = f(\n    # rea-lint: ignore\n\n    a,\n    b,\n)\n")] == [(4, 4)]


def test_alone_above_a_block_it_speaks_for_the_head_of_it() -> None:
    text = "def f():\n    # rea-lint: ignore\n    with a(\n        b\n    ):\n        c()\n"
    assert [(row, last) for _, _, row, last in said(text)] == [(3, 5)]


def test_with_no_code_below_it_speaks_for_nothing_that_is_there() -> None:
    assert said("x = 1\n# rea-lint: ignore") == [("ignore", (), 3, 3)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_rows_are_those_of_the_parser_whatever_ends_lines(newline: str) -> None:
    text = newline.join(["x = '\u2028\x0b'", "# noqa", "y = (1,", "  2)  # noqa: REA101", "z = 3  # noqa"])
    assert [(row, last) for _, _, row, last in said(text)] == [(3, 4), (3, 4), (5, 5)]


@pytest.mark.parametrize(
    "text",
    [
        "x = (  # noqa",
        "if (:  # noqa\n  'abc\n",
        "  x # noqa\n y # noqa\n",
        "x = '''  # noqa",
        "\x00 # noqa",
        "(" * 5000 + " # noqa",
        "\f\n# noqa",
        "\\",
    ],
    ids=["open bracket", "nonsense", "dedent", "open string", "null", "brackets", "form feed", "backslash"],
)
def test_broken_text_raises_nothing(text: str) -> None:
    rows = len(Source(text))
    assert all(0 <= s.row <= s.last_row <= rows + 1 for s in suppressions(Source(text)))


def test_random_text_raises_nothing_and_spans_slice_back() -> None:
    source_of_chance = random.Random(1)
    pieces = [
        "# noqa",
        "# rea-lint: ignore[REA101]",
        "\n",
        "\r\n",
        "\r",
        "(",
        ")",
        "'",
        '"""',
        "x",
        " ",
        "    ",
        "\\\n",
        ":",
        "def f",
        "\t",
        "é",
        "# a",
    ]
    for _ in range(500):
        text = "".join(source_of_chance.choices(pieces, k=12))
        for found in suppressions(Source(text)):
            assert text[found.span.start] == "#", text
            assert found.span.end > found.span.start + 1, text


def test_text_without_our_words_is_not_tokenized(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("tokenized")

    monkeypatch.setattr("rea_lint.comments.tokenize.generate_tokens", fail)
    text = "x = 1  # noqa: E501\n# a comment\n" * 50_000
    start = time.perf_counter()
    assert said(text) == []
    assert time.perf_counter() - start < 1, f"2 MB took longer than a second on {sys.version}"
