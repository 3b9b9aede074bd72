"""What suppressions silence, given the facts of a file, and which silence nothing."""

from __future__ import annotations

from rea_lint.suppress import Unused, covering, silences, unused
from rea_lint.survey import survey
from rea_lint.text import Source, Span

CLOCK = ("REA101", "wall-clock")
UUID = ("REA103", "native-uuid")
RAN = {CLOCK: True, UUID: True, ("REA211", "replayed-logging"): False}


def silenced(text: str, *, rule: tuple[str, str] = CLOCK, word: str = "now()") -> list[str]:
    """The words that silence the finding at `word`."""
    source = Source(text)
    start = text.index(word)
    facts = survey("m.py", "m", text)
    return [use.word for use in covering(silences(facts, source), Span(start, start + len(word)), [rule])]


def idle(text: str, *used: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What silences nothing, if findings stand at the words of `used`."""
    source = Source(text)
    among = silences(survey("m.py", "m", text), source)
    spans = [Span(text.index(word), text.index(word) + len(word)) for word in used]
    uses = frozenset(use for span in spans for use in covering(among, span, [CLOCK]))
    return [(u.words, u.unknown) for u in unused(among, uses, RAN, all_ran=True)]


def test_a_rule_is_meant_by_its_code_its_name_or_by_all() -> None:
    assert silenced("x = now()  # rea-lint: ignore[REA101]") == ["REA101"]
    assert silenced("x = now()  # rea-lint: ignore[rea101]") == ["rea101"]
    assert silenced("x = now()  # rea-lint: ignore[wall-clock]") == ["wall-clock"]
    assert silenced("x = now()  # rea-lint: ignore") == [""]
    assert silenced("x = now()  # noqa: REA101") == ["REA101"]


def test_another_rule_is_not_meant() -> None:
    assert silenced("x = now()  # rea-lint: ignore[REA101]", rule=UUID) == []
    assert silenced("x = now()  # rea-lint: ignore[REA1]") == []
    assert silenced("x = now()  # rea-lint: ignore[REA101") == []


def test_a_noqa_means_codes_that_begin_so_as_in_flake8() -> None:
    assert silenced("x = now()  # noqa: REA1") == ["REA1"]
    assert silenced("x = now()  # noqa: REA2") == []


def test_another_line_is_not_silenced() -> None:
    assert silenced("y = 1  # rea-lint: ignore\nx = now()\nz = 2  # rea-lint: ignore\n") == []


def test_a_finding_of_several_rows_is_silenced_where_it_begins_and_where_it_ends() -> None:
    text = "x = [\n    now(\n        1,\n    ),{}\n    2,\n]\n"
    assert silenced(text.format("  # rea-lint: ignore"), word="now(\n        1,\n    )") == [""]
    assert silenced(text.format(""), word="now(\n        1,\n    )") == []
    assert silenced("x = [\n    now(  # rea-lint: ignore\n        1,\n    ),\n]\n", word="now(") == [""]


def test_on_a_def_or_decorator_it_speaks_for_the_function_and_what_is_in_it() -> None:
    body = "    def inner():\n        return now()\n    return inner\n"
    assert silenced(f"def f():  # rea-lint: ignore\n{body}") == [""]
    assert silenced(f"# rea-lint: ignore\ndef f():\n{body}") == [""]
    assert silenced(f"@a  # rea-lint: ignore\n@b\ndef f():\n{body}") == [""]
    assert silenced(f"# rea-lint: ignore\n@a\n@b\nasync def f():\n{body}") == [""]
    assert silenced(f"@a\ndef f(\n    x,\n):  # rea-lint: ignore\n{body}") == [""]


def test_behind_a_parameter_or_in_the_body_it_does_not_speak_for_the_function() -> None:
    assert silenced("def f(\n    x,  # rea-lint: ignore\n):\n    return now()\n") == []
    assert silenced("def f(x):\n    y = 1  # rea-lint: ignore\n    return now()\n") == []
    assert silenced("def g():  # rea-lint: ignore\n    pass\n\ndef f(x):\n    return now()\n") == []


def test_a_file_comment_speaks_for_every_row() -> None:
    assert silenced("x = now()\n\n# rea-lint: ignore-file[REA101]\n") == ["REA101"]


def test_what_silences_nothing_is_unused_word_by_word() -> None:
    assert idle("x = now()  # rea-lint: ignore[REA101]", "now()") == []
    assert idle("x = now()  # rea-lint: ignore[REA101]") == [(("REA101",), ())]
    assert idle("x = now()  # rea-lint: ignore[REA101, REA103]", "now()") == [(("REA103",), ())]
    assert idle("x = 1  # rea-lint: ignore") == [((), ())]
    assert idle("x = now()  # rea-lint: ignore", "now()") == []


def test_a_word_that_names_no_rule_is_unknown() -> None:
    assert idle("x = now()  # rea-lint: ignore[REA999]", "now()") == [(("REA999",), ("REA999",))]


def test_a_rule_that_did_not_run_is_not_called_unused() -> None:
    assert idle("x = 1  # rea-lint: ignore[REA211]") == []
    text = "x = 1  # rea-lint: ignore\n"
    assert not list(unused(silences(survey("m.py", "m", text), Source(text)), frozenset(), RAN, all_ran=False))


def test_a_prefix_means_rules_in_a_noqa_only() -> None:
    assert idle("x = 1  # noqa: REA1") == [(("REA1",), ())]
    assert idle("x = now()  # noqa: REA1", "now()") == []
    assert idle("x = now()  # rea-lint: ignore[REA1]", "now()") == [(("REA1",), ("REA1",))]


def test_a_noqa_without_codes_is_never_unused() -> None:
    assert idle("x = 1  # noqa") == []
    assert idle("x = 1  # noqa: REA101") == [(("REA101",), ())]


def test_a_malformed_comment_is_always_unused() -> None:
    assert idle("x = now()  # rea-lint: disable=REA101", "now()") == [((), ())]


def test_unused_says_where_it_stands() -> None:
    text = "x = 1  # rea-lint: ignore\n"
    among = silences(survey("m.py", "m", text), Source(text))
    (only,) = unused(among, frozenset(), RAN, all_ran=True)
    assert isinstance(only, Unused)
    assert (only.path, text[only.suppression.span.start : only.suppression.span.end]) == ("m.py", "# rea-lint: ignore")
