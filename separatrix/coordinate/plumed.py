"""Input of PLUMED 2 that computes a reaction coordinate (the tests check the text by a small interpreter)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from separatrix.coordinate.exported_terms import action_of, compound_expression, each_once, labelled
from separatrix.coordinate.reaction_coordinate import MODELS, Array, ReactionCoordinate
from separatrix.cvs.kinds import COMPOUNDS, KINDS
from separatrix.cvs.kinds.kind import Recipe
from separatrix.cvs.specification import describe
from separatrix.cvs.variable import Variable
from separatrix.cvs.vectors import ANGSTROM_PER_NM

_ACTIONS = {"distance": "DISTANCE", "angle": "ANGLE", "torsion": "TORSION"}


def plumed(coordinate: ReactionCoordinate, name: str = "plumed.dat") -> dict[str, str]:
    """PLUMED 2 input that computes the variables, r and p_B and prints them to COLVAR.

    Parameters
    ----------
    name
        Of the file; the reference geometries of RMSD variables go into PDB files named after it (three decimals of an
        angstrom, which is PDB's own limit).

    Returns
    -------
    Text by file name.

    Raises
    ------
    ValueError
        When a variable has no counterpart in PLUMED.
    """
    labels = labelled(coordinate)
    files: dict[str, str] = {}
    lines = [
        f"# {coordinate.formula}",
        f"# p_B = {MODELS[coordinate.model].formula}: "
        f"chance to reach {coordinate.product} before {coordinate.reactant}",
        "# PLUMED counts atoms from 1. Inputs are in nm and radian; q1, q2, ... are in the units given below.",
        *([f"# {coordinate.source}"] if coordinate.source else []),
        *([f"# caution: {coordinate.caution}"] if coordinate.caution else []),
        "UNITS LENGTH=nm ENERGY=kj/mol TIME=ps",
    ]
    for label, variable in each_once(labels):
        lines.append(f"# {label}: {variable.name}: {describe(variable)}, atoms counted from 0")
        action = action_of(variable)
        if action is not None:
            options, file = dict(variable.options), f"{name.removesuffix('.dat')}_{label}.pdb"
            if action.reference is not None:
                files[file] = _pdb(variable, action.reference(options), coordinate.symbols)
            raw = f"{label}_nm" if action.factor else label
            lines.append(f"{raw}: {action.plumed(variable.atoms, options, file)}")
            if action.factor:
                lines.append(_custom(label, f"{action.factor}*q", {"q": raw}))
        elif variable.terms:
            lines.append(_combination(label, variable, labels))
        else:
            lines += _plumed_leaf(label, variable)
    lines += [
        "# the reaction coordinate, and the committor that it predicts",
        f"r_0: COMBINE ARG={','.join(labels[v] for v in coordinate.variables)} "
        f"COEFFICIENTS={','.join(repr(c) for c in coordinate.coefficients)} PERIODIC=NO",
        _custom("r", f"{coordinate.intercept!r}+s", {"s": "r_0"}),
        _custom("p_B", MODELS[coordinate.model].lepton, {"r": "r"}),
        f"PRINT ARG=r,p_B,{','.join(dict.fromkeys(labels[v] for v in coordinate.variables))} FILE=COLVAR STRIDE=1",
    ]
    return {name: "\n".join(lines) + "\n", **files}


def _custom(label: str, function: str, arguments: Mapping[str, str]) -> str:
    """A CUSTOM action; `arguments`: the name of each in the function, and its label."""
    inputs = f"ARG={','.join(arguments.values())} VAR={','.join(arguments)}"
    return f"{label}: CUSTOM {inputs} FUNC={function} PERIODIC=NO"


def _combination(label: str, variable: Variable, labels: Mapping[Variable, str]) -> str:
    if COMPOUNDS[variable.kind].weighted:
        weights: dict[str, float] = {}
        for weight, term in variable.terms:  # an argument may stand there once only
            weights[labels[term]] = weights.get(labels[term], 0.0) + weight
        coefficients = ",".join(repr(w) for w in weights.values())
        return f"{label}: COMBINE ARG={','.join(weights)} COEFFICIENTS={coefficients} PERIODIC=NO"
    terms = {labels[term]: labels[term] for _, term in variable.terms}
    return _custom(label, compound_expression(variable, labels), terms)


def _plumed_leaf(label: str, variable: Variable) -> list[str]:
    atoms = [atom + 1 for atom in variable.atoms]
    recipe = KINDS[variable.kind].export
    assert isinstance(recipe, Recipe)
    if recipe.measure in _ACTIONS:
        listed = ",".join(str(a) for a in atoms)
        measure = f"{label}_q: {_ACTIONS[recipe.measure]} ATOMS={listed} NOPBC"
        return [measure, _custom(label, recipe.value, {"q": f"{label}_q"})]
    if recipe.measure:
        measure = f"{label}_q: POSITION ATOM={atoms[0]} NOPBC"
        return [measure, _custom(label, recipe.value, {"q": f"{label}_q.{recipe.measure}"})]
    labels: dict[str, str] = {}
    lines = []
    for vector, (start, end) in recipe.vectors.items():
        lines.append(f"{label}_{vector}: DISTANCE ATOMS={atoms[start]},{atoms[end]} COMPONENTS NOPBC")
        labels |= {f"{vector}{axis}": f"{label}_{vector}.{axis}" for axis in "xyz"}
    for step, expression in {**recipe.steps, "": recipe.value}.items():
        used = {word: labels[word] for word in dict.fromkeys(re.findall(r"[a-z]+", expression)) if word in labels}
        labels[step] = f"{label}_{step}" if step else label
        lines.append(_custom(labels[step], expression, used))
    return lines


def _pdb(variable: Variable, positions: Array, symbols: Sequence[str]) -> str:
    reference = ANGSTROM_PER_NM * positions
    reference = reference - reference.mean(axis=0)  # large numbers would not fit the columns
    lines = [f"REMARK reference of {variable.name}; weights: all 1"]
    for atom, place in zip(variable.atoms, reference, strict=True):
        element, columns = symbols[atom], "".join(f"{value:8.3f}" for value in place)
        lines.append(f"ATOM  {atom + 1:5d} {element:>2s}   MOL A   1    {columns}  1.00  1.00          {element:>2s}")
    return "\n".join([*lines, "END", ""])
