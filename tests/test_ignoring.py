"""Comments that silence a finding are written where they work, and change nothing else."""

from __future__ import annotations

import ast

import pytest

from rea_lint.ignoring import edits, in_file
from rea_lint.suppress import covering, silences
from rea_lint.survey import survey
from rea_lint.text import Source, Span, apply

CLOCK = ("REA101", "wall-clock")
UUID = ("REA103", "native-uuid")


def spot(text: str, word: str) -> Span:
    return Span(text.index(word), text.index(word) + len(word))


def ignored(text: str, *, word: str = "now()", codes: tuple[str, ...] = ("REA101",), reason: str = "") -> str:
    """The text after the finding at `word` is silenced.  Fails if it is not, or if the code is another then."""
    after = apply(text, edits(Source(text), [(spot(text, word), code) for code in codes], reason))
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(text))
    among = silences(survey("m.py", "m", after), Source(after))
    for code in codes:
        assert list(covering(among, spot(after, word.partition("\n")[0]), [(code, "a-name")])), f"{code} is not silenced in\n{after}"
    assert not edits(Source(after), []), "nothing wanted, nothing edited"
    return after


def test_the_comment_stands_at_the_end_of_the_row_with_the_reason() -> None:
    assert ignored("x = now()\n") == "x = now()  # rea-lint: ignore[REA101]\n"
    assert ignored("x = now()\n", reason="only  logged\n") == "x = now()  # rea-lint: ignore[REA101] only logged\n"
    assert ignored("x = now()   \t\n") == "x = now()  # rea-lint: ignore[REA101]\n"
    assert ignored("x = now()") == "x = now()  # rea-lint: ignore[REA101]"


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_stay(end: str) -> None:
    assert ignored(f"x = now(){end}y = 1{end}") == f"x = now()  # rea-lint: ignore[REA101]{end}y = 1{end}"


def test_codes_of_one_row_share_a_comment() -> None:
    assert ignored("x = now()\n", codes=("REA103", "REA101")) == "x = now()  # rea-lint: ignore[REA101, REA103]\n"


def test_a_comment_of_ours_is_added_to_wherever_it_speaks_for_the_place() -> None:
    assert ignored("x = now()  # rea-lint: ignore[REA103] why\n", reason="new") == "x = now()  # rea-lint: ignore[REA101, REA103] why\n"
    assert (
        ignored("x = now()  # rea-lint: ignore[wall] # noqa\n", reason="new") == "x = now()  # rea-lint: ignore[REA101, wall] new # noqa\n"
    )
    assert ignored("# rea-lint: ignore[REA103]\nx = now()\n") == "# rea-lint: ignore[REA101, REA103]\nx = now()\n"
    statement = "x = f(\n    now(),\n    2,\n)  # rea-lint: ignore[{}]\n"
    assert ignored(statement.format("REA103")) == statement.format("REA101, REA103")


def test_a_comment_that_speaks_for_something_else_is_left_alone() -> None:
    assert ignored("y = 1  # rea-lint: ignore[REA103]\nx = now()\n").endswith("\nx = now()  # rea-lint: ignore[REA101]\n")
    within = "x = f(\n    now(),{}\n    2,  # rea-lint: ignore[REA103]\n)\n"
    assert ignored(within.format("")) == within.format("  # rea-lint: ignore[REA101]")


def test_other_comments_stay_in_front() -> None:
    assert ignored("x = now()  # type: ignore[x]\n") == "x = now()  # type: ignore[x]  # rea-lint: ignore[REA101]\n"
    assert ignored("x = now()  # noqa: REA103\n") == "x = now()  # noqa: REA103  # rea-lint: ignore[REA101]\n"
    assert ignored("x = now()  # rea-lint: disable=REA101\n") == "x = now()  # rea-lint: disable=REA101  # rea-lint: ignore[REA101]\n"


def test_it_does_not_get_into_a_string_or_a_continued_line() -> None:
    comment = "  # rea-lint: ignore[REA101]"
    assert ignored('x = now() + """\na\n"""\ny = 1\n') == f'x = now() + """\na\n"""{comment}\ny = 1\n'
    assert ignored("x = now() + \\\n    1\n") == f"x = now() + \\\n    1{comment}\n"
    assert ignored('x = f"""{now()}\n{1}\n"""\n') == f'x = f"""{{now()}}\n{{1}}\n"""{comment}\n'
    assert ignored('x = f("""\na""", now(), """\nb""",\n  2)\n') == f'x = f("""\na""", now(), """\nb""",\n  2){comment}\n'
    assert ignored('x = f("""\na""", now() + \\\n  2, """\nb""" + \\\n  "")\n').endswith(f'"){comment}\n')


@pytest.mark.parametrize(
    "text",
    [
        "x = [\n    1,\n    now(\n        1,\n    ),\n]\n",
        "@d(now())\ndef f():\n    pass\n",
        "@d(\n    now(),\n)\n@e\ndef f():\n    pass\n",
        "def f(x=now()):\n    return x\n",
        "def f(\n    x,\n    y=now(),\n):\n    return x\n",
        "class C(now()): pass\n",
        "if x:\n    pass\nelif now():\n    pass\n",
        "with now() as y, \\\n     z:\n    pass\n",
        "for x in now(): pass\n",
        "try:\n    pass\nexcept now():\n    pass\n",
        "match now():\n    case 1:\n        pass\n",
        "x = 1; y = now(); z = 2\n",
        "f = lambda: (\n    now()\n)\n",
        "def f():\n\tif x:\n\t\treturn now()\x0c\n",
        "# \U0001d4b3 日本\nx = '\u2028' + now()\n",
        "assert now(), '''\n'''\n",
        "return_ = (\n    # alone\n    now()\n    # alone\n)\n",
    ],
)
def test_wherever_a_finding_stands_it_is_silenced(text: str) -> None:
    word = "now(\n        1,\n    )" if "now(\n" in text else "now()"
    ignored(text, word=word)


def test_many_findings_are_silenced_at_once_and_a_second_time_adds_nothing() -> None:
    text = "".join(f"x{n} = now()\n" for n in range(5))
    wanted = [(Span(at, at + 5), "REA101") for at in range(len(text)) if text.startswith("now()", at)]
    after = apply(text, edits(Source(text), wanted))
    assert after == text.replace("()", "()  # rea-lint: ignore[REA101]")
    again = [(Span(at, at + 5), "REA101") for at in range(len(after)) if after.startswith("now()", at)]
    assert apply(after, edits(Source(after), again)) == after


def test_text_that_python_cannot_read_gets_no_comment() -> None:
    text = "x = '''\nnow()\n"
    assert edits(Source(text), [(spot(text, "now()"), "REA001")]) == []


@pytest.mark.parametrize("reason", ["# noqa", "a # rea-lint: ignore", "later  # type: x", "#12: see there"])
def test_a_reason_is_no_comment(reason: str) -> None:
    with pytest.raises(ValueError, match="#"):
        edits(Source("x = now()\n"), [], reason)


def test_a_reason_may_name_an_issue() -> None:
    assert ignored("x = now()\n", reason="see #12") == "x = now()  # rea-lint: ignore[REA101] see #12\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n", "# rea-lint: ignore-file[REA101]\nx = 1\n"),
        ("", "# rea-lint: ignore-file[REA101]\n"),
        (
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n",
            "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# rea-lint: ignore-file[REA101]\nx = 1\n",
        ),
        ("#!/usr/bin/env python", "#!/usr/bin/env python\n# rea-lint: ignore-file[REA101]\n"),
        ("x = 1\n# rea-lint: ignore-file[REA205] so\n", "x = 1\n# rea-lint: ignore-file[REA101, REA205] so\n"),
    ],
)
def test_a_file_is_silenced_near_its_top(before: str, after: str) -> None:
    assert apply(before, [in_file(Source(before), ["REA101"])]) == after
