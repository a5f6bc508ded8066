"""Model systems with exact answers, for the tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm
from scipy import sparse, special
from scipy.sparse import linalg

from separatrix import potentials
from separatrix.core.molecule import Molecule, bonds_from_distances, read_geometry
from separatrix.core.units import BOLTZMANN, FEMTOSECOND
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine
from separatrix.potentials import Potential
from separatrix.sampling.shooting import AimlessSelector

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


def well(x: np.ndarray | float, barrier: float, a: float, tilt: float = 0.0) -> np.ndarray | float:
    """Double well in kJ/mol: minima about -a and a (nm), barrier and tilt in kJ/mol."""
    return barrier * ((x / a) ** 2 - 1.0) ** 2 + tilt * x / a


class Unnamed:
    """Stands in for a mechanism rule where there is none to tell."""

    def classify(self, path: np.ndarray) -> tuple[str, int]:
        return "crossing", len(path) // 2


class NoLengthFactor(AimlessSelector):
    """A wrong rule: the label is redrawn, but every path that joins the basins is accepted."""

    def probability_ratio(self, *args, **kwargs) -> float:
        return 1.0


def forgets(potential: Potential, x: np.ndarray, shakes: Sequence[float]) -> None:
    """Assert that after restart() the numbers are the same to the bit, whatever geometries (nm) came before.

    `shakes`: sizes (nm) of the displacements from x that come before.
    """
    rng = np.random.default_rng(5)
    points = [x, x + 0.001 * rng.standard_normal(x.shape)]

    def numbers() -> list[tuple[float, np.ndarray]]:
        potential.restart()
        return [potential.energy_and_gradient(p) for p in points]

    reference = numbers()
    for size in shakes:
        potential.energy_and_gradient(x + size * rng.standard_normal(x.shape))
        for (energy, gradient), (again, gradient_again) in zip(reference, numbers(), strict=True):
            assert energy == again
            np.testing.assert_array_equal(gradient, gradient_again)


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

    def engine(self, longest_half: float = 4000.0) -> MDEngine:
        return MDEngine(self.molecule, self.potential(), self.settings(longest_half))

    def bond(self, x: float) -> float:
        """Bond length in angstrom."""
        return 10.0 * (self.centre + self.width * x)

    @property
    def basins(self) -> tuple[Basin, Basin]:
        bond = Variable("bond", "distance", (0, 1))
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


def diffusion_generator(energy: np.ndarray, spacing: Sequence[float], diffusion: Sequence[float]) -> sparse.csr_matrix:
    """Generator of overdamped diffusion on a grid, by central differences that keep detailed balance.

    It acts on functions of the start: (L f)(x) is the rate at which the mean of f changes for a walker at x.

    Parameters
    ----------
    energy
        kT, one axis per coordinate; infinite where there is no way.
    spacing, diffusion
        nm and nm^2/ps, per coordinate.

    Returns
    -------
    Rates (1/ps), each row's sum zero, states in the order of `energy.ravel()`.
    """
    flat, states = energy.ravel(), np.arange(energy.size).reshape(energy.shape)
    rates = sparse.csr_matrix((energy.size, energy.size))
    for axis, (step, coefficient) in enumerate(zip(spacing, diffusion, strict=True)):
        here, there = (np.delete(states, end, axis).ravel() for end in (-1, 0))
        open_way = np.isfinite(flat[here]) & np.isfinite(flat[there])
        here, there = here[open_way], there[open_way]
        uphill = np.exp(-0.5 * (flat[there] - flat[here])) * coefficient / step**2
        downhill = np.exp(0.5 * (flat[there] - flat[here])) * coefficient / step**2
        for one, other, rate in ((here, there, uphill), (there, here, downhill)):
            rates = rates + sparse.csr_matrix((rate, (one, other)), shape=rates.shape)
    return (rates - sparse.diags(np.asarray(rates.sum(axis=1)).ravel())).tocsr()


def committor(generator: sparse.csr_matrix, where: np.ndarray, frame: float = 0.0) -> np.ndarray:
    """Probability of reaching B before A: the backward Kolmogorov equation on a grid.

    Parameters
    ----------
    generator
        Of :func:`diffusion_generator`.
    where
        -1 in A, 1 in B, else 0; one number per state.
    frame
        ps between the looks at where the walker is; 0: it is watched all the time, and L p = 0 outside the basins.
        Otherwise p = exp(L frame) p there: a visit to a basin between two frames goes unseen.
    """
    outside, probability = where == 0, (where == 1).astype(float)
    rate_to_b = np.asarray(generator[outside] @ probability)
    probability[outside] = linalg.spsolve(generator[outside][:, outside].tocsc(), -rate_to_b)
    if not frame:
        return probability

    def change(inside: np.ndarray) -> np.ndarray:
        values = np.zeros(len(where))
        values[outside] = inside
        return inside - linalg.expm_multiply(generator * frame, values)[outside]

    in_b = linalg.expm_multiply(generator * frame, (where == 1).astype(float))[outside]
    operator = linalg.LinearOperator((outside.sum(), outside.sum()), matvec=change)
    solution, failed = linalg.gmres(operator, in_b, x0=probability[outside], rtol=1e-7, restart=100)
    assert not failed
    probability[outside] = solution
    return probability


@dataclass(frozen=True)
class Bath:
    """A double well along x in a bath, alone or coupled to a slow coordinate y; basins at both ends of x.

    V = barrier ((x/a)^2 - 1)^2 + tilt x/a + k y^2 / 2 - g x y, surfaces ``double-well-1d`` and ``solute-solvent`` of
    :mod:`separatrix.potentials.engines.model`. A frame of stationary, reversible dynamics lies on a transition path
    where it came last from one basin and reaches the other next. If the friction is high, past and future depend on
    the configuration alone, and the frames on transition paths have the density rho p (1 - p), p the committor (Hummer,
    J. Chem. Phys. 2004, 120, 516; E and Vanden-Eijnden, J. Stat. Phys. 2006, 123, 503). It holds for frames at
    intervals, with the committor of these frames, as it does for continuous paths.

    Attributes
    ----------
    barrier, tilt
        kJ/mol.
    a
        nm.
    stiffness, coupling
        k and g, kJ/mol/nm^2.
    masses
        Dalton, one per coordinate.
    left, right
        The basins are x/a < left and x/a > right.
    """

    barrier: float
    tilt: float
    masses: tuple[float, ...]
    stiffness: float = 0.0
    coupling: float = 0.0
    a: float = 0.05
    left: float = -0.80
    right: float = 0.84
    temperature: float = 300.0
    friction: float = 250.0
    time_step: float = 4.0
    steps_per_frame: int = 10

    @property
    def dimension(self) -> int:
        return len(self.masses)

    @property
    def kt(self) -> float:
        return BOLTZMANN * self.temperature

    @property
    def frame(self) -> float:
        """ps"""
        return self.time_step * self.steps_per_frame * FEMTOSECOND

    @property
    def diffusion(self) -> np.ndarray:
        """Diffusion constants of the discrete dynamics, nm^2/ps; kT / (m friction) for short steps."""
        step = self.time_step * FEMTOSECOND
        return 0.5 * step * self.kt / np.array(self.masses) / math.tanh(0.5 * self.friction * step)

    def energy(self, q: np.ndarray) -> np.ndarray:
        """V in kJ/mol; coordinates (nm) along the first axis of q, here and below."""
        energy = well(q[0], self.barrier, self.a, self.tilt)
        if self.dimension == 2:
            energy = energy + 0.5 * self.stiffness * q[1] ** 2 - self.coupling * q[0] * q[1]
        return energy

    def force(self, q: np.ndarray) -> np.ndarray:
        """kJ/mol/nm"""
        u = q[0] / self.a
        along = -(4.0 * self.barrier * u * (u**2 - 1.0) + self.tilt) / self.a
        if self.dimension == 1:
            return np.array([along])
        return np.array([along + self.coupling * q[1], self.coupling * q[0] - self.stiffness * q[1]])

    def functions(self, q: np.ndarray) -> np.ndarray:
        """What is averaged over the frames: x, x^2 and, in two dimensions, y^2 and (x - y)^2, in units of a."""
        u = q / self.a
        return np.array([u[0], u[0] ** 2] + ([u[1] ** 2, (u[0] - u[1]) ** 2] if self.dimension == 2 else []))

    def where(self, q: np.ndarray) -> np.ndarray:
        """-1 in A, 1 in B, else 0."""
        return (q[0] > self.right * self.a).astype(int) - (q[0] < self.left * self.a)

    def grid(self, spacing: float = 0.04) -> tuple[np.ndarray, np.ndarray]:
        """Points, shape (dimension, n, ...), and the spacing in nm; the basins' bounds lie midway between points."""
        half_widths = (2.2, 2.8)[: self.dimension]
        axes = [self.a * spacing * (np.arange(-round(w / spacing), round(w / spacing)) + 0.5) for w in half_widths]
        return np.array(np.meshgrid(*axes, indexing="ij")), np.full(self.dimension, spacing * self.a)

    def overdamped(self, spacing: float = 0.04) -> np.ndarray:
        """Averages of `functions` over the frames on transition paths, rho p (1 - p), at high friction."""
        q, steps = self.grid(spacing)
        energy = self.energy(q) / self.kt
        energy[energy > energy.min() + 14.0] = np.inf
        generator, where = diffusion_generator(energy, steps, self.diffusion), self.where(q).ravel()
        known = np.isfinite(energy).ravel()
        p = committor(generator[known][:, known], where[known], self.frame)
        weight = np.exp(-energy.ravel()[known]) * p * (1.0 - p) * (where[known] == 0)
        return self.functions(q).reshape(-1, energy.size)[:, known] @ weight / weight.sum()

    def free_paths(self, walkers: int, frames: int, seed: int) -> np.ndarray:
        """Transition paths cut out of free dynamics, with no shooting and none of the library's code.

        Returns
        -------
        A row per path: 1, the number of interior frames, and the sums of `functions` over them.
        """
        longest = 400  # frames; far longer than any path
        rng = np.random.default_rng(seed)
        step, mass = self.time_step * FEMTOSECOND, np.array(self.masses)[:, None]
        kept = math.exp(-self.friction * step)
        spread = np.sqrt(self.kt / mass)
        points = self.grid(0.02)[0].reshape(self.dimension, -1)
        weight = np.exp(-self.energy(points) / self.kt)
        x = points[:, rng.choice(len(weight), walkers, p=weight / weight.sum())]
        v = spread * rng.standard_normal(x.shape)
        # The last frame stays empty: it parts one walker from the next.
        seen = np.zeros((self.dimension, walkers, frames + longest + 1))
        force = self.force(x)
        for frame in range(-20, frames + longest):
            for _ in range(self.steps_per_frame):
                v += 0.5 * step * force / mass
                x += 0.5 * step * v
                v = kept * v + math.sqrt(1.0 - kept**2) * spread * rng.standard_normal(x.shape)
                x += 0.5 * step * v
                force = self.force(x)
                v += 0.5 * step * force / mass
            if frame >= 0:
                seen[..., frame] = x
        where = self.where(seen)
        where[:, -1] = 9  # keeps one walker's last path apart from the next one's first
        where = where.ravel()
        looks = np.flatnonzero(where)
        first, last = looks[:-1], looks[1:]
        # Chosen by when they begin, so that long paths are not the ones that the end of the run cuts off.
        early = first % (frames + longest + 1) < frames
        crossed = (where[first] * where[last] == -1) & (last - first > 1) & early
        first, last = first[crossed], last[crossed]
        columns = [np.ones(len(first)), last - first - 1.0]
        for values in self.functions(seen):
            total = np.concatenate([[0.0], np.cumsum(values.ravel())])
            columns.append(total[last] - total[first + 1])
        return np.array(columns).T

    @property
    def molecule(self) -> Molecule:
        return Molecule(("C",) * self.dimension, ())

    def potential(self) -> Potential:
        options = {
            "surface": "double-well-1d" if self.dimension == 1 else "solute-solvent",
            "barrier_kJ_mol": self.barrier,
            "half_distance_nm": self.a,
            "tilt_kJ_mol": self.tilt,
            "mass_x_Da": self.masses[0],
        }
        if self.dimension == 2:
            options |= {
                "force_constant_kJ_mol_nm2": self.stiffness,
                "coupling_kJ_mol_nm2": self.coupling,
                "mass_y_Da": self.masses[1],
            }
        return potentials.build("model", self.molecule, options)

    def engine(self, longest_half: float = 40000.0) -> MDEngine:
        settings = DynamicsSettings(
            self.temperature, self.time_step, self.steps_per_frame, longest_half, friction=self.friction
        )
        return MDEngine(self.molecule, self.potential(), settings)

    @property
    def basins(self) -> tuple[Basin, Basin]:
        x = Variable("x", "x", (0,))
        return (
            Basin("A", (Interval(x, -99.0, 10.0 * self.left * self.a),)),
            Basin("B", (Interval(x, 10.0 * self.right * self.a, 99.0),)),
        )

    def at(self, *q: float) -> np.ndarray:
        """Positions in nm of coordinates in units of a."""
        positions = np.zeros((self.dimension, 3))
        positions[np.diag_indices(self.dimension)] = np.array(q) * self.a
        return positions

    def coordinates(self, positions: np.ndarray) -> np.ndarray:
        """Coordinates (nm, along the first axis) of the frames of a path, shape (n_frames, n_atoms, 3)."""
        return np.array([positions[:, i, i] for i in range(self.dimension)])


#: x alone
BATH_1D = Bath(barrier=7.5, tilt=1.0, masses=(6.0,))
#: y moves three times more slowly than x, so where it stands decides on which side a walker at x = 0 ends.
BATH_2D = Bath(barrier=2.0, tilt=0.5, masses=(6.0, 20.0), stiffness=8000.0, coupling=3578.0)


def slow_chains(rng: np.random.Generator, chains: int, length: int, memory: float) -> tuple[np.ndarray, ...]:
    """A variable that changes slowly along each chain, and so does something that the model does not know.

    Both are autoregressive, of unit variance, and forget in `memory` observations; the outcome is drawn from
    1/(1 + exp(-1.2 q - 1.5 u)).

    Returns
    -------
    q, whether the product was reached, and the number of the chain, each of shape (chains * length,), chain by chain.
    """
    keep = math.exp(-1.0 / memory)
    state = rng.normal(size=(2, chains))
    track = np.empty((length, 2, chains))
    for step in range(length):
        track[step] = state
        state = keep * state + math.sqrt(1.0 - keep * keep) * rng.normal(size=(2, chains))
    q, unknown = track[:, 0].T.ravel(), track[:, 1].T.ravel()
    outcome = rng.random(q.size) < special.expit(1.2 * q + 1.5 * unknown)
    return q, outcome, np.repeat(np.arange(chains), length)


def slow_shots(rng: np.random.Generator, chains: int, shots: int, memory: float) -> tuple[np.ndarray, ...]:
    """Shots of two halves each, with a variable and a hidden mode that both forget in `memory` shots.

    As :func:`slow_chains`, but the hidden mode moves the committor twice as far (3 u in place of 1.5 u) and each
    configuration is shot from twice, so that nearly all of the error of a fit is that of the mode.

    Returns
    -------
    q, whether the product was reached, and the number of the chain, each of shape (chains * shots * 2,).
    """
    keep = math.exp(-1.0 / memory)
    state = rng.normal(size=(2, chains))
    track = np.empty((shots, 2, chains))
    for step in range(shots):
        track[step] = state
        state = keep * state + math.sqrt(1.0 - keep * keep) * rng.normal(size=(2, chains))
    q, hidden = (np.repeat(track[:, k].T.ravel(), 2) for k in (0, 1))
    outcome = rng.random(q.size) < special.expit(1.2 * q + 3.0 * hidden)
    return q, outcome, np.repeat(np.arange(chains), 2 * shots)
