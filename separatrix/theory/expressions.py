"""Formulas that a user writes, read by a parser of our own: numbers, names, arithmetic, comparisons, a few functions.

Python's parser makes the syntax tree, and nothing but the node types below is walked; no text is ever executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ConfigError

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
        known = {name: np.asarray(value, dtype=float) for name, value in values.items()}
        # Far out on a surface an exponential overflows; that is infinitely high there, and no mistake.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            for name, tree in self.definitions:
                known[name] = _value(tree, known)
            return np.asarray(_value(self.tree, known))

    def edges(self, variable: str) -> list[float]:
        """Numbers that the condition compares a bare variable with: where its borders are lines of the grid."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for one, other in pairwise(sides):
                    for name, number in ((one, other), (other, one)):
                        if isinstance(name, ast.Name) and name.id == variable and not _names(number):
                            found.append(float(_value(number, {})))
        return found


def read(text: Any, where: str, names: tuple[str, ...], *, condition: bool = False) -> Expression:
    """Read a formula.

    Parameters
    ----------
    text
        Arithmetic with ``+ - * / ** ^``, and the functions exp, log, sqrt, abs, sin, cos, tan, sinh, cosh, tanh, min,
        max. A condition also compares (``<``, ``<=``, ``>``, ``>=``) and joins by ``and``, ``or``, ``not``.
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
        raise ConfigError(f"{where}: {text!r} is not a formula; write text such as {_sample(condition)!r}")
    text = str(text)
    if len(text) > LONGEST:
        raise ConfigError(f"{where}: a formula of {len(text)} characters; at most {LONGEST} are read")
    main, *rest = [part.strip() for part in text.replace("^", "**").split(";")]
    definitions = {}
    for part in rest:
        name, sign, formula = part.partition("=")
        if not sign or not name.strip().isidentifier():
            raise ConfigError(f"{where}: {part!r} defines no name; write `name = formula` after a semicolon")
        definitions[name.strip()] = _parse(formula.strip(), where)
    tree = _parse(main, where)
    allowed = {*names, *definitions, *_CONSTANTS}
    kinds = {name: _check(formula, where, allowed) for name, formula in definitions.items()}
    if any(kinds.values()):
        raise ConfigError(f"{where}: a defined name must be a number")
    if _check(tree, where, allowed) != condition:
        what = "true or false" if condition else "a number"
        raise ConfigError(f"{where}: {text!r} must give {what}, such as {_sample(condition)!r}")
    return Expression(text, tree, _ordered(definitions, where), condition)


def _sample(condition: bool) -> str:
    return "x <= -0.8 and y <= -0.8" if condition else "1 + 0.5*x**2"


def _parse(text: str, where: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{where}: {text!r} is not a formula ({getattr(error, 'msg', None) or error})") from error


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
        case ast.Constant(value=int() | float()):
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
    return ast.unparse(node)[:60]


def _value(node: ast.AST, known: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return float(value)
        case ast.Name(id=name):
            return known[name] if name in known else _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=part):
            value = _value(part, known)
            return -value if isinstance(op, ast.USub) else value if isinstance(op, ast.UAdd) else np.logical_not(value)
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_value(left, known), _value(right, known))
        case ast.Call(func=ast.Name(id=name), args=parts):
            return _FUNCTIONS[name](*(_value(part, known) for part in parts))
        case ast.Compare(left=left, ops=ops, comparators=parts):
            sides = [_value(part, known) for part in (left, *parts)]
            tests = [_COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, sides[:-1], sides[1:], strict=True)]
            return np.logical_and.reduce(np.broadcast_arrays(*tests))
        case ast.BoolOp(op=op, values=parts):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return join.reduce(np.broadcast_arrays(*(_value(part, known) for part in parts)))
    raise AssertionError(node)  # _check lets nothing else through
