"""Variables of a reaction coordinate as the terms that PLUMED and OpenMM are given, each once.

What a kind is in these programs is part of its entry (:mod:`separatrix.cvs.kinds`). Lengths are nm and angles radian in
both; the factors to angstrom and degree are in the expressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.cvs.kinds import COMPOUNDS, KINDS
from separatrix.cvs.kinds.kind import Action
from separatrix.cvs.variable import Variable, not_expressible


def labelled(coordinate: ReactionCoordinate) -> dict[Variable, str]:
    """Labels of the variables (q1, q2, ...) and of the terms that they are made of (t1, ...), each once.

    Raises
    ------
    ValueError
        When one of them has no counterpart in the other programs.
    """
    labels: dict[tuple[Any, ...], str] = {}
    result: dict[Variable, str] = {}

    def name(variable: Variable, prefix: str) -> None:
        for _, term in variable.terms:
            name(term, "t")
        lacking = not_expressible([variable])
        if lacking is not None:
            raise ValueError(f"variable {variable.name!r}: kind {lacking[1]!r} has no counterpart in this format")
        # The name does not count: the same function is worked out once.
        content = (variable.kind, variable.atoms, variable.options, tuple((w, result[t]) for w, t in variable.terms))
        number = 1 + sum(label.startswith(prefix) for label in labels.values())
        result[variable] = labels.setdefault(content, f"{prefix}{number}")

    for variable in coordinate.variables:
        name(variable, "q")
    return result


def each_once(labels: Mapping[Variable, str]) -> list[tuple[str, Variable]]:
    """Each label with what it stands for, terms before what is made of them."""
    return list({label: (label, variable) for variable, label in labels.items()}.values())


def compound_expression(variable: Variable, labels: Mapping[Variable, str]) -> str:
    weights = [weight for weight, _ in variable.terms]
    return COMPOUNDS[variable.kind].expression(weights, [labels[term] for _, term in variable.terms])


def action_of(variable: Variable) -> Action | None:
    """The function that both programs have for a variable, if so."""
    export = None if variable.terms else KINDS[variable.kind].export
    return export if isinstance(export, Action) else None
