"""The JSON schema of the configuration, made of the table of options; and `validate-pyproject`'s door to it.

`config.schema.json` beside this file is what it gives, written by `just docs`, for editors and `check-jsonschema`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rea_lint.config import EXTEND, OPTIONS
from rea_lint.packs import WORDS, Effect

if TYPE_CHECKING:
    from rea_lint.config import Option

ADDRESS = "https://raw.githubusercontent.com/rea-lint/rea-lint/main/src/rea_lint/config.schema.json"


def schema() -> dict[str, Any]:
    """What `rea-lint.toml`, and `[tool.rea-lint]` of a pyproject.toml, may say (draft 7, which all tools read)."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ADDRESS,
        "title": "rea-lint",
        "description": "Configuration of rea-lint: rea-lint.toml, or [tool.rea-lint] of a pyproject.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {option.name: _property(option) for option in (EXTEND, *OPTIONS)},
    }


def validate_pyproject(_tool: str) -> dict[str, Any]:
    """The schema, as `validate-pyproject` asks for it (entry point `validate_pyproject.tool_schema`)."""
    return schema()


def _property(option: Option) -> dict[str, Any]:
    default = {} if option.default is None else {"default": _plain(option.default)}
    return {"description": option.text, **default, **option.shape, **_words(option.name)}


def _words(name: str) -> dict[str, Any]:
    """The words that a table of a pack takes."""
    if name == "effects":
        return {"propertyNames": {"enum": [effect.value for effect in Effect]}}
    return {"additionalProperties": {"enum": list(WORDS[name])}} if name in WORDS else {}


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
