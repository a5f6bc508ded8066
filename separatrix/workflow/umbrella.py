"""Stage of the workflow that samples umbrella windows along the coordinate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate import committor_model, reaction_coordinate
from separatrix.coordinate.shot_observations import committor_observations
from separatrix.core.errors import SamplingError
from separatrix.core.files import fingerprint, read_dataset, read_json, write_dataset
from separatrix.core.seeds import stream
from separatrix.dynamics import restraint
from separatrix.rates.windows import SEGMENT, WindowRunner
from separatrix.results.stationary_files import read_stationary
from separatrix.workflow.committor_stages import frames_of_paths
from separatrix.workflow.engine_opening import Settings, anchor, open_method


def coordinate_of(
    given: StageSettings, names: Sequence[str], key: str, fit: Path | str, table: Path | str
) -> reaction_coordinate.ReactionCoordinate:
    """The coordinate of windows or interfaces: the one found, or one of the variables that the config names.

    The latter is fitted to the same observations, which puts its r = 0 where both basins are equally likely.

    Parameters
    ----------
    given
        Settings of the stage.
    names
        Names of the variables; empty: the coordinate found.
    key
        Where the config names them.
    fit, table
        Files of the coordinate found, and of the variables at the shooting points.

    Raises
    ------
    SamplingError
        When it cannot be fitted.
    """
    content = read_json(fit)
    if not names:
        return reaction_coordinate.from_results(content)
    system, rules = given.system, given.config.coordinate
    data = read_dataset(table)
    row, outcome, _ = committor_observations(data, rules.observations)
    column = [[str(v) for v in data.variable.values].index(n) for n in names]
    try:
        fitted = committor_model.fit(data.value.values[row][:, column], outcome, names, model=rules.model)
    except ValueError as error:
        raise SamplingError(f"{key} cannot be fitted: {error}") from error
    by_name = {v.name: v for v in system.variables}
    return reaction_coordinate.ReactionCoordinate(
        tuple(by_name[n] for n in names),
        tuple(float(c) for c in fitted.coefficients),
        float(fitted.intercept),
        rules.model,
        system.reactant,
        system.product,
        tuple(system.molecule.symbols),
        content["source"],
    )


class Umbrella:
    """The windows of a method: where they stand and what makes one, from a run's files.

    Attributes
    ----------
    centres
        Of the springs, in r, shape (windows,).
    stiffness, spacing
        Of the springs, kJ/mol per unit of r squared, and between centres, in r.
    coordinate, method, system, source, rules
        What is held, on which level of theory, of which system, the engine in words, and the config's rules.
    """

    def __init__(
        self,
        given: StageSettings,
        minima: Mapping[str, Path | str],
        saddle: Path | str,
        paths: Sequence[Path | str],
        fit: Path | str,
        table: Path | str,
    ) -> None:
        self.system, self.method, potential = open_method(given)
        points = [read_stationary(f) for f in (*minima.values(), saddle)]
        anchor(potential, [read_stationary(minima[self.system.product]), points[-1]])
        masses, self.source = potential.masses, potential.description
        self.rules = given.config.rates.umbrella
        self.coordinate = coordinate_of(given, self.rules.variables, "rates.umbrella.variables", fit, table)
        dynamics = self.method.dynamics
        step = self.rules.time_step_fs or dynamics.time_step
        spring = restraint.HarmonicRestraint(
            potential,
            self.coordinate,
            time_step=step,
            friction=self.rules.friction_per_ps,
            temperature=dynamics.temperature,
            lightest=self.rules.lightest_atom_Da,
        )
        pool = np.concatenate([frames_of_paths(paths).positions, np.array([p.positions for p in points])])
        r = self.coordinate.evaluate(pool).r
        ends = r[-len(points) : -1]
        self.spacing = np.ptp(ends) / (self.rules.windows - 3)
        # One window beyond either minimum, so that the bottoms of both wells are inside.
        self.centres = np.linspace(ends.min() - self.spacing, ends.max() + self.spacing, self.rules.windows)
        self.stiffness = restraint.stiffness_for(0.6 * self.spacing, dynamics.temperature)
        every = max(1, round(self.rules.frame_fs / step))
        left_out = round(self.rules.equilibration_fs / (every * step))
        self._runner = WindowRunner(
            spring,
            self.stiffness,
            pool,
            r,
            masses,
            every,
            left_out,
            left_out + max(1, round(self.rules.length_fs / (every * step))),
            lambda centre, *number: stream(self.method.seed, self.method.name, "umbrella", f"{centre:.6f}", *number),
        )
        # How many windows there are, and how long they are, is not what their frames depend on.
        apart = ("windows", "batches", "equilibration_fs", "length_fs")
        lasting = {name: value for name, value in given.data["rates"]["umbrella"].items() if name not in apart}
        frames = {**given.data, "rates": {"umbrella": lasting}}
        self.key = fingerprint(frames, pool, self.coordinate.to_dict(), self.stiffness, SEGMENT)

    def window(self, centre: float, journal: Path | str) -> dict[str, Any]:
        """Frames of one window, those on record first."""
        about = {"method": self.method.name, "centre": centre}
        return self._runner.run(centre, Path(journal) / f"{self.key}_{centre:+.6f}", about)


def _write_windows(runs: Sequence[Mapping[str, Any]], umbrella: Umbrella, out: Path | str) -> None:
    lengths = [len(run["r"]) for run in runs]
    data = xr.Dataset(
        {
            "symbol": ("atom", np.array(umbrella.system.molecule.symbols, dtype=object)),
            "centre": ("window", np.array([run["centre"] for run in runs]), {"comment": "of the spring, in r"}),
            "frames": ("window", np.array(lengths)),
            "reason": (
                "window",
                np.array([run["reason"] for run in runs], dtype=object),
                {"comment": "why it ended early"},
            ),
            "failures": (
                "window",
                np.array([run["failures"] for run in runs], dtype=object),
                {"comment": "why segments were done again, one a line"},
            ),
            "r": ("frame", np.concatenate([run["r"] for run in runs])),
            "speed": (
                "frame",
                np.concatenate([run["speed"] for run in runs]),
                {"units": "nm-1 dalton-0.5", "comment": "length of the mass-weighted gradient of r"},
            ),
            "energy": (
                "frame",
                np.concatenate([run["energy"] for run in runs]),
                {"units": "kJ mol-1", "comment": "potential energy without the spring"},
            ),
            "positions": (
                ("frame", "atom", "xyz"),
                np.concatenate([run["positions"] for run in runs]).astype("f4"),
                {"units": "nm"},
            ),
        },
        attrs={"stiffness_kJ_mol": umbrella.stiffness, "spacing": umbrella.spacing},
    )
    write_dataset(data, out, title="umbrella windows along the reaction coordinate", source=umbrella.source)


def umbrella_windows(
    settings: Settings,
    batch: int,
    minima: Mapping[str, Path | str],
    saddle: Path | str,
    paths: Sequence[Path | str],
    fit: Path | str,
    table: Path | str,
    journal: Path | str,
    out: Path | str,
) -> None:
    """One batch of umbrella windows, going on from the journal where there is one."""
    umbrella = Umbrella(StageSettings("umbrella", settings), minima, saddle, paths, fit, table)
    centres = np.array_split(umbrella.centres, umbrella.rules.batches)[batch]
    _write_windows([umbrella.window(float(centre), journal) for centre in centres], umbrella, out)
