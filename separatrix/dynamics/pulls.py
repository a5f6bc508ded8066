"""Smooth pulls on collective variables, used only to find a saddle's region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from separatrix.core.units import ANGSTROM
from separatrix.cvs.evaluation import gradient_of
from separatrix.cvs.variable import Variable


@dataclass(frozen=True)
class CosinePull:
    """A smooth pull on an angle, a dihedral, or whatever else is measured in degrees, k (1 - cos(q - target)).

    The cosine has the period of q: of one that repeats after 180 degrees that of twice the difference.
    :class:`HarmonicPull` is its like for the other coordinates.

    Attributes
    ----------
    coordinate
        q.
    target
        Degrees.
    strength
        k in kJ/mol.
    """

    coordinate: Variable
    target: float
    strength: float

    def __call__(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm.

        The cosine and sine of an angle or a dihedral are differentiated, never the coordinate: an angle of 180 degrees
        is then an ordinary point. Where it is undefined (:attr:`Variable.deciding`) there is no pull, and the
        energy is that of 90 degrees off the target.
        """
        value = self.coordinate.deciding(positions)
        if np.isnan(value):
            return self.strength, np.zeros_like(positions)
        if self.coordinate.kind in ("angle", "dihedral"):
            return _cosine_pull(positions, self.coordinate.atoms, np.radians(self.target), self.strength)
        turns = 360.0 / (self.coordinate.period or 360.0)
        off = np.radians(turns * (value - self.target))
        slope = self.strength * np.sin(off) * np.radians(turns)
        return float(self.strength * (1.0 - np.cos(off))), slope * gradient_of(self.coordinate, positions)


def _cosine_pull(
    positions: np.ndarray, atoms: tuple[int, ...], target: float, strength: float
) -> tuple[float, np.ndarray]:
    gradient = np.zeros_like(positions)
    x = positions[list(atoms)]
    if len(atoms) == 3:
        a, b = x[0] - x[1], x[2] - x[1]
        na, nb = np.linalg.norm(a), np.linalg.norm(b)
        u, v = a / na, b / nb
        cosine = float(np.clip(u @ v, -1.0, 1.0))
        sine = float(np.linalg.norm(np.cross(u, v)))
        slope_a, slope_b = (v - cosine * u) / na, (u - cosine * v) / nb  # of the cosine
        # d cos(q - t) = cos t d(cos q) + sin t d(sin q), and d(sin q) = -(cos q / sin q) d(cos q); the last
        # term is undefined at linearity, where a target of 0 or 180 degrees has sin t = 0 and needs none.
        factor = np.cos(target)
        if abs(np.sin(target)) > 1e-12:
            factor -= np.sin(target) * cosine / max(sine, 1e-8)
        energy = strength * (1.0 - cosine * np.cos(target) - sine * np.sin(target))
        gradient[atoms[0]] -= strength * factor * slope_a
        gradient[atoms[2]] -= strength * factor * slope_b
        gradient[atoms[1]] += strength * factor * (slope_a + slope_b)
        return energy, gradient
    # Dihedral: the classic gradient of the angle itself (Blondel and Karplus, J. Comput. Chem. 1996, 17, 1132).
    f, g, h = x[0] - x[1], x[1] - x[2], x[3] - x[2]
    a, b = np.cross(f, g), np.cross(h, g)
    length = np.linalg.norm(g)
    aa, bb = max(a @ a, 1e-12), max(b @ b, 1e-12)
    phi = np.arctan2(np.cross(b, a) @ g / length, a @ b)
    torque = strength * np.sin(phi - target)
    first, last = -length / aa * a, length / bb * b
    inner = (f @ g) / (aa * length) * a - (h @ g) / (bb * length) * b
    gradient[atoms[0]] += torque * first
    gradient[atoms[1]] += torque * (inner - first)
    gradient[atoms[2]] += torque * (-inner - last)
    gradient[atoms[3]] += torque * last
    return float(strength * (1.0 - np.cos(phi - target))), gradient


@dataclass(frozen=True)
class HarmonicPull:
    """A harmonic pull on a coordinate, k/2 (q - target)^2, used as :class:`CosinePull` is.

    Attributes
    ----------
    coordinate
        q.
    target
        In the coordinate's unit.
    strength
        k in kJ/mol per square of that unit.
    """

    coordinate: Variable
    target: float
    strength: float

    def __call__(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        """Energy in kJ/mol and gradient in kJ/mol/nm; none where the coordinate is undefined."""
        value = self.coordinate.deciding(positions)
        if np.isnan(value):
            return 0.0, np.zeros_like(positions)
        excess = value - self.target
        if self.coordinate.kind != "distance":
            return 0.5 * self.strength * excess**2, self.strength * excess * gradient_of(self.coordinate, positions)
        # Coincident atoms are pulled apart along no line: a small length in the place of none.
        first, second = self.coordinate.atoms
        gradient = np.zeros_like(positions)
        apart = positions[first] - positions[second]
        gradient[first] = self.strength * excess / ANGSTROM * apart / max(np.linalg.norm(apart), 1e-12)
        gradient[second] = -gradient[first]
        return 0.5 * self.strength * excess**2, gradient


Pull = CosinePull | HarmonicPull
