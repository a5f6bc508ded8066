"""Data that a user wrote, before any schema sees it: text keys, finite numbers, sizes that can be worked with.

A YAML file of a few lines can stand for more values than a computer holds, for a list inside itself, or for numbers
that nobody meant (``010`` is eight, ``1:30`` is ninety). All this is found here, in one pass, and reported in one line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from separatrix.core.errors import ConfigError
from separatrix.core.text import hidden, one_line, shown

MOST_VALUES = 200_000
"""Values of one file, with every alias written out."""

DEEPEST = 40
"""Levels of lists and mappings."""

LONGEST_TEXT = 10_000
LONGEST_KEY = 200
LARGEST_WHOLE = 2**63 - 1
"""What netCDF can hold as a whole number."""

MAY_BE_INFINITE = frozenset({"range_A", "range_deg", "information_error", "r_hat"})
"""Keys whose infinite value means that there is no bound."""

if TYPE_CHECKING:
    from yaml import SafeLoader
else:
    #: Written in C where PyYAML was built with it, which is ten times as fast.
    SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_YTE = "__use_yte__"
_ENDS_SCRIPT = ("</", "<!--")
"""Snakemake puts parameters of jobs, which hold names and labels, into a script of its report as they are."""


class _UniqueKeys(SafeLoader):
    """A safe loader that refuses a key given twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _at(key.start_mark, "a key must be text, not a list or a mapping")
            if key.value in seen:
                raise _at(key.start_mark, f"key {shown(key.value)} is given a second time")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _at(mark: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def parse(text: str) -> Any:
    """Plain data from YAML; no objects, no repeated keys, nothing that is larger than it looks.

    Raises
    ------
    yaml.YAMLError
        When it is not such YAML; where the place is known, a `MarkedYAMLError` of one line.
    """
    _size(text)
    # A safe loader makes plain data and no objects. Not safe_load itself: of a repeated key it keeps the last one.
    try:
        return _UniqueKeys(text).get_single_data()
    except (ValueError, TypeError, RecursionError, OverflowError) as error:  # 2026-13-45, a number of 5000 digits
        raise yaml.YAMLError(f"a value cannot be read ({' '.join(str(error).split())[:100]})") from error


def _size(text: str) -> None:
    """Refuse what is nested too deep or expands to too many values, by a pass that builds nothing."""
    values_of_anchor: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []  # anchor and values so far, of each collection that is not closed
    count = 0
    for event in yaml.parse(text, Loader=SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, count))
            count += 1
            if len(open_) > DEEPEST:
                raise _at(event.start_mark, f"lists and mappings lie more than {DEEPEST} deep in each other")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                values_of_anchor[anchor] = count - before
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise _at(event.start_mark, f"*{event.anchor} is part of itself")
            count += values_of_anchor.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor is not None:
                values_of_anchor[event.anchor] = 1
            if event.implicit[0]:
                _meant(event)
        if count > MOST_VALUES:
            raise _at(event.start_mark, f"more than {MOST_VALUES} values, with all aliases written out")


def _meant(event: yaml.ScalarEvent) -> None:
    """Refuse numbers of YAML 1.1 that nobody means."""
    for pattern, base in ((_OCTAL, "a number of base 8"), (_SEXAGESIMAL, "a number of base 60")):
        if pattern.fullmatch(event.value):
            remedy = "write it without the leading zero, or in quotes if it is text"
            remedy = remedy if pattern is _OCTAL else "write it as a decimal, or in quotes if it is text"
            raise _at(event.start_mark, f"{shown(event.value)} is {base} to YAML; {remedy}")


def check(data: Any, where: str) -> None:
    """Check what a schema cannot: keys are text, text can be read, numbers are finite and whole numbers not huge.

    Parameters
    ----------
    data
        Mappings, lists, text, numbers.
    where
        Beginning of an error, such as ``FILE: ``.

    Raises
    ------
    ConfigError
        At the first value that is none of these, in one line.
    """
    left = MOST_VALUES

    def fail(path: tuple[str, ...], message: str) -> ConfigError:
        at = ".".join(path)
        return ConfigError(one_line(f"{where}{f'{at}: ' if at else ''}{message}"))

    def walk(value: Any, path: tuple[str, ...]) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise fail((), f"more than {MOST_VALUES} values, with all aliases written out")
        if isinstance(value, Mapping):
            if len(path) >= DEEPEST:
                raise fail(path[:3], f"lists and mappings lie more than {DEEPEST} deep in each other")
            for key, item in value.items():
                if (problem := _key_problem(key)) is not None:
                    raise fail(path, problem)
                walk(item, (*path, key))
        elif isinstance(value, list | tuple):
            if len(path) >= DEEPEST:
                raise fail(path[:3], f"lists and mappings lie more than {DEEPEST} deep in each other")
            for i, item in enumerate(value):
                walk(item, (*path, str(i)))
        elif (problem := _value_problem(value, path)) is not None:
            raise fail(path, problem)

    walk(data, ())


def _key_problem(key: Any) -> str | None:
    if not isinstance(key, str):
        return f"the key {shown(key)} is not text; {_quote(key)}"
    if key == _YTE:
        return f"the key {_YTE} makes Snakemake run the Python in this file; a config is data, take it out"
    if not key.strip() or key != key.strip():
        return f"the key {shown(key)} is empty, or begins or ends with a blank"
    if len(key) > LONGEST_KEY:
        return f"the key {shown(key)} has {len(key)} characters; at most {LONGEST_KEY} are read"
    if any(mark in key for mark in _ENDS_SCRIPT):
        return f"the key {shown(key)} holds what would end a script in Snakemake's report; write it without"
    if bad := hidden(key):
        return f"the key {shown(key)} holds a character that cannot be seen ({one_line(bad[0])}); take it out"
    return None


def _quote(value: Any) -> str:
    if isinstance(value, bool):
        return "YAML reads yes, no, on, off, true and false as truth values; write the word in quotes"
    if value is None:
        return "YAML reads ~ and null as nothing; write the word in quotes"
    return "write it in quotes"


def _value_problem(value: Any, path: tuple[str, ...]) -> str | None:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            return f"a text of {len(value)} characters; at most {LONGEST_TEXT} are read"
        bad = [c for c in hidden(value) if c not in "\n\t" or "formula" not in path]
        if ends := next((mark for mark in _ENDS_SCRIPT if mark in value), None):
            return f"{shown(value)} holds {ends!r}, which would end a script in Snakemake's report; write it without"
        if bad:
            remedy = "write it on one line (after `>-`, if it is long)" if bad[0] == "\n" else "take it out"
            return f"{shown(value)} holds a character that cannot be seen ({one_line(bad[0])}); {remedy}"
        return None
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= LARGEST_WHOLE else f"{shown(value)} is too large; at most {LARGEST_WHOLE}"
    if isinstance(value, float):
        if math.isnan(value):
            return "nan is not a number; give one, or leave the key out"
        if math.isinf(value) and not MAY_BE_INFINITE & {*path[-2:]}:
            return f"{value} is not a finite number; only ranges and bounds of convergence may be without end"
        return None
    return f"{shown(value)} is neither text nor a number; write it in quotes if it is text"


def as_number(text: str) -> float | None:
    """The number that a text reads like, which YAML 1.1 takes for text (``1e3``); None if there is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None
