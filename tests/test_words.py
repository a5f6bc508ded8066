"""Words of the library are the field's: what `docs/glossary.md` says to avoid is in no text and no name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from conftest import ROOT

GLOSSARY = ROOT / "docs/glossary.md"

#: Texts that people read. The changelog is none of them: it says what was.
TEXTS = (
    "README.md",
    "Snakefile",
    "config/**/*.md",
    "config/**/*.yaml",
    "docs/**/*.md",
    "separatrix/**/*.py",
    "separatrix/report/languages/*.yaml",
    "workflow/**/*.smk",
    "workflow/**/*.rst",
)

#: Where a word may be all the same: the word, what is around it, and why.
ALLOWED = (
    ("told", r"can(?:not)? be told\b|told apart", "the idiom for what data do not separate"),
    ("stands", r"stands for\b", "the idiom for what represents something"),
    ("naive", r'"naive"', "the former name of a key, and the name among the keys of random numbers, which stay"),
    ("stretch", r'treams\("stretch", ', "a name among the keys of random numbers, which stay"),
)


@lru_cache(maxsize=1)
def avoided() -> tuple[tuple[str, frozenset[str]], ...]:
    """Words of the glossary's last table, and where they are to be avoided: texts, names, or both."""
    table = GLOSSARY.read_text(encoding="utf-8").partition("## Words to avoid")[2]
    rows = re.findall(r"^\| ([a-z][a-z ]*) \| [^|]+ \| ([a-z, ]+) \|$", table, flags=re.MULTILINE)
    return tuple((word, frozenset(where.split(", "))) for word, where in rows)


def of(place: str) -> list[str]:
    return [word for word, where in avoided() if place in where]


def forms(word: str) -> str:
    """Pattern of a whole word, with its plural."""
    return rf"\b{word}(?:es|s)?\b"


def found_in_text(text: str, words: list[str]) -> Iterator[tuple[int, str]]:
    """Lines, from 1, and the words that they should not have."""
    for number, line in enumerate(text.splitlines(), start=1):
        for word in words:
            allowed = [pattern for name, pattern, _ in ALLOWED if name == word]
            rest = re.sub("|".join(allowed), "", line) if allowed else line
            if re.search(forms(word), rest, flags=re.IGNORECASE):
                yield number, word


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names that code gives: variables, arguments, functions, classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def found_in_names(code: str, words: list[str]) -> Iterator[tuple[int, str]]:
    """Lines, from 1, and names that are no more than a word to be avoided."""
    for number, name in names(ast.parse(code)):
        if name.strip("_").lower() in words:
            yield number, name


def files(*patterns: str) -> list[Path]:
    return sorted({file for pattern in patterns for file in ROOT.glob(pattern) if file.is_file()})


def test_table_of_the_glossary_is_read() -> None:
    words = dict(avoided())
    assert len(words) >= 15 and words["found"] == {"names"} and words["excursion"] == {"texts", "names"}


def test_no_text_has_a_word_to_avoid() -> None:
    wrong = []
    for file in files(*TEXTS):
        text = file.read_text(encoding="utf-8")
        if file == GLOSSARY:
            text = text.partition("## Words to avoid")[0]
        wrong += [f"{file.relative_to(ROOT)}:{line}: {word}" for line, word in found_in_text(text, of("texts"))]
    assert wrong == []


def test_no_name_is_a_word_to_avoid() -> None:
    wrong = []
    for file in files("separatrix/**/*.py"):
        code = file.read_text(encoding="utf-8")
        wrong += [f"{file.relative_to(ROOT)}:{line}: {name}" for line, name in found_in_names(code, of("names"))]
    assert wrong == []


def test_no_key_of_a_config_is_a_word_to_avoid() -> None:
    keys = re.findall(r"^\| `([\w.]+)`", (ROOT / "config/README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    parts = {part for key in keys for part in re.split(r"[._]", key)}
    assert len(keys) > 80 and parts & {"beside", "beyond", *(word for word, _ in avoided())} == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is told that\nan Excursion ends", [(1, "told"), (2, "excursion")]),
        ("It cannot be told; two that are told apart; this stands for that", []),
        ("Stretches of a chain, stretched bonds", [(1, "stretch")]),
        ("This stands here, and that stands for it", [(1, "stands")]),
    ],
)
def test_whole_words_are_seen_and_idioms_are_not(text: str, words: list[tuple[int, str]]) -> None:
    assert list(found_in_text(text, ["told", "excursion", "stretch", "stands"])) == words


def test_names_are_seen() -> None:
    code = "found = 1\ndef _words(known, not_found): ...\nself.kept = foundation = 2\n"
    assert sorted(found_in_names(code, ["found", "words", "known", "kept"])) == [
        (1, "found"),
        (2, "_words"),
        (2, "known"),
    ]
