"""Stationary points: minima, saddles, normal modes, and the proof that a saddle joins two basins."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ase
import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.units import kJ, mol

from separatrix.core.errors import PotentialError, StationaryError
from separatrix.core.molecule import Molecule
from separatrix.core.units import ANGSTROM, KCAL, wavenumber
from separatrix.cvs.states import Basin, basin_of
from separatrix.cvs.variable import Variable
from separatrix.dynamics.motion import is_linear, motions_left_out, straightened, thermal_velocities
from separatrix.dynamics.pulls import Pull
from separatrix.dynamics.walks import (
    EnergyAndGradient,
    Unfinished,
    complement,
    descend,
    follow_mode,
    hessian,
    largest_force,
    walk_to_saddle,
)
from separatrix.potentials import Potential

log = logging.getLogger(__name__)

_EV = kJ / mol  # eV in one kJ/mol


class NoSaddle(StationaryError):
    """A search that has led to no saddle, with the geometries that show why.

    Attributes
    ----------
    geometries
        What each is, positions in nm, energy in kJ/mol: the end of the walk or the saddle that was refused, and how far
        the descents from it got.
    """

    def __init__(self, message: str, geometries: Sequence[tuple[str, np.ndarray, float]]) -> None:
        super().__init__(message)
        self.geometries = tuple(geometries)


def biased(surface: EnergyAndGradient, biases: Sequence[EnergyAndGradient]) -> EnergyAndGradient:
    """A surface with pulls added."""

    def total(positions: np.ndarray) -> tuple[float, np.ndarray]:
        energy, gradient = surface(positions)
        for bias in biases:
            extra, slope = bias(positions)
            energy, gradient = energy + extra, gradient + slope
        return energy, gradient

    return total


class _SurfaceCalculator(Calculator):
    """A surface as ASE sees it, so that ASE's optimisers can walk on it."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 (as ASE declares it)

    def __init__(self, surface: EnergyAndGradient) -> None:
        super().__init__()
        self.surface = surface

    def calculate(
        self,
        atoms: ase.Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None  # ASE's own, which the line above sets
        energy, gradient = self.surface(self.atoms.get_positions() * ANGSTROM)
        self.results = {"energy": energy * _EV, "forces": -gradient * _EV * ANGSTROM}


@dataclass(frozen=True)
class StationaryPoint:
    """A verified stationary point.

    Attributes
    ----------
    name
        ``minimum Z``, ``inversion at N10``, ...
    basin
        Basin it lies in, or None.
    positions
        nm, shape (n_atoms, 3).
    energy
        kJ/mol, the engine's own zero.
    wavenumbers
        cm^-1, shape (3 n_atoms - 6,), of a linear molecule (3 n_atoms - 5,), ascending, imaginary ones negative; from
        a finite-difference Hessian with rigid motions projected out. Where the potential is not isolated: one per
        coordinate that moves.
    modes
        Normal modes as Cartesian displacements, one per wavenumber, shape (…, n_atoms, 3), each of unit mass-weighted
        norm (dalton^1/2 nm).
    gradient
        Largest component of the gradient, kJ/mol/nm.
    evaluations
        Gradient evaluations spent.
    joins
        For a saddle: the basins reached downhill on its two sides.
    """

    name: str
    basin: str | None
    positions: np.ndarray
    energy: float
    wavenumbers: np.ndarray
    modes: np.ndarray
    gradient: float
    evaluations: int = 0
    joins: tuple[str, ...] = ()

    @property
    def n_imaginary(self) -> int:
        """Number of imaginary modes (beyond 20i cm^-1, below which finite differences cannot tell)."""
        return int((self.wavenumbers < -20.0).sum())


def relax(
    molecule: Molecule,
    surface: EnergyAndGradient,
    positions: np.ndarray,
    *,
    fmax: float,
    steps: int,
    max_step: float = 0.1,
) -> np.ndarray:
    """Walk downhill with ASE's BFGS, which judges by forces alone and so tolerates a small energy-gradient mismatch.

    Parameters
    ----------
    molecule
        Gives the elements.
    surface
        What to walk on.
    positions
        Start, nm, shape (n_atoms, 3).
    fmax
        Largest force on an atom at the end, kcal/mol/angstrom.
    steps
        At most; whether `fmax` was reached is for the caller to check.
    max_step
        Longest displacement of an atom per step, angstrom.
    """
    # With all its other optimisers it takes as long to import as NumPy and ASE together.
    from ase.optimize import BFGS

    atoms = ase.Atoms(molecule.symbols, positions / ANGSTROM)
    atoms.calc = _SurfaceCalculator(surface)
    optimiser = BFGS(atoms, logfile=None, maxstep=max_step)
    optimiser.run(fmax=fmax * KCAL * _EV, steps=steps)
    return atoms.get_positions() * ANGSTROM


def normal_modes(
    matrix: np.ndarray,
    positions: np.ndarray,
    masses: np.ndarray,
    *,
    isolated: bool = True,
    active: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Vibrations of a Hessian with translation and rotation projected out.

    Parameters
    ----------
    matrix
        Hessian, kJ/mol/nm^2.
    positions, masses
        nm and dalton.
    isolated, active
        Of the :class:`Potential`; where it is not isolated, only coordinates that do not move are projected out.

    Returns
    -------
    wavenumbers
        cm^-1, ascending, shape (3 n_atoms - 6,), of a linear molecule (3 n_atoms - 5,), imaginary ones negative.
    modes
        Cartesian displacements, one per wavenumber, shape (…, n_atoms, 3), of unit mass-weighted norm.
    """
    root = np.repeat(np.sqrt(masses), 3)
    weighted = matrix / np.outer(root, root)
    # The vibrations live exactly in this space. A linear molecule that a search has left a trifle bent would seem to
    # turn about its axis, too, and one of its bends would be taken for that.
    if isolated and is_linear(positions, masses):
        positions = straightened(positions, masses)
    inner = complement(motions_left_out(positions, masses, isolated=isolated, active=active))
    values, vectors = np.linalg.eigh(inner @ weighted @ inner.T)
    modes = (vectors.T @ inner) / root
    return np.array([wavenumber(v) for v in values]), modes.reshape(len(values), *positions.shape)


def _characterise(
    name: str, potential: Potential, surface: _Counting, positions: np.ndarray, basins: Sequence[Basin]
) -> tuple[StationaryPoint, np.ndarray]:
    """The stationary point at a geometry, and its Hessian."""
    energy, gradient = surface(positions)
    matrix = hessian(surface, positions)
    wavenumbers, modes = normal_modes(
        matrix,
        positions,
        potential.masses,
        isolated=potential.isolated,
        active=potential.active,
    )
    point = StationaryPoint(
        name=name,
        basin=basin_of(positions, basins),
        positions=positions,
        energy=energy,
        wavenumbers=wavenumbers,
        modes=modes,
        gradient=float(np.abs(gradient).max()),
        evaluations=surface.count,
    )
    return point, matrix


class _Counting:
    """A potential's surface that counts its evaluations."""

    def __init__(self, potential: Potential) -> None:
        self.potential = potential
        self.count = 0

    def __call__(self, positions: np.ndarray) -> tuple[float, np.ndarray]:
        self.count += 1
        return self.potential.energy_and_gradient(positions)


def quench(
    molecule: Molecule,
    surface: _Counting,
    start: np.ndarray,
    *,
    temperature: float,
    time: float,
    fmax: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Heat a geometry, let it move, and relax it again.

    Parameters
    ----------
    surface
        A potential that counts its evaluations.
    start
        nm, shape (n_atoms, 3).
    temperature
        K, of the velocities drawn.
    time
        fs, at a step of 1 fs.
    fmax
        Of the relaxation, kcal/mol/angstrom.

    Raises
    ------
    PotentialError
        When the engine gives up on the way.
    """
    potential = surface.potential
    velocities = thermal_velocities(potential, start, temperature, rng)
    x = potential.run(start, velocities, time_step=1.0, steps=round(time))
    surface.count += round(time)
    return relax(molecule, surface, x, fmax=fmax, steps=1500)


def find_minimum(
    molecule: Molecule,
    potential: Potential,
    start: np.ndarray,
    basin: Basin,
    basins: Sequence[Basin],
    *,
    fmax: float,
    quenches: int = 0,
    temperature: float = 600.0,
    rng: np.random.Generator | None = None,
) -> StationaryPoint:
    """Lowest minimum found in a basin.

    A relaxed geometry of a flexible molecule is often not its lowest conformer (PM6 has a Z form of DNAB 2.2
    kcal/mol above another), so it is heated and relaxed again a few times and the lowest end point is kept.

    Parameters
    ----------
    start
        Geometry to start from, nm.
    basin
        The basin that the minimum must lie in.
    fmax
        Largest force on an atom, kcal/mol/angstrom.
    quenches
        How many times to heat and relax.
    temperature
        K, of the quenches.
    rng
        Of the quenches.

    Raises
    ------
    StationaryError
        When the walk does not converge, leaves the basin, or ends with an imaginary mode.
    """
    surface = _Counting(potential)
    x = relax(molecule, surface, start, fmax=fmax, steps=1500)
    lowest = surface(x)[0]
    for attempt in range(quenches):
        assert rng is not None, "quenches draw velocities"
        try:
            y = quench(molecule, surface, x, temperature=temperature, time=200.0, fmax=fmax, rng=rng)
            energy = surface(y)[0]
        except PotentialError as error:
            log.warning("basin %s: quench %d gave up: %s", basin.name, attempt, error)
            continue
        log.info("basin %s: quench %d at %+.3f kcal/mol", basin.name, attempt, (energy - lowest) / KCAL)
        # A difference below the noise of the self-consistent field is the same minimum, or its mirror image.
        if energy < lowest - 0.05 * KCAL and basin.contains(y):
            x, lowest = y, energy
    for _ in range(3):
        point, _ = _characterise(f"minimum {basin.name}", potential, surface, x, basins)
        if point.n_imaginary == 0:
            break
        # A symmetric start can end on a ridge; step off it along the softest mode and go on down.
        log.info("imaginary mode of %.0f cm^-1 at the minimum; stepping off", point.wavenumbers[0])
        kick = point.modes[0] / np.abs(point.modes[0]).max() * 0.02
        x = relax(molecule, surface, x + kick, fmax=fmax, steps=1500)
    force = largest_force(surface(point.positions)[1])
    if force > 2.0 * fmax:
        raise StationaryError(f"basin {basin.name}: largest force still {force:.3g} kcal/mol/angstrom")
    if point.n_imaginary:
        raise StationaryError(f"basin {basin.name}: the end point has {point.n_imaginary} imaginary modes")
    if not basin.contains(point.positions):
        where, missed = point.basin or "no basin", ", ".join(basin.missed(point.positions))
        raise StationaryError(f"basin {basin.name}: the minimum found from its geometry lies in {where}: {missed}")
    return point


def pulled(
    molecule: Molecule, surface: EnergyAndGradient, start: np.ndarray, biases: Sequence[EnergyAndGradient]
) -> np.ndarray:
    """A geometry (nm) loosely relaxed under biases: the neighbourhood of a saddle, not the saddle.

    In a linear molecule no force points off the line, whatever is pulled: it is bent a little first, always the same.
    """
    if len(start) > 2 and is_linear(start, molecule.masses):
        start = start + 0.003 * np.random.default_rng(0).standard_normal(start.shape)
    return relax(molecule, biased(surface, biases), start, fmax=1.0, steps=400)


def pulled_home(
    molecule: Molecule, surface: EnergyAndGradient, start: np.ndarray, biases: Sequence[Pull]
) -> np.ndarray:
    """A geometry (nm) whose pulls have reached their targets, to 3 degrees or 0.05 angstrom.

    Raises
    ------
    StationaryError
        When they do not get there however strong they are made.
    """
    positions = start
    for doubling in range(10):
        stronger = [replace(b, strength=b.strength * 2**doubling) for b in biases]
        positions = pulled(molecule, surface, positions, stronger)
        # 1 - cos(3 degrees) is 0.0014, and so is half the square of 0.05.
        if all(b(positions)[0] / b.strength < 1.4e-3 for b in biases):
            return positions
    raise StationaryError("the pulls do not reach their targets; give others")


def find_saddle(
    molecule: Molecule,
    potential: Potential,
    start: np.ndarray,
    biases: Sequence[Pull],
    basins: Sequence[Basin],
    *,
    name: str,
    fmax: float,
    coordinates: Sequence[Variable] = (),
) -> StationaryPoint:
    """First-order saddle from a biased start, verified.

    The start is pulled by `biases` (loosely relaxed under them), then walked to a saddle without them. Where that does
    not arrive, the pulls are made to reach their targets, and the search goes up along the softest mode from there. A
    saddle is verified by one imaginary mode and by descending on both sides into two different basins.

    Parameters
    ----------
    start
        nm; energies in errors are counted from there.
    coordinates
        Those whose values errors give.

    Raises
    ------
    NoSaddle
        When no saddle is found, it has not exactly one imaginary mode, or it does not join two basins.
    """
    surface = _Counting(potential)
    rules: dict[str, Any] = {"fmax": fmax, "isolated": potential.isolated, "active": potential.active}
    base = surface(start)[0]
    origin = basin_of(start, basins) or "the start"

    def at(positions: np.ndarray, energy: float) -> str:
        """A geometry, in words."""
        values = [(c, c.deciding(positions)) for c in coordinates]
        texts = [f"{c.name} undefined" if np.isnan(v) else f"{c.name} {v:.4g} {c.unit}" for c, v in values]
        height = (energy - base) / KCAL
        return ", ".join([*texts, f"{abs(height):.2f} kcal/mol {'below' if height < 0 else 'above'} {origin}"])

    first = ""
    try:
        x = walk_to_saddle(surface, pulled(molecule, surface, start, biases), cycles=80, **rules)
        point, matrix = _characterise(name, potential, surface, x, basins)
        if point.n_imaginary != 1:
            first = f"the stationary point has {point.n_imaginary} imaginary modes, not 1"
            end = point.positions, point.energy
    except Unfinished as error:
        first, end = str(error), (error.positions, error.energy)
    if first:
        log.info("  %s (%s); once more, with the pulls at their targets", first, at(*end))
        try:
            x = follow_mode(surface, pulled_home(molecule, surface, start, biases), **rules)
        except StationaryError as error:
            raise NoSaddle(
                f"{name}: {first}; {error} (the first ended at {at(*end)})", [("end of the walk", *end)]
            ) from error
        point, matrix = _characterise(name, potential, surface, x, basins)
        if point.n_imaginary != 1:
            raise NoSaddle(
                f"{name}: {first}; and from the targets of the pulls, {point.n_imaginary} imaginary modes, not 1 "
                f"({at(x, point.energy)})",
                [("end of the walk", *end), ("end of the second walk", x, point.energy)],
            )
    geometries = [("saddle", x, point.energy)]
    ends = []
    for sign in (1.0, -1.0):
        down, energy, basin, force = _down(molecule, potential, surface, point, matrix, sign, basins, fmax)
        geometries.append((f"descent along {'+-'[sign < 0]}mode 1", down, energy))
        if basin is None:
            what = "still going down" if force > 2.0 * fmax else "a minimum in no basin"
            raise NoSaddle(
                f"{name}: the descent along {'+-'[sign < 0]}mode 1 reaches no basin: {what} at {at(down, energy)}; the "
                f"saddle at {at(x, point.energy)}, {-point.wavenumbers[0]:.0f}i cm^-1",
                geometries,
            )
        ends.append(basin)
    if ends[0] == ends[1]:
        raise NoSaddle(f"{name}: the saddle joins {ends[0]} to itself ({at(x, point.energy)})", geometries)
    return replace(point, joins=tuple(ends), evaluations=surface.count)


def _down(
    molecule: Molecule,
    potential: Potential,
    surface: _Counting,
    saddle: StationaryPoint,
    matrix: np.ndarray,
    sign: float,
    basins: Sequence[Basin],
    fmax: float,
) -> tuple[np.ndarray, float, str | None, float]:
    """End of the descent on one side of a saddle: positions, energy, its basin if any, and the largest force."""
    looks = 0

    def decided(x: np.ndarray, energy: float, force: float) -> bool:
        """In a basin, and nearly at its minimum or at a stationary point."""
        low = force < fmax or (force < 0.5 and energy < saddle.energy - KCAL)
        return low and basin_of(x, basins) is not None

    def arrived(_: np.ndarray, energy: float, force: float) -> bool:
        """Where the side is decided; beside the saddle of a soft mode the force is small, too."""
        nonlocal looks
        looks += 1
        return looks > 10 and (force < fmax or energy < saddle.energy - 2.0 * KCAL)

    kick = sign * saddle.modes[0] / np.abs(saddle.modes[0]).max() * 0.01
    x, energy, force = descend(
        surface,
        saddle.positions,
        kick,
        matrix,
        molecule.masses,
        arrived=arrived,
        isolated=potential.isolated,
        active=potential.active,
    )
    # Farther down BFGS needs a fraction of the steps, and it tolerates noise, for it asks for forces alone.
    for goal in (0.5, fmax, fmax, fmax):
        if decided(x, energy, force):
            break
        if force > goal:
            x = relax(molecule, surface, x, fmax=goal, steps=500, max_step=0.05)
            energy, gradient = surface(x)
            force = largest_force(gradient)
        if goal > fmax or decided(x, energy, force):
            continue
        point, _ = _characterise("", potential, surface, x, basins)
        if force > 2.0 * fmax or not point.n_imaginary:
            break
        # By symmetry a path can end on a further saddle; what begins beside it goes on down.
        x = x + point.modes[0] / np.abs(point.modes[0]).max() * 0.01
        force = np.inf
    return x, energy, basin_of(x, basins), force
