"""Phrases of the report, by language: one YAML file each, with the same keys and the same blanks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).with_name("languages")

LANGUAGES = ("en", "ja")


@cache
def _table(language: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))


class Phrases:
    """Phrases and terms of one language.

    Parameters
    ----------
    language
        One of :data:`LANGUAGES`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._entries = _table(language)

    def __call__(self, key: str, **blanks: object) -> str:
        """A phrase with its blanks filled in.

        Raises
        ------
        KeyError
            When there is no such phrase, or a blank is not given.
        """
        return str(self._entries["phrases"][key]).format(**blanks)

    def __contains__(self, key: str) -> bool:
        return key in self._entries["phrases"]

    def term(self, word: str) -> str:
        """A term that tables, figures and engines use, as they write it; itself where there is no translation."""
        return str(self._entries["terms"].get(word, word))

    def listed(self, items: Sequence[str]) -> str:
        """Items one after the other: a, b and c."""
        if len(items) < 2:
            return "".join(items)
        return self._entries["comma"].join(items[:-1]) + self._entries["and"] + items[-1]

    def set_apart(self, items: Sequence[str]) -> str:
        """Items that hold commas themselves."""
        return str(self._entries["apart"]).join(items)

    @property
    def terms(self) -> dict[str, str]:
        """All terms with their translations."""
        return dict(self._entries["terms"])
