"""Formulas that a user writes, read by a parser of our own: numbers, names, arithmetic, comparisons, a few functions.

Python's parser makes the syntax tree, and nothing but the node types below is walked; no text is ever executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from separatrix.core.errors import ConfigError
from separatrix.core.text import one_line, shown

#: longest formula, so that nesting stays far from Python's limit of recursion
LONGEST = 2000
_DEEPEST = 60

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "min": np.minimum,
    "max": np.maximum,
}
_ARGUMENTS = {"min": 2, "max": 2}
_CONSTANTS = {"pi": np.pi}
_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARISONS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}


@dataclass(frozen=True)
class Expression:
    """A formula that has been read and may be evaluated on arrays.

    Attributes
    ----------
    text
        As written.
    tree
        Its syntax tree, checked.
    definitions
        Names that the text defines after semicolons, each with its own tree, in the order in which they can be worked
        out (``a*u; u = x/2``, as OpenMM writes them).
    condition
        Whether it is true or false rather than a number.
    """

    text: str
    tree: ast.expr
    definitions: tuple[tuple[str, ast.expr], ...]
    condition: bool

    def __call__(self, **values: Any) -> np.ndarray:
        """The formula's value.

        Parameters
        ----------
        values
            Numbers or arrays that broadcast together, by name.
        """
        numbers = {name: np.asarray(value, dtype=float) for name, value in values.items()}
        # Far out on a surface an exponential overflows; that is infinitely high there, and no mistake.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            for name, tree in self.definitions:
                numbers[name] = _value(tree, numbers)
            return np.asarray(_value(self.tree, numbers))

    def edges(self, variable: str) -> list[float]:
        """Numbers that the condition compares a bare variable with: where its borders are lines of the grid."""
        edges = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for one, other in pairwise(sides):
                    for name, number in ((one, other), (other, one)):
                        if isinstance(name, ast.Name) and name.id == variable and not _names(number):
                            edges.append(float(_value(number, {})))
        return edges


def read(text: Any, where: str, names: tuple[str, ...], *, condition: bool = False) -> Expression:
    """Read a formula.

    Parameters
    ----------
    text
        Arithmetic with ``+ - * / ** ^``, and the functions exp, log, sqrt, abs, sin, cos, tan, sinh, cosh, tanh, min,
        max, and ``|y|`` for abs. A condition also compares (``<``, ``<=``, ``>``, ``>=``) and joins by ``and``, ``or``,
        ``not``.
    where
        File and key that errors name.
    names
        Names that it may hold.
    condition
        Whether a condition is wanted or a number.

    Raises
    ------
    ConfigError
        When it is not such a formula.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ConfigError(f"{where}: {shown(text)} is not a formula; write text such as {_sample(condition)!r}")
    if isinstance(text, int) and text.bit_length() > 1000:
        raise ConfigError(f"{where}: {shown(text)} is too large")
    text = str(text)
    if len(text) > LONGEST:
        raise ConfigError(f"{where}: a formula of {len(text)} characters; at most {LONGEST} are read")
    for name in names:
        if name in (*_CONSTANTS, *_FUNCTIONS) or names.count(name) > 1:
            raise ConfigError(f"{where}: {name} has a meaning already and cannot be a parameter; give it another name")
    main, *rest = [part.strip() for part in _without_bars(text, where).replace("^", "**").split(";")]
    definitions = {}
    for part in rest:
        name, sign, formula = (piece.strip() for piece in part.partition("="))
        if not sign or not (name.isidentifier() and name.isascii()):
            raise ConfigError(f"{where}: {shown(part)} defines no name; write `name = formula` after a semicolon")
        if name in definitions:
            raise ConfigError(f"{where}: {name} is defined twice; give the second another name")
        if name in (*names, *_CONSTANTS, *_FUNCTIONS):
            raise ConfigError(f"{where}: {name} has a meaning already and cannot be defined anew; give it another name")
        definitions[name] = _parse(formula, where)
    tree = _parse(main, where)
    allowed = {*names, *definitions, *_CONSTANTS}
    kinds = {name: _check(formula, where, allowed) for name, formula in definitions.items()}
    if any(kinds.values()):
        raise ConfigError(f"{where}: a defined name must be a number")
    if _check(tree, where, allowed) != condition:
        what = "true or false" if condition else "a number"
        raise ConfigError(f"{where}: {shown(text)} must give {what}, such as {_sample(condition)!r}")
    return Expression(text, tree, _ordered(definitions, where), condition)


def _sample(condition: bool) -> str:
    return "x <= -0.8 and y <= -0.8" if condition else "1 + 0.5*x**2"


def _parse(text: str, where: str) -> ast.expr:
    try:
        # Parentheses let a formula go over several lines; they must be balanced, or they would be closed by those here.
        return ast.parse(f"({text}\n)" if _balanced(text) else text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        why = one_line(str(getattr(error, "msg", None) or error))[:100]
        raise ConfigError(f"{where}: {shown(text)} is not a formula ({why})") from error


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


_ENDS_VALUE = re.compile(r"[A-Za-z0-9_.)\]]")
_WORDS_BETWEEN = re.compile(r"\b(and|or|not)$")


def _without_bars(text: str, where: str) -> str:
    """Bars as absolute values: ``|y|`` is ``abs(y)``.

    A bar after a value (a number, a name, a closing parenthesis or bar) ends an absolute value; anywhere else it begins
    one. Where that does not come out even within every pair of parentheses, the formula is refused; so are ``a || b``
    and ``2|y|``.

    Raises
    ------
    ConfigError
        When the bars do not pair.
    """
    if "|" not in text:
        return text
    refused = ConfigError(f"{where}: the bars of {shown(text)} do not pair; write abs(...) for an absolute value")
    done: list[str] = []
    open_: list[str] = []  # what each open parenthesis or bar was
    for character in text:
        before = "".join(done).rstrip()
        if character == "|":
            ends = bool(before) and bool(_ENDS_VALUE.match(before[-1])) and not _WORDS_BETWEEN.search(before)
            if ends:
                if not open_ or open_.pop() != "|":
                    raise refused
                done.append(")")
            else:
                open_.append("|")
                done.append("abs(")
            continue
        if character == "(":
            open_.append("(")
        elif (character == ")" and (not open_ or open_.pop() != "(")) or (character in ";" and open_):
            raise refused
        done.append(character)
    if open_:
        raise refused
    return "".join(done)


def _names(tree: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(_CONSTANTS) - set(_FUNCTIONS)


def _ordered(definitions: Mapping[str, ast.expr], where: str) -> tuple[tuple[str, ast.expr], ...]:
    left, done = dict(definitions), []
    while left:
        ready = [name for name, tree in left.items() if not _names(tree) & set(left)]
        if not ready:
            raise ConfigError(f"{where}: {', '.join(left)} are defined through each other")
        done += [(name, left.pop(name)) for name in ready]
    return tuple(done)


def _check(node: ast.AST, where: str, names: set[str], depth: int = 0) -> bool:
    """Whether a tree is a condition; anything but arithmetic and conditions is refused."""

    def numbers(*parts: ast.AST) -> bool:
        if any(_check(part, where, names, depth + 1) for part in parts):
            raise ConfigError(f"{where}: {_text(node)!r} calculates with something that is true or false")
        return False

    if depth > _DEEPEST:
        raise ConfigError(f"{where}: the formula is nested more than {_DEEPEST} deep")
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            try:
                float(number)
            except OverflowError:
                raise ConfigError(f"{where}: {shown(number)} is too large for a formula") from None
            return False
        case ast.Name(id=name):
            if name not in names:
                raise ConfigError(f"{where}: {name!r} is not known here (known: {', '.join(sorted(names))})")
            return False
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=part):
            return numbers(part)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return numbers(left, right)
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in _FUNCTIONS:
            if len(parts) != _ARGUMENTS.get(name, 1):
                raise ConfigError(f"{where}: {name} takes {_ARGUMENTS.get(name, 1)} argument(s)")
            return numbers(*parts)
        case ast.Compare(left=left, ops=ops, comparators=parts) if all(type(op) in _COMPARISONS for op in ops):
            numbers(left, *parts)
            return True
        case ast.BoolOp(values=parts):
            if all(_check(part, where, names, depth + 1) for part in parts):
                return True
        case ast.UnaryOp(op=ast.Not(), operand=part):
            if _check(part, where, names, depth + 1):
                return True
    raise ConfigError(f"{where}: {_text(node)!r} cannot stand in a formula")


def _text(node: ast.AST) -> str:
    """What is wrong, as written anew; of what is nested too deep for that, its kind."""
    try:
        return ast.unparse(node)[:60]
    except (RecursionError, ValueError):  # of a number that is too long to write
        return type(node).__name__.lower()


def _value(node: ast.AST, numbers: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return numbers[name] if name in numbers else _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=part):
            value = _value(part, numbers)
            return -value if isinstance(op, ast.USub) else value if isinstance(op, ast.UAdd) else np.logical_not(value)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_value(left, numbers), _value(right, numbers))
        case ast.Call(func=ast.Name(id=name), args=parts):
            return _FUNCTIONS[name](*(_value(part, numbers) for part in parts))
        case ast.Compare(left=left, ops=ops, comparators=parts):
            sides = [_value(part, numbers) for part in (left, *parts)]
            tests = [_COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, sides[:-1], sides[1:], strict=True)]
            return np.logical_and.reduce(np.broadcast_arrays(*tests))
        case ast.BoolOp(op=op, values=parts):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return join.reduce(np.broadcast_arrays(*(_value(part, numbers) for part in parts)))
    raise AssertionError(node)  # _check lets nothing else through
