"""A fitted reaction coordinate that needs nothing else: its variables, its coefficients, and how to evaluate them.

r = intercept + sum of coefficient times variable; p_B = (1 + tanh r)/2 (`logistic`) or (1 + erf r)/2 (`erf`) is the
chance to reach the product before the reactant; r = 0 is the predicted separatrix. r and p_B have no unit. The
coordinate says what each variable is (kind, atoms counted from 0, unit, meaning in words), so that any program can
evaluate it. Files: :mod:`separatrix.coordinate.coordinate_file`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from separatrix.cvs.evaluation import evaluate, gradient_by_rate
from separatrix.cvs.specification import describe, from_spec, to_spec
from separatrix.cvs.variable import Variable

Array = NDArray[np.float64]

FORMAT = "separatrix reaction coordinate 1"

CONVENTIONS = (
    "atoms are counted from 0; lengths in angstrom, angles in degree; reference_nm in nm; a coefficient has the "
    "inverse unit of its variable; r and p_B have no unit"
)


class Model(NamedTuple):
    """p_B as a function of r: computed, in words, and as Lepton (OpenMM, PLUMED) writes it."""

    committor: Any
    formula: str
    lepton: str


MODELS = {
    "logistic": Model(lambda r: special.expit(2.0 * r), "(1 + tanh r)/2", "1/(1+exp(-2*r))"),
    "erf": Model(lambda r: special.ndtr(math.sqrt(2.0) * r), "(1 + erf r)/2", "0.5*(1+erf(r))"),
}


@dataclass(frozen=True)
class Evaluation:
    """A coordinate in n frames.

    Attributes
    ----------
    r, committor
        Shape (n,), without unit.
    values
        Shape (n, variables), each in its variable's unit.
    r_rate, rates
        Time derivatives, 1/ps and unit/ps; None without velocities.
    """

    r: Array
    committor: Array
    values: Array
    r_rate: Array | None = None
    rates: Array | None = None


@dataclass(frozen=True)
class ReactionCoordinate:
    """A reaction coordinate that can be evaluated.

    Attributes
    ----------
    variables, coefficients
        What it is made of; a coefficient has the inverse unit of its variable.
    intercept
        Without unit.
    model
        A word of `MODELS`.
    reactant, product
        Names of the basins; p_B is the chance to reach the product first.
    symbols
        Element symbol of every atom of the molecule.
    source
        Level of theory.
    caution
        Why not to trust it, if so.
    """

    variables: tuple[Variable, ...]
    coefficients: tuple[float, ...]
    intercept: float
    model: str
    reactant: str
    product: str
    symbols: tuple[str, ...]
    source: str = ""
    caution: str = ""

    @property
    def formula(self) -> str:
        """r in one line."""
        terms = [f"{c:+.6g}*[{v.name}]" for c, v in zip(self.coefficients, self.variables, strict=True)]
        return " ".join([f"r = {self.intercept:.6g}", *terms])

    def evaluate(self, positions: ArrayLike, velocities: ArrayLike | None = None) -> Evaluation:
        """r, p_B and the variables.

        Parameters
        ----------
        positions
            Shape (n, atoms, 3), nm.
        velocities
            The same shape, nm/ps.

        Raises
        ------
        ValueError
            For other shapes, another number of atoms, and numbers that are not finite.
        """
        x = np.asarray(positions, dtype=np.float64)
        if x.ndim == 3 and x.shape[1] != len(self.symbols):
            raise ValueError(f"{x.shape[1]} atoms are given; the coordinate is one of {len(self.symbols)}")
        values, rates = evaluate(self.variables, x, velocities)
        slopes = np.array(self.coefficients)
        r = self.intercept + values @ slopes
        committor = MODELS[self.model].committor(r)
        return Evaluation(r, committor, values, None if rates is None else rates @ slopes, rates)

    def gradient(self, positions: ArrayLike) -> Array:
        """Gradient of r.

        Parameters
        ----------
        positions
            One frame, shape (atoms, 3), nm.

        Returns
        -------
        1/nm, shape (atoms, 3).
        """

        def rate(x: Array, v: Array) -> Array:
            velocity = self.evaluate(x, v).r_rate
            assert velocity is not None  # velocities were given
            return velocity

        return gradient_by_rate(rate, self.variables, positions)

    def to_dict(self) -> dict[str, Any]:
        """The small file as plain data."""
        entries = [
            {
                "name": variable.name,
                "coefficient": coefficient,
                "unit": variable.unit,
                "meaning": describe(variable),
                **{key: value for key, value in to_spec(variable).items() if key != "name"},
            }
            for variable, coefficient in zip(self.variables, self.coefficients, strict=True)
        ]
        committor = f"{MODELS[self.model].formula}, the chance to reach {self.product} before {self.reactant}"
        data = {
            "format": FORMAT,
            "formula": {"r": self.formula, "p_B": committor, "separatrix": "r = 0"},
            "conventions": CONVENTIONS,
            "source": self.source,
            "caution": self.caution,
            "reactant": self.reactant,
            "product": self.product,
            "symbols": list(self.symbols),
            "model": self.model,
            "intercept": self.intercept,
            "variables": entries,
        }
        return {key: value for key, value in data.items() if value != ""}


def from_dict(data: Mapping[str, Any]) -> ReactionCoordinate:
    """Inverse of :meth:`ReactionCoordinate.to_dict`.

    Raises
    ------
    ValueError
        In one line that starts with the key.
    """
    given = data.get("format")
    if given != FORMAT:
        raise ValueError(f"format: is {given!r}, not {FORMAT!r}; this is no reaction coordinate")
    entries = data.get("variables")
    if not isinstance(entries, list) or not entries:
        raise ValueError("variables: must be a list of one variable or more")
    made, coefficients = [], []
    for n, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise ValueError(f"variables[{n}]: must be a mapping, not {entry!r}")
        spec = {key: value for key, value in entry.items() if key not in ("coefficient", "unit", "meaning")}
        try:
            made.append(from_spec(spec))
        except ValueError as error:
            raise ValueError(f"variables[{n}]: {error}") from None
        if entry.get("unit", made[-1].unit) != made[-1].unit:
            raise ValueError(f"variables[{n}].unit: is {entry['unit']!r}, but the kind has {made[-1].unit!r}")
        coefficients.append(_number(entry.get("coefficient"), f"variables[{n}].coefficient"))
    return _checked(made, coefficients, data, data)


def from_results(data: Mapping[str, Any]) -> ReactionCoordinate:
    """The coordinate of a run, from the content of its ``coordinate.json``.

    Raises
    ------
    ValueError
        In one line that starts with the key.
    """
    for key in ("variables", "symbols"):
        if key not in data:
            raise ValueError(
                f"{key}: is missing: this file names its variables and does not say what they are, as those of "
                "older versions; make it again (delete it, then snakemake), or give the small file of a coordinate"
            )
    fit = data["coordinate"]
    try:
        specs = {spec["name"]: spec for spec in data["variables"]}
        made = [from_spec(specs[name]) for name in fit["names"]]
        coefficients = [_number(c, "coordinate.coefficients") for c in fit["coefficients"]]
        caution = []
        if fit.get("separable"):
            caution.append("the outcomes can be told apart without error: only the sign of r means anything")
        elif not fit.get("converged", True):
            caution.append("the fit did not converge")
        if not data.get("beats_null", True):
            caution.append("the coordinate is no better than a constant")
    except (KeyError, TypeError) as error:
        raise ValueError(f"coordinate: is not that of a run ({error!r})") from error
    return _checked(made, coefficients, fit, {**data, "caution": "; ".join(caution)})


def _checked(
    made: Sequence[Variable], coefficients: Sequence[float], fit: Mapping[str, Any], data: Mapping[str, Any]
) -> ReactionCoordinate:
    if len(coefficients) != len(made):
        raise ValueError(f"coefficients: {len(coefficients)} for {len(made)} variables; give one for each")
    names = [variable.name for variable in made]
    if len(set(names)) != len(names):
        raise ValueError("variables: two bear the same name; give each its own")
    model = fit.get("model")
    if model not in MODELS:
        raise ValueError(f"model: is {model!r}; known: {', '.join(MODELS)}")
    text = {key: data.get(key, "") for key in ("reactant", "product", "source", "caution")}
    for key, value in text.items():
        if not isinstance(value, str) or (key in ("reactant", "product") and not value):
            raise ValueError(f"{key}: must be a word, not {value!r}")
    symbols = data.get("symbols")
    if not isinstance(symbols, list) or not symbols or not all(isinstance(s, str) for s in symbols):
        raise ValueError("symbols: must be a list of the element symbols of all atoms")
    for n, variable in enumerate(made):
        beyond = max(max(leaf.atoms) for leaf in variable.leaves)
        if beyond >= len(symbols):
            raise ValueError(f"variables[{n}]: atom {beyond} is not among the {len(symbols)} in symbols")
    intercept = _number(fit.get("intercept"), "intercept")
    return ReactionCoordinate(tuple(made), tuple(coefficients), intercept, model, symbols=tuple(symbols), **text)


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{key}: must be a finite number, not {value!r}")
    return float(value)
