"""Model systems with exact answers, for the tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm

from separatrix.dynamics import DynamicsSettings, Engine
from separatrix.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.potentials import Potential
from separatrix.states import Basin, Coordinate, Interval
from separatrix.units import BOLTZMANN, FEMTOSECOND

DNAB = Path(__file__).parents[1] / "resources" / "dnab"


def dnab(isomer: str) -> tuple[Molecule, np.ndarray]:
    """DNAB and a geometry in nm; the isomer is ``"E"`` or ``"Z"``."""
    symbols, positions = read_geometry(DNAB / f"dnab_{isomer}.xyz")
    return Molecule(symbols, bonds_from_distances(symbols, positions)), positions


def numerical_gradient(function, positions: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Gradient of a scalar function of positions, by central differences of fourth order."""
    gradient = np.zeros_like(positions)
    for index in np.ndindex(positions.shape):
        shift = np.zeros_like(positions)
        shift[index] = step
        near = function(positions + shift) - function(positions - shift)
        far = function(positions + 2 * shift) - function(positions - 2 * shift)
        gradient[index] = (8.0 * near - far) / (12.0 * step)
    return gradient


@dataclass(frozen=True)
class PathAverages:
    """Averages over the transition-path ensemble of :class:`DoubleWell`.

    Attributes
    ----------
    frames, frames2
        Mean number of interior frames of a path, and mean of its square.
    pooled
        Average of a function of x over the interior frames of all paths.
    within
        Average over paths of the mean of that function within the path (frames taken as continuous).
    excess
        Mean energy above the barrier in kT.
    biased_frames, biased_pooled, biased_excess
        The same where each path counts as often as it has interior frames (the wrong ensemble).
    """

    frames: float
    frames2: float
    pooled: float
    within: float
    excess: float
    biased_frames: float
    biased_pooled: float
    biased_excess: float


@dataclass(frozen=True)
class DoubleWell:
    """A diatomic molecule whose bond carries a flat-topped, lopsided double well.

    Without linear and angular momentum, dynamics at constant energy is one-dimensional in the bond length r
    with the reduced mass mu, H = mu v^2 / 2 + V(r), and the canonical measure is exp(-H/kT) dr dv. In
    x = (r - centre) / width, V is kT (height (1 - x^4)^2 + tilt x^5). The basins are x < left and x > right,
    both on the slopes of the barrier.

    A path that crosses has an energy E above the barrier and crosses once. Its phase-space flux is dE, so
    paths have the weight exp(-E/kT) dE, and a path of energy E lasts tau(E) = int dr / v. The origin of the
    frames is uniform in time, so the mean number of interior frames is exactly tau / frame.
    """

    temperature: float = 300.0
    mass_1: float = 14.007
    mass_2: float = 15.999
    centre: float = 0.30
    width: float = 0.03
    height: float = 4.0
    tilt: float = 0.8
    left: float = -0.85
    right: float = 0.9
    time_step: float = 1.0
    steps_per_frame: int = 4

    @property
    def kt(self) -> float:
        return BOLTZMANN * self.temperature

    @property
    def reduced_mass(self) -> float:
        return self.mass_1 * self.mass_2 / (self.mass_1 + self.mass_2)

    @property
    def frame(self) -> float:
        """ps"""
        return self.time_step * self.steps_per_frame * FEMTOSECOND

    def shape(self, x):
        """V / kT"""
        return self.height * (1.0 - x**4) ** 2 + self.tilt * x**5

    @property
    def top(self) -> float:
        """Barrier top, at x = 0, in kT."""
        return self.height

    def times(self, excess: np.ndarray, weight: Callable = np.ones_like) -> np.ndarray:
        """Integral of weight(x) dt over crossings with `excess` kT above the barrier, in ps."""
        # The barrier top is x = 0, where slow crossings spend their time; x = s^3 puts points there.
        edges = np.linspace(np.cbrt(self.left), np.cbrt(self.right), 801)
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * (edges[1] - edges[0])
        nodes, factors = np.polynomial.legendre.leggauss(3)
        s = (middle[:, None] + half * nodes).ravel()
        x, dx = s**3, np.tile(half * factors, len(middle)) * 3.0 * s**2
        kinetic = self.top + np.asarray(excess)[:, None] - self.shape(x)
        speed = np.sqrt(2.0 * self.kt * kinetic / self.reduced_mass)
        return self.width * (weight(x) / speed) @ dx

    def exact(self, weight: Callable = np.square) -> PathAverages:
        """The ensemble by quadrature over the energy; `pooled` is the average of weight(x)."""
        u, du = np.linspace(-16.0, math.log(40.0), 400, retstep=True)
        excess = np.exp(u)
        measure = np.exp(-excess) * excess * du
        measure /= measure.sum()
        n, part = self.times(excess) / self.frame, self.times(excess, weight) / self.frame
        f = n - np.floor(n)  # of the two whole numbers that the frames' origin allows
        return PathAverages(
            frames=float(measure @ n),
            frames2=float(measure @ (n**2 + f * (1.0 - f))),
            pooled=float(measure @ part / (measure @ n)),
            within=float(measure @ (part / n)),
            excess=float(measure @ excess),
            biased_frames=float(measure @ (n**2 + f * (1.0 - f)) / (measure @ n)),
            biased_pooled=float(measure @ (part * n) / (measure @ n**2)),
            biased_excess=float(measure @ (excess * n) / (measure @ n)),
        )

    @property
    def molecule(self) -> Molecule:
        return Molecule(("N", "O"), ((0, 1),))

    def potential(self) -> Potential:
        system = openmm.System()
        system.addParticle(self.mass_1)
        system.addParticle(self.mass_2)
        force = openmm.CustomBondForce("kt*(height*(1-x^4)^2 + tilt*x^5); x=(r-centre)/width")
        for name in ("kt", "height", "tilt", "centre", "width"):
            force.addGlobalParameter(name, getattr(self, name))
        force.addBond(0, 1, [])
        system.addForce(force)
        return Potential(system, "double well")

    def settings(self, longest_half: float = 4000.0) -> DynamicsSettings:
        return DynamicsSettings(self.temperature, self.time_step, self.steps_per_frame, longest_half)

    def engine(self, longest_half: float = 4000.0) -> Engine:
        return Engine(self.molecule, self.potential(), self.settings(longest_half))

    def bond(self, x: float) -> float:
        """Bond length in angstrom."""
        return 10.0 * (self.centre + self.width * x)

    @property
    def basins(self) -> tuple[Basin, Basin]:
        bond = Coordinate("bond", "distance", (0, 1))
        return (
            Basin("A", (Interval(bond, 0.1, self.bond(self.left)),)),
            Basin("B", (Interval(bond, self.bond(self.right), 99.0),)),
        )

    def at(self, x: float) -> np.ndarray:
        """Positions in nm."""
        return np.array([[0.0, 0.0, 0.0], [0.0, 0.0, self.bond(x) / 10.0]])


class Analytic:
    """The double well as an engine behind the seam, with faults on order.

    A fault takes the number of the call, the energy and the gradient, and returns what is answered instead.
    """

    def __init__(self, model: DoubleWell, fault: Callable | None = None):
        self.model = model
        self.calls = 0
        self.fault = fault

    def gradient(self, positions):
        self.calls += 1
        apart = positions[1] - positions[0]
        r = np.linalg.norm(apart)
        x = (r - self.model.centre) / self.model.width
        slope = -8.0 * self.model.height * x**3 * (1.0 - x**4) + 5.0 * self.model.tilt * x**4
        pull = self.model.kt * slope / self.model.width * apart / r
        energy, gradient = self.model.kt * self.model.shape(x), np.array([-pull, pull])
        if self.fault is not None:
            return self.fault(self.calls, energy, gradient)
        return energy, gradient

    def remember(self):
        pass

    def restore(self):
        pass
