"""The page for people, opened in a browser."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from rea_lint.diagnostic import Applicability, Diagnostic, Fix, Related, Severity, Silenced
from rea_lint.report import View, render
from rea_lint.report.html.code import lines, python
from rea_lint.report.html.text import escape, markdown, prose
from rea_lint.rule import InternalError
from rea_lint.text import Edit, Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
APP, CLOCK = f"/work/app/{HOSTILE.replace('/', '_')}.py", "/work/app/clock.py"
TEXT = f'import time\n\n\nasync def greet(ctx, name):\n    # {HOSTILE}\n    x = "{HOSTILE}", time.time()\n    return 日本, time.time()\n'
SOURCES = {APP: Source(TEXT), CLOCK: Source("import time\ndef now():\n    return time.time()\n")}
FIRST, SECOND = (match.start() for match in re.finditer(r"time\.time", TEXT))


def finding(path: str, start: int, code: str, severity: Severity, **other: Any) -> Diagnostic:
    given: dict[str, Any] = {"name": HOSTILE, "message": f"`{HOSTILE}` {HOSTILE}", "fix": None, "related": (), "handlers": (), **other}
    return Diagnostic(
        path, Span(start, start + 11), code=code, severity=severity, url="https://example.org/'\"><x>", function=HOSTILE, **given
    )


FOUND = (
    finding(
        APP,
        FIRST,
        "REA101",
        Severity.ERROR,
        fix=Fix(HOSTILE, (Edit(Span(FIRST, FIRST + 11), "await ctx.time()"),), Applicability.UNSAFE),
        related=(Related(CLOCK, Span(34, 45), f"`clock.now` calls {HOSTILE}"),),
        handlers=("Shop.buy", f"Shop.{HOSTILE}"),
    ),
    finding(APP, SECOND, "REA102", Severity.WARNING, handlers=("Other.run",)),
    finding(CLOCK, 34, "REA101", Severity.INFO, message="a unicorn"),
)
VIEW = View(
    SOURCES,
    "/work",
    silenced=(Silenced(finding(CLOCK, 0, "REA103", Severity.ERROR), "comment", HOSTILE),),
    errors=(InternalError(HOSTILE, CLOCK, HOSTILE, HOSTILE),),
    handlers={"Shop.buy": (APP, Span(0, 1)), "Shop.clean": (APP, Span(0, 1)), f"Shop.{HOSTILE}": (APP, Span(0, 1))},
    files=2,
    found=(3, 1),
)


@pytest.fixture(scope="module")
def page() -> str:
    return render("html", FOUND, VIEW)


# -- the text ----------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """What elements there are, and whether each is closed in its turn."""

    VOID = frozenset({"meta", "link", "input", "wbr", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_what_comes_from_the_code_is_never_markup(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert tags.seen.count("script") == 1
    assert "img" not in tags.seen
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert "style" not in dict(tags.attributes)


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    ids = [value for name, value in tags.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    assert {value[1:] for name, value in tags.attributes if name == "href" and value and value.startswith("#")} <= set(ids)


def test_it_asks_the_network_for_nothing(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|srcset)=["']?(?:https?:)?//|@import|url\(""", page)


def test_no_findings_are_good_news() -> None:
    text = render("html", (), View({}, "/work", files=3, handlers={"Shop.buy": (APP, Span(0, 1))}, found=(1, 1)))
    assert '<p class="clean">No findings.</p>' in text
    assert "Checked 3 files, 1 handler in 1 service." in text
    assert 'id="filters"' not in text


def test_services_that_share_a_name_are_counted_as_several() -> None:
    text = render("html", (), View({}, "/work", files=2, handlers={"Shop.buy": (APP, Span(0, 1))}, found=(2, 2)))
    assert "Checked 2 files, 2 handlers in 2 services." in text
    assert "<h2>Services <small>1 name</small></h2>" in text


def test_code_is_colored_by_the_simplest_of_tokens() -> None:
    assert python("@a.b\nasync def f(x): # <c>\n    return '''d\n\"e''' + 1") == (
        '<span class="dec">@a.b</span>\n<span class="key">async</span> <span class="key">def</span> <span class="fun">f</span>(x): '
        '<span class="com"># &lt;c&gt;</span>\n    <span class="key">return</span> <span class="str">&#x27;&#x27;&#x27;d\n&quot;e&#x27;&#x27;&#x27;</span> + '
        '<span class="num">1</span>'
    )


def test_the_marked_stretch_leaves_the_indentation_alone() -> None:
    text = "f(\n    a,\n)\n"
    assert list(lines(Source(text), Span(0, 11), 1, 80)) == [
        (1, '<mark><span class="fun">f</span>(</mark>'),
        (2, "    <mark>a,</mark>"),
        (3, "<mark>)</mark>"),
    ]


def test_a_long_line_is_cut_around_what_is_marked() -> None:
    text = "x = " + "a, " * 5000 + "time" + ", b" * 5000
    ((_, shown),) = lines(Source(text), Span(15004, 15008), 2, 100)
    assert re.fullmatch(r"…[a, ]+<mark>time</mark>[, b]+…", shown)
    assert len(shown) < 130


def test_a_long_stretch_is_cut_in_the_middle() -> None:
    text = "f(\n" + "    1,\n" * 50 + ")\n"
    rows = [row for row, _ in lines(Source(text), Span(0, len(text) - 1), 2, 80)]
    assert rows == [*range(1, 13), None, 52]


def test_prose_has_code_and_shows_what_cannot_be_shown() -> None:
    assert prose("`a<b` & `` c`d ``") == "<code>a&lt;b</code> &amp; <code> c`d </code>"
    assert escape("a\x1b\ud800\n\u202e") == "a␛\ufffd\n\ufffd"


def test_a_page_is_paragraphs_lists_and_code() -> None:
    assert markdown("One\n`two`.\n\n* a\n* b\n\n```python\nx\n```\n") == (
        '<p>One\n<code>two</code>.</p>\n<ul><li>a</li><li>b</li></ul>\n<pre class="code" tabindex="0"><code>x\n</code></pre>\n'
    )


# -- the browser -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any, page: str, tmp_path: Path) -> Iterator[Any]:
    """The page in a browser; it must have asked for nothing and complained of nothing."""
    path = tmp_path / "report.html"
    path.write_text(page, "utf-8")
    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    asked, said = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(path.as_uri())
    yield tab
    assert asked == [path.as_uri()]
    assert said == []
    assert tab.title() == "rea-lint: 3 findings"
    context.close()


def visible(tab: Any) -> list[str]:
    severities: list[str] = tab.eval_on_selector_all("article:not([hidden])", "all => all.map(at => at.dataset.severity)")
    return severities


def test_the_filters_filter(opened: Any) -> None:
    assert visible(opened) == ["error", "warning", "info"]
    opened.fill("#search", "UNICORN")
    assert visible(opened) == ["info"]
    assert opened.text_content("#count") == "1 of 3 findings"
    assert opened.is_hidden("section.file >> nth=0")
    opened.click("button[type=reset]")
    opened.locator("article:not([hidden]) >> nth=2").wait_for()
    opened.uncheck("[name=severity][value=info]")
    assert visible(opened) == ["error", "warning"]
    opened.check("[name=severity][value=info]")
    opened.select_option("[name=code]", "REA101")
    assert visible(opened) == ["error", "info"]
    opened.select_option("[name=handler]", "outside handlers")
    assert visible(opened) == ["info"]
    opened.select_option("[name=code]", "REA102")
    assert visible(opened) == []
    assert opened.is_visible("#none")


def test_a_service_is_filtered_by_and_a_file(opened: Any) -> None:
    opened.select_option("[name=handler]", "Shop.")
    assert visible(opened) == ["error"]
    opened.select_option("[name=handler]", f"Shop.{HOSTILE}")
    assert visible(opened) == ["error"]
    opened.select_option("[name=handler]", "")
    opened.select_option("[name=file]", "app/clock.py")
    assert visible(opened) == ["info"]


def test_the_tables_filter_by_what_is_clicked(opened: Any) -> None:
    opened.click(".pick[data-field=code][data-value=REA102]")
    assert visible(opened) == ["warning"]


def test_keys_search_reset_and_walk(opened: Any) -> None:
    opened.keyboard.press("/")
    opened.keyboard.type("unicorn")
    assert visible(opened) == ["info"]
    opened.keyboard.press("Escape")
    opened.locator("article:not([hidden]) >> nth=2").wait_for()
    opened.evaluate("document.activeElement.blur()")
    opened.keyboard.press("j")
    opened.keyboard.press("j")
    assert opened.evaluate("document.activeElement.dataset.severity") == "warning"
    opened.keyboard.press("k")
    assert opened.evaluate("document.activeElement.dataset.severity") == "error"


def test_light_and_dark_are_switched(opened: Any) -> None:
    def back() -> str:
        color: str = opened.evaluate("getComputedStyle(document.body).backgroundColor")
        return color

    light = back()
    opened.click("#theme")
    dark = back()
    assert light != dark
    opened.click("#theme")
    assert back() == light
    opened.emulate_media(color_scheme="dark")
    assert back() == light
    opened.evaluate("delete document.documentElement.dataset.theme")
    assert back() == dark


def test_a_link_to_a_rule_unfolds_its_page(opened: Any) -> None:
    opened.click("article a[href='#page-REA101']")
    opened.locator("#page-REA101 p >> nth=0").wait_for()


def test_on_paper_everything_is_unfolded_and_nothing_is_to_be_clicked(opened: Any) -> None:
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    opened.emulate_media(media="print")
    assert opened.is_visible("article ol")
    assert opened.is_hidden("#filters")
    opened.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert opened.evaluate("getComputedStyle(document.querySelector('article')).backgroundColor") == "rgb(255, 255, 255)"
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.is_hidden("article ol")


def test_nothing_is_wider_than_the_window(opened: Any) -> None:
    for width in 1280, 390:
        opened.set_viewport_size({"width": width, "height": 800})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
