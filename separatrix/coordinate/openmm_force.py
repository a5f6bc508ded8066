"""An `openmm.CustomCVForce` whose energy is a reaction coordinate, or any function of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from separatrix.coordinate.exported_terms import action_of, compound_expression, each_once, labelled
from separatrix.coordinate.reaction_coordinate import MODELS, ReactionCoordinate
from separatrix.cvs.kinds import KINDS
from separatrix.cvs.kinds.kind import Recipe
from separatrix.cvs.variable import Variable

if TYPE_CHECKING:
    import openmm


def openmm_expression(coordinate: ReactionCoordinate, energy: str = "r") -> str:
    """Energy function of :func:`openmm_force`: the energy, then what r, p_B and compound variables are."""
    labels = labelled(coordinate)
    terms = [f"({c!r})*{labels[v]}" for c, v in zip(coordinate.coefficients, coordinate.variables, strict=True)]
    parts = [energy, f"p_B={MODELS[coordinate.model].lepton}", "+".join([f"r=({coordinate.intercept!r})", *terms])]
    # Lepton wants a definition to stand behind what uses it.
    for label, variable in reversed(each_once(labels)):
        if variable.terms:
            parts.append(f"{label}={compound_expression(variable, labels)}")
        elif (action := action_of(variable)) is not None and action.factor:
            parts.append(f"{label}={action.factor}*{label}_nm")
    return "; ".join(parts)


def openmm_force(
    coordinate: ReactionCoordinate,
    energy: str = "r",
    parameters: Mapping[str, float] | None = None,
    n_particles: int | None = None,
) -> openmm.CustomCVForce:
    """A force whose energy is a function of the reaction coordinate.

    Its collective variables are the coordinate's variables q1, q2, ... (and t1, ..., the terms of compound ones) in
    angstrom, degree or without unit; ``q1_nm`` of an RMSD is in nm.

    Parameters
    ----------
    energy
        Expression, kJ/mol, in ``r``, ``p_B`` and the parameters, such as ``0.5*k*(r-r0)^2`` for umbrella sampling.
    parameters
        Global parameters of the context and their default values.
    n_particles
        Number of particles of the System, if it has more than the coordinate's atoms, which must come first.

    Raises
    ------
    ValueError
        When a variable has no counterpart in OpenMM, or a parameter has a name that is taken.
    """
    import openmm

    labels = labelled(coordinate)
    force = openmm.CustomCVForce(openmm_expression(coordinate, energy))
    for key, value in (parameters or {}).items():
        if key in ("r", "p_B") or re.fullmatch(r"[qt]\d+(_nm)?", key):
            raise ValueError(f"parameter {key!r}: this name is taken; choose another")
        force.addGlobalParameter(key, float(value))
    count = len(coordinate.symbols) if n_particles is None else n_particles
    for label, variable in each_once(labels):
        if not variable.terms:
            action = action_of(variable)
            name = f"{label}_nm" if action is not None and action.factor else label
            force.addCollectiveVariable(name, _openmm_leaf(variable, count))
    return force


def _openmm_leaf(variable: Variable, n_particles: int) -> openmm.Force:
    import openmm

    atoms, options = list(variable.atoms), dict(variable.options)
    action = action_of(variable)
    if action is not None:
        return action.openmm(variable.atoms, options, n_particles)
    recipe = KINDS[variable.kind].export
    assert isinstance(recipe, Recipe)
    if recipe.measure == "distance":
        force = openmm.CustomBondForce(f"{recipe.value}; q=r")
        force.addBond(*atoms, [])
    elif recipe.measure == "angle":
        force = openmm.CustomAngleForce(f"{recipe.value}; q=theta")
        force.addAngle(*atoms, [])
    elif recipe.measure == "torsion":
        force = openmm.CustomTorsionForce(f"{recipe.value}; q=theta")
        force.addTorsion(*atoms, [])
    elif recipe.measure:
        force = openmm.CustomExternalForce(f"{recipe.value}; q={recipe.measure}")
        force.addParticle(atoms[0], [])
    else:
        steps = [f"{name}={expression}" for name, expression in reversed(list(recipe.steps.items()))]
        components = [
            f"{vector}{axis}={axis}{end + 1}-{axis}{start + 1}"
            for vector, (start, end) in recipe.vectors.items()
            for axis in "xyz"
        ]
        force = openmm.CustomCompoundBondForce(len(atoms), "; ".join([recipe.value, *steps, *components]))
        force.addBond(atoms, [])
    return force
