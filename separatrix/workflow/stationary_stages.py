"""Stages of the stationary points: the check of the engine, minima, saddles, and where saddle guesses lead.

ASE's writers are imported by those that write: they take as long to import as some stages do to run.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import EngineLost, PotentialError, StationaryError
from separatrix.core.files import read_dataset, replacing, write_json
from separatrix.core.molecule import read_geometry
from separatrix.core.seeds import stream
from separatrix.core.units import ANGSTROM, KCAL
from separatrix.cvs.states import basin_of
from separatrix.dynamics import stationary
from separatrix.results.stationary_files import read_search, read_stationary, write_no_saddle, write_stationary
from separatrix.workflow.engine_check import check_method
from separatrix.workflow.engine_opening import Settings, anchor, open_method

log = logging.getLogger(__name__)


def check(settings: Settings, out: Path | str) -> None:
    """Measure a method's engine.

    Raises
    ------
    PotentialError
        When it cannot be used, or is off the tolerance that it declares.
    """
    given = StageSettings("check", settings)
    health = check_method(given.system, given.method)
    log.info("%s", health)
    if not health.usable:
        raise PotentialError(health.reason or "the engine is off its declared tolerance")
    write_json(health.to_dict(), out)


def minimum(settings: Settings, basin: str, out: Path | str, xyz: Path | str) -> None:
    """Lowest minimum found in a basin."""
    given = StageSettings("minimum", settings)
    system, method, potential = open_method(given)
    rules = given.config.stationary
    _, start = read_geometry(system.geometries[basin], anywhere=True)
    point = stationary.find_minimum(
        system.molecule,
        potential,
        start,
        system.basin(basin),
        system.basins,
        fmax=rules.largest_force_kcal_mol_A,
        quenches=rules.quenches,
        temperature=rules.quench_temperature_K,
        rng=stream(method.seed, method.name, "quench", basin),
    )
    _write_point(point, system.molecule.symbols, potential.description, out, xyz)


def saddle_search(
    settings: Settings,
    guess: int,
    minimum_file: Path | str,
    out: Path | str,
    xyz: Path | str | None = None,
    revision: int = 1,
) -> None:
    """Saddle that a guess (from 1) leads to, verified and named by its geometry; or the reason why there is none.

    A guess that leads nowhere is an answer, and no failure: the file says so, and keeps the geometries that show why.

    Parameters
    ----------
    xyz
        For the same geometries, to be looked at; default: beside `out`.
    revision
        Of this stage, for the file (:func:`separatrix.results.stationary_files.search_revision`).

    Raises
    ------
    EngineLost
        When the engine's process hung or died, which says nothing of the guess: the same command searches again.
    """
    given = StageSettings("saddle_search", settings)
    system, _, potential = open_method(given)
    spec = system.saddle_guesses[guess - 1]
    log.info("saddle guess: %s, from %s", spec.name, spec.start)
    start = read_stationary(minimum_file)
    anchor(potential, [start])
    xyz = Path(out).with_suffix(".xyz") if xyz is None else xyz
    symbols, source = system.molecule.symbols, potential.description
    try:
        point = stationary.find_saddle(
            system.molecule,
            potential,
            start.positions,
            spec.biases,
            system.basins,
            name=spec.name,
            fmax=given.config.stationary.largest_force_kcal_mol_A,
            coordinates=system.coordinates,
        )
        if set(point.joins) != {system.reactant, system.product}:
            reason = f"{spec.name}: joins {' and '.join(point.joins)}"
            raise stationary.NoSaddle(reason, [("saddle", point.positions, point.energy)])
    except EngineLost:
        raise
    except (StationaryError, PotentialError) as error:
        log.info("  %s", error)
        geometries = error.geometries if isinstance(error, stationary.NoSaddle) else ()
        _write_xyz(
            [(f"{what}, no saddle found: {error}", x) for what, x, _ in geometries]
            or [(f"where the search began, no saddle found: {error}", start.positions)],
            symbols,
            xyz,
        )
        write_no_saddle(str(error), out, source=source, symbols=symbols, geometries=geometries)
        return
    # A search may slide from the guess to another saddle; the name says what was found.
    name = system.mechanism.at(point.positions)
    log.info("  found: %s, %.0fi cm^-1", name, -point.wavenumbers[0])
    _write_point(stationary.replace(point, name=name), symbols, source, out, xyz, revision)


def saddle(settings: Settings, searches: Sequence[Path | str], out: Path | str, xyz: Path | str) -> None:
    """The saddle that sampling starts from: the first that the guesses lead to, in the system's order.

    Raises
    ------
    StationaryError
        When no guess leads to a saddle between the reactant and the product.
    """
    system = StageSettings("saddle", settings).system
    reasons = []
    for file in searches:
        result = read_search(file)
        if not isinstance(result, str):
            _write_point(result, system.molecule.symbols, read_dataset(file).attrs["source"], out, xyz)
            return
        reasons.append(result)
    raise StationaryError("no saddle found; " + "; ".join(reasons))


def pull_to_guess(settings: Settings, guess: int, minimum_file: Path | str, out: Path | str, xyz: Path | str) -> None:
    """Geometry that a saddle guess pulls its minimum to: where a chain may start."""
    system, _, potential = open_method(StageSettings("guess", settings))
    spec = system.saddle_guesses[guess - 1]
    start = read_stationary(minimum_file)
    anchor(potential, [start])
    positions = stationary.pulled_home(system.molecule, potential.energy_and_gradient, start.positions, spec.biases)
    energy, gradient = potential.energy_and_gradient(positions)
    log.info("%s: %.1f kcal/mol above %s", spec.name, (energy - start.energy) / KCAL, start.name)
    point = stationary.StationaryPoint(
        name=spec.name,
        basin=basin_of(positions, system.basins),
        positions=positions,
        energy=energy,
        wavenumbers=np.empty(0),
        modes=np.empty((0, *positions.shape)),
        gradient=float(np.abs(gradient).max()),
        evaluations=0,
    )
    _write_point(point, system.molecule.symbols, potential.description, out, xyz)


def _write_point(
    point: stationary.StationaryPoint,
    symbols: Sequence[str],
    source: str,
    out: Path | str,
    xyz: Path | str,
    revision: int | None = None,
) -> None:
    write_stationary(point, symbols, out, source=source, revision=revision)
    _write_xyz([(f"{point.name} {point.energy / KCAL:.4f} kcal/mol {source}", point.positions)], symbols, xyz)


def _write_xyz(frames: Sequence[tuple[str, np.ndarray]], symbols: Sequence[str], path: Path | str) -> None:
    """Write geometries (nm), each with its comment."""
    import ase.io

    with replacing(path) as temporary, temporary.open("w") as stream:
        for comment, positions in frames:
            atoms = ase.Atoms(symbols, positions / ANGSTROM)
            ase.io.write(stream, atoms, format="xyz", comment=" ".join(comment.split()))
