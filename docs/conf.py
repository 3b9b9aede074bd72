"""How Sphinx builds the documentation: `just site`."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "rea-lint"
author = "rea-lint contributors"
copyright = f"2026, {author}"  # noqa: A001 -- Sphinx's name
version = release = installed("rea-lint")

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["rules/README.md"]  # what a code host shows of the folder; rules/index.md includes it
nitpicky = True

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = [
    "misc.highlighting_failure",  # pages show code with the faults that the rules are about, broken syntax among them
]

html_theme = "furo"
html_title = "rea-lint"
html_static_path = ["_static"]
html_css_files = ["rea-lint.css"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#3b3fbf", "color-brand-content": "#3b3fbf"},
    "dark_css_variables": {"color-brand-primary": "#a3a6ff", "color-brand-content": "#a3a6ff"},
    "source_repository": "https://github.com/rea-lint/rea-lint/",
    "source_branch": "main",
    "source_directory": "docs/",
}
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
