"""Stages of the workflow that compute rates: from stationary points, along the coordinate, and off its surface."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.configuration import from_settings, system_from_settings
from separatrix.config.system import System
from separatrix.coordinate import committor_model
from separatrix.coordinate import reaction_coordinate as coordinate_file
from separatrix.coordinate.shot_observations import committor_observations
from separatrix.core.errors import SamplingError
from separatrix.core.files import fingerprint, read_dataset, read_json, write_dataset, write_json
from separatrix.core.journal import Journal
from separatrix.core.plain import json_safe
from separatrix.core.seeds import stream
from separatrix.core.units import BOLTZMANN
from separatrix.cvs.states import basin_of
from separatrix.dynamics import restraint as biased
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.rates import free_energy, harmonic, kinetics
from separatrix.rates.transmission import Pair, transmission
from separatrix.rates.windows import SEGMENT, WindowRunner
from separatrix.results.stationary_files import read_search, read_stationary
from separatrix.sampling import rounds as sampling
from separatrix.workflow.committor_stages import frames_of_paths
from separatrix.workflow.engine_opening import Settings, anchor, open_engine, open_method

log = logging.getLogger(__name__)

#: Statistics and tunnelling of harmonic rates that mean the same as those of the dynamics.
CLASSICAL = ("classical", "none")

#: 1/s; what is less cannot be told from nothing in numbers of double precision.
LEAST_RATE = 1e-300

#: Most windows that are put between others for want of overlap.
MOST_ADDED = 12


# --- harmonic ---------------------------------------------------------------------------------------------------------


def harmonic_rates(
    settings: Settings, minima: Mapping[str, Path | str], searches: Sequence[Path | str], out: Path | str
) -> None:
    """Harmonic rates both ways over every saddle, their sums at every temperature, and the temperature laws.

    Parameters
    ----------
    searches
        What the saddle guesses have led to, in the system's order.

    Raises
    ------
    SamplingError
        When a point is not what it should be, no guess has led to a saddle, or it is too cold for a rate.
    """
    system = system_from_settings(settings)
    rules = settings["rates"]["harmonic"]
    points = {name: read_stationary(file) for name, file in minima.items()}
    names = [guess.name for guess in system.saddle_guesses]
    led = dict(zip(names, map(read_search, searches), strict=True))
    channels = harmonic.channels({n: p for n, p in led.items() if not isinstance(p, str)}, system.molecule.symbols)
    if not channels:
        raise SamplingError("no harmonic rate: no guess has led to a saddle")
    temperatures = settings["rates"]["temperatures_K"]
    chosen = harmonic.HarmonicRules(**rules)
    ends = ((system.reactant, system.product), (system.product, system.reactant))
    single: list[dict[str, Any]] = []
    try:
        for (start, end), temperature, (number, channel) in itertools.product(ends, temperatures, enumerate(channels)):
            try:
                rate, plain = (
                    harmonic.rate(
                        points[start],
                        points[end],
                        channel.saddle,
                        system.molecule.masses,
                        temperature,
                        by,
                        isolated=_isolated(channel.saddle),
                        is_product=lambda x, end=end: basin_of(x, system.basins) == end,
                    )
                    for by in (chosen, dataclasses.replace(chosen, statistics="classical", tunnelling="none"))
                )
            except OverflowError as error:
                raise _too_cold(settings, temperature, start, end, chosen.tunnelling) from error
            single.append(rate.to_dict() | {"from": start, "to": end, "channel": number, "classical_rate": plain.rate})
    except ValueError as error:
        raise SamplingError(f"no harmonic rate: {error}") from error
    found = [_total(single, start, end, temperature) for (start, end) in ends for temperature in temperatures]
    for total in found:
        if not total["rate"] >= LEAST_RATE:
            raise _too_cold(settings, total["temperature"], total["from"], total["to"], chosen.tunnelling)
        log.info("%s to %s at %g K: %.3g /s", total["from"], total["to"], total["temperature"], total["rate"])
    cautions = [
        words
        for channel in channels
        for words in harmonic.cautions(channel.saddle.name, channel.saddle.wavenumbers[0], temperatures, chosen)
    ]
    for words in cautions:
        log.warning("%s", words)
    content = {
        "method": settings["name"],
        "source": read_dataset(searches[0]).attrs["source"],
        "states": [system.reactant, system.product],
        "temperature_K": settings["temperature_K"],
        "rules": rules,
        "channels": [
            {
                "saddle": channel.saddle.name,
                "mechanisms": _mechanisms(system, channel.saddle, points[system.reactant]),
                "guesses": list(channel.guesses),
                "energy_above": {name: channel.saddle.energy - points[name].energy for name in ends[0]},
                "imaginary": -float(channel.saddle.wavenumbers[0]),
            }
            for channel in channels
        ],
        "cautions": cautions,
        "without_saddle": {name: reason for name, reason in led.items() if isinstance(reason, str)},
        "by_channel": single,
        "rates": found,
        "laws": _laws(found),
        "kinetics": [_kinetics(single, t, (system.reactant, system.product)) for t in temperatures],
    }
    write_json(json_safe(content), out)


def _too_cold(settings: Settings, temperature: float, start: str, end: str, tunnelling: str) -> SamplingError:
    """The error of a temperature at which a number is beyond the range of floating point."""
    key = "temperature_K" if temperature == settings["temperature_K"] else "rates.temperatures_K"
    what = "the rate" if tunnelling == "none" else "the rate or its tunnelling"
    return SamplingError(
        f"no harmonic rate: {key}: at {temperature:g} K {what} from {start} to {end} is beyond the range of numbers; "
        "give a higher temperature"
    )


def _total(single: Sequence[Mapping[str, Any]], start: str, end: str, temperature: float) -> dict[str, Any]:
    """Rate over all channels, and what each has of it."""
    mine = [r for r in single if (r["from"], r["to"], r["temperature"]) == (start, end, temperature)]
    rate, classical = (math.fsum(r[name] for r in mine) for name in ("rate", "classical_rate"))
    over = math.fsum(r["rate"] / r["tunnelling"] for r in mine)
    shares = [r["rate"] / rate if rate > 0.0 else math.nan for r in mine]
    return {
        "from": start,
        "to": end,
        "temperature": temperature,
        "rate": rate,
        "shares": shares,
        # Of classical dynamics, which the sampled routes are; and what takes a rate of theirs to the rules of this one,
        # in all and by parts.
        "classical_rate": classical,
        "quantum_factor": rate / classical if classical > 0.0 else math.nan,
        "quantum_vibrations": over / classical if classical > 0.0 else math.nan,
        "tunnelling": rate / over if over > 0.0 else math.nan,
    }


def _mechanisms(system: System, saddle: StationaryPoint, reactant: StationaryPoint) -> dict[str, float]:
    """Mechanisms of a channel and their shares.

    The saddle's name is that of one guess of several, perhaps; its geometry says what it is. And where the reactant has
    symmetry, the channel holds the images of the saddle as well: azobenzene inverts at either nitrogen.
    """
    images = [tuple(range(len(saddle.positions)))]
    if _isolated(saddle):
        images = [way for _, way in harmonic.operations(reactant.positions, system.molecule.masses)]
    found = Counter(system.mechanism.at(saddle.positions[list(way)]) for way in images)
    return {name: count / len(images) for name, count in sorted(found.items(), key=lambda item: (-item[1], item[0]))}


def _isolated(point: StationaryPoint) -> bool:
    """Whether rigid motions were left out of the vibrations, as of a free molecule."""
    atoms = len(point.positions)
    return atoms > 1 and len(point.wavenumbers) in (3 * atoms - 6, 3 * atoms - 5)


def _laws(rates: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    laws = []
    for start in dict.fromkeys(r["from"] for r in rates):
        mine = [r for r in rates if r["from"] == start]
        t, k = np.array([r["temperature"] for r in mine]), np.array([r["rate"] for r in mine])
        if len(np.unique(t)) > 1:
            for law in ("arrhenius", "eyring"):
                fitted = kinetics.fit_law(t, k, law=law).to_dict()
                laws.append(fitted | {"from": start, "to": mine[0]["to"], "law": law})
    return laws


def _kinetics(rates: Sequence[Mapping[str, Any]], temperature: float, states: tuple[str, str]) -> dict[str, Any]:
    mine = [(r["from"], r["to"], r["rate"]) for r in rates if r["temperature"] == temperature]
    matrix = kinetics.rate_matrix(states, mine)
    shares, total = kinetics.equilibrium(matrix), -np.diag(matrix)
    return {
        "temperature": temperature,
        "relaxation_time": kinetics.relaxation_time(matrix),
        # Of a state that keeps half of its molecules or more there is none.
        "half_lives": {
            start: kinetics.relaxation(float(total[i]), float(total[1 - i])).half_life for i, start in enumerate(states)
        },
        "equilibrium": dict(zip(states, shares.tolist(), strict=True)),
    }


# --- umbrella windows -------------------------------------------------------------------------------------------------


def coordinate_of(settings: Settings, fit: Path | str, table: Path | str) -> coordinate_file.ReactionCoordinate:
    """The coordinate that windows are placed along: the one found, or one of the variables that the config names.

    The latter is fitted to the same observations, which puts its r = 0 where both basins are equally likely.

    Raises
    ------
    SamplingError
        When it cannot be fitted.
    """
    names = settings["rates"]["umbrella"]["variables"]
    content = read_json(fit)
    if not names:
        return coordinate_file.from_results(content)
    system, rules = system_from_settings(settings), settings["coordinate"]
    data = read_dataset(table)
    row, outcome, _ = committor_observations(data, rules["observations"])
    known = [str(v) for v in data.variable.values]
    try:
        fitted = committor_model.fit(
            data.value.values[row][:, [known.index(n) for n in names]],
            outcome,
            names,
            model=rules["model"],
            groups=data.chain.values[row],
        )
    except ValueError as error:
        raise SamplingError(f"rates.umbrella.variables cannot be fitted: {error}") from error
    by_name = {v.name: v for v in system.variables}
    return coordinate_file.ReactionCoordinate(
        tuple(by_name[n] for n in names),
        tuple(float(c) for c in fitted.coefficients),
        float(fitted.intercept),
        rules["model"],
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
        settings: Settings,
        minima: Mapping[str, Path | str],
        saddle: Path | str,
        paths: Sequence[Path | str],
        fit: Path | str,
        table: Path | str,
    ) -> None:
        self.system, self.method, potential = open_method(settings)
        points = [read_stationary(f) for f in (*minima.values(), saddle)]
        anchor(potential, [read_stationary(minima[self.system.product]), points[-1]])
        masses, self.source = potential.masses, potential.description
        self.rules = settings["rates"]["umbrella"]
        self.coordinate = coordinate_of(settings, fit, table)
        dynamics = self.method.dynamics
        step = self.rules.get("time_step_fs", dynamics.time_step)
        spring = biased.Spring(
            potential,
            self.coordinate,
            time_step=step,
            friction=self.rules["friction_per_ps"],
            temperature=dynamics.temperature,
            lightest=self.rules.get("lightest_atom_Da"),
        )
        pool = np.concatenate([frames_of_paths(paths).positions, np.array([p.positions for p in points])])
        r = self.coordinate.evaluate(pool).r
        ends = r[-len(points) : -1]
        self.spacing = np.ptp(ends) / (self.rules["windows"] - 3)
        # One window beyond either minimum, so that the bottoms of both wells are inside.
        self.centres = np.linspace(ends.min() - self.spacing, ends.max() + self.spacing, self.rules["windows"])
        self.stiffness = biased.stiffness_for(0.6 * self.spacing, dynamics.temperature)
        every = max(1, round(self.rules["frame_fs"] / step))
        left_out = round(self.rules["equilibration_fs"] / (every * step))
        self._runner = WindowRunner(
            spring,
            self.stiffness,
            pool,
            r,
            masses,
            every,
            left_out,
            left_out + max(1, round(self.rules["length_fs"] / (every * step))),
            lambda centre, *number: stream(self.method.seed, self.method.name, "umbrella", f"{centre:.6f}", *number),
        )
        # How many windows there are, and how long they are, is not what their frames depend on.
        apart = ("windows", "batches", "equilibration_fs", "length_fs")
        rules = {name: value for name, value in self.rules.items() if name not in apart}
        frames = {**settings, "rates": {"umbrella": rules}}
        self.key = fingerprint(frames, pool, self.coordinate.to_dict(), self.stiffness, SEGMENT)

    def window(self, centre: float, journal: Path | str) -> dict[str, Any]:
        """Frames of one window, those on record first."""
        about = {"method": self.method.name, "centre": centre}
        return self._runner.run(centre, Path(journal) / f"{self.key}_{centre:+.6f}", about)


def _column(runs: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    return np.array([run[name] for run in runs], dtype=object)


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
    umbrella = Umbrella(settings, minima, saddle, paths, fit, table)
    mine = np.array_split(umbrella.centres, umbrella.rules["batches"])[batch]
    _write_windows([umbrella.window(float(centre), journal) for centre in mine], umbrella, out)


def free_energy_profile(
    settings: Settings,
    minima: Mapping[str, Path | str],
    saddle: Path | str,
    paths: Sequence[Path | str],
    fit: Path | str,
    table: Path | str,
    windows: Sequence[Path | str],
    journal: Path | str,
    out: Path | str,
    surface: Path | str,
) -> None:
    """Free energy along r from all windows, with windows added where they overlap too little; rates before recrossing.

    Also draws the configurations on the dividing surface that the transmission coefficient is shot from.
    """
    umbrella = Umbrella(settings, minima, saddle, paths, fit, table)
    temperature, kept = umbrella.method.dynamics.temperature, []
    trouble: list[Mapping[str, Any]] = []
    for file in windows:
        kept += read_windows(file)
        trouble += _trouble(file)
    added = 0
    while True:
        kept.sort(key=lambda item: item[0].centre)
        combined = free_energy.combine([w for w, _ in kept], temperature)
        missing = free_energy.gaps([w for w, _ in kept], combined.overlap)
        if not missing or added + len(missing) > MOST_ADDED:
            break
        added += len(missing)
        log.info("too little overlap; windows added at r = %s", ", ".join(f"{c:.2f}" for c in missing))
        for run in (umbrella.window(centre, journal) for centre in missing):
            kept.append((_window(run, umbrella.stiffness), run["positions"]))
            trouble.append(run)
    rng = stream(umbrella.method.seed, umbrella.method.name, "free energy")
    try:
        rate, profile = free_energy.surface_rate([w for w, _ in kept], temperature, rng=rng, found=combined)
    except ValueError as error:
        raise SamplingError(f"no rate along the coordinate: {error}") from error
    try:
        other = free_energy.other_temperatures(
            [w for w, _ in kept],
            temperature,
            sorted({temperature, *settings["rates"]["temperatures_K"]}),
            rate,
            # Of its own, so that what is drawn below does not depend on which temperatures are asked for.
            rng=stream(umbrella.method.seed, umbrella.method.name, "other temperatures"),
            found=combined,
        ).to_dict()
    except ValueError as error:
        other = {"reason": str(error)}
    settling = free_energy.drift(
        [w for w, _ in kept],
        temperature,
        rate.top,
        rng=stream(umbrella.method.seed, umbrella.method.name, "halves of the windows"),
    )
    log.info(
        "top at r = %.2f, %.1f kJ/mol high; smallest overlap %.3f", rate.top, rate.barrier_forward, rate.worst_overlap
    )
    write_json(
        json_safe(
            {
                "temperature_K": temperature,
                "formula": umbrella.coordinate.formula,
                "coordinate": umbrella.coordinate.to_dict(),
                "rate": rate.to_dict(),
                "profile": profile.to_dict(),
                "windows": [w.centre for w, _ in kept],
                "overlap": combined.overlap,
                "drift": settling,
                "failures": [line for window in trouble for line in window["failures"].splitlines()],
                "ended_early": [{k: window[k] for k in ("centre", "reason")} for window in trouble if window["reason"]],
                "n_added": added,
                "gaps_left": missing,
                "other_temperatures": other,
            }
        ),
        out,
    )
    positions = np.concatenate([x for _, x in kept])
    index = free_energy.on_surface(combined, rate, settings["rates"]["transmission"]["configurations"], rng)
    if not len(index):
        raise SamplingError("no frame of the windows lies on the dividing surface; give more windows or longer ones")
    data = xr.Dataset(
        {
            "symbol": ("atom", np.array(umbrella.system.molecule.symbols, dtype=object)),
            "positions": (("configuration", "atom", "xyz"), positions[index], {"units": "nm"}),
            "r": ("configuration", combined.r[index]),
            "frame": ("configuration", index, {"comment": "of all windows; the same one twice is shot from twice"}),
        },
        attrs={"top": rate.top, "half_width": rate.half_width},
    )
    write_dataset(data, surface, title="configurations on the dividing surface", source=umbrella.source)


def _window(run: Mapping[str, Any], stiffness: float) -> free_energy.Window:
    return free_energy.Window(
        float(run["centre"]),
        stiffness,
        np.asarray(run["r"]),
        np.asarray(run["speed"]),
        np.asarray(run["energy"]),
    )


def read_windows(file: Path | str) -> list[tuple[free_energy.Window, np.ndarray]]:
    """Windows of a file of :func:`umbrella_windows`, each with the positions of its frames, nm."""
    data = read_dataset(file)
    stops = np.cumsum(data.frames.values)
    found = []
    for centre, stop, n in zip(data.centre.values, stops, data.frames.values, strict=True):
        part = slice(stop - n, stop)
        window = free_energy.Window(
            float(centre),
            float(data.attrs["stiffness_kJ_mol"]),
            data.r.values[part],
            data.speed.values[part],
            # Windows of earlier versions have none; they give the rate at their own temperature.
            data.energy.values[part] if "energy" in data else None,
        )
        found.append((window, data.positions.values[part].astype(float)))
    return found


def _trouble(file: Path | str) -> list[dict[str, Any]]:
    """Of each window of a file its centre, why segments of it failed, and why it ended early."""
    data = read_dataset(file)
    # Windows of earlier versions know of no failures but the one that ended them.
    failures = data.failures.values if "failures" in data else [""] * len(data.centre)
    return [
        {"centre": float(centre), "failures": str(failed), "reason": str(reason)}
        for centre, failed, reason in zip(data.centre.values, failures, data.reason.values, strict=True)
    ]


# --- transmission -----------------------------------------------------------------------------------------------------


def transmission_shots(
    settings: Settings,
    minimum_file: Path | str,
    saddle_file: Path | str,
    profile: Path | str,
    surface: Path | str,
    journal: Path | str,
    out: Path | str,
) -> None:
    """Pairs of halves off the dividing surface, and the transmission coefficient."""
    from separatrix.dynamics.md_engine import run_half

    system, method, engine = open_engine(settings, minimum_file, saddle_file)
    data = read_dataset(surface)
    reaction = coordinate_file.from_dict(read_json(profile)["coordinate"])
    positions = data.positions.values
    frames = data.frame.values if "frame" in data else np.arange(len(positions))
    key = fingerprint(settings, positions, reaction.to_dict())
    ends = {system.reactant: 0, system.product: 1}
    failures = 0
    begin = time.monotonic()
    with Journal(Path(journal) / key) as record, sampling.stoppable(engine):
        record.about({"method": method.name, "pairs": len(positions)})
        done = record.read()
        before = len(done)
        for i in range(before, len(positions)):
            rng = stream(method.seed, method.name, "transmission", i)
            engine.potential.restart()
            velocities = engine.thermal_velocities(positions[i], rng)
            flow = float(reaction.evaluate(positions[i][None], velocities[None]).r_rate[0])
            halves = [
                run_half(engine, engine.snapshot(positions[i], sign * velocities), system.basins, rng)
                for sign in ((1.0, -1.0) if flow >= 0.0 else (-1.0, 1.0))
            ]
            up, down = halves
            done.append(
                {
                    "flow": abs(flow),
                    "up": reaction.evaluate(up.positions).r,
                    "down": reaction.evaluate(down.positions).r,
                    "up_end": ends.get(up.end, -1),
                    "down_end": ends.get(down.end, -1),
                    "reason": "; ".join(h.reason for h in halves if h.reason),
                }
            )
            record.write(i, done[-1])
            pace = (time.monotonic() - begin) / (i + 1 - before)
            log.info(
                "pair %d/%d: up to %s, down to %s; %.0f s to go",
                i + 1,
                len(positions),
                up.end,
                down.end,
                pace * (len(positions) - i - 1),
            )
            failures = failures + 1 if "failed" in (up.end, down.end) else 0
            sampling.stop_after(failures, settings["failures_in_a_row"], done[-1]["reason"])
    pairs = [
        Pair(
            int(of), float(d["flow"]), np.asarray(d["up"]), np.asarray(d["down"]), int(d["up_end"]), int(d["down_end"])
        )
        for of, d in zip(frames, done, strict=True)
    ]
    try:
        found = transmission(pairs, method.dynamics.frame, rng=stream(method.seed, method.name, "kappa"))
    except ValueError as error:
        raise SamplingError(str(error)) from error
    log.info("transmission coefficient %.2f +- %.2f", found.kappa, found.error)
    write_json(found.to_dict(), out)


# --- all routes of a method -------------------------------------------------------------------------------------------


def gather(
    settings: Settings,
    harmonic_file: Path | str,
    out: Path | str,
    *,
    profile: Path | str = "",
    transmission_file: Path | str = "",
    interfaces: Path | str = "",
) -> None:
    """The rates of a method by all routes, side by side, and whether they agree."""
    system, method = from_settings(settings)
    content = read_json(harmonic_file)
    temperature = float(settings["temperature_K"])
    routes = [
        {
            "route": "harmonic",
            "from": r["from"],
            "to": r["to"],
            "temperature": r["temperature"],
            "rate": r["rate"],
            "ln_error": None,
            # Harmonic rates of earlier versions have none.
            "classical_rate": r.get("classical_rate"),
        }
        for r in content["rates"]
    ]
    factors = {
        (r["from"], r["temperature"]): {
            name: r[name] for name in ("quantum_factor", "quantum_vibrations", "tunnelling")
        }
        for r in content["rates"]
        if r.get("quantum_factor") and (content["rules"]["statistics"], content["rules"]["tunnelling"]) != CLASSICAL
    }
    along = {}
    if profile:
        found, kappa = read_json(profile), read_json(transmission_file)
        hidden = _hidden_barrier(kappa, system.reactant, system.product)
        along = {"profile": found, "transmission": kappa, "no_rate": hidden}
        directions = (
            (system.reactant, system.product, "forward"),
            (system.product, system.reactant, "backward"),
        )
        for start, end, name in directions:
            value, spread = None, None
            if hidden is None:
                value = found["rate"][name] * kappa["kappa"]
                of_profile = found["rate"][f"ln_{name}_error"]
                spread = None if of_profile is None else math.hypot(of_profile, kappa["error"] / kappa["kappa"])
            routes.append(
                {
                    "route": "free energy",
                    "how": "sampled",
                    "from": start,
                    "to": end,
                    "temperature": temperature,
                    "rate": value,
                    "ln_error": spread,
                }
            )
        other = found.get("other_temperatures") or {}
        if hidden is None and other:
            further, along["reweighted"] = _reweighted(other, kappa, temperature, directions, factors)
            routes += further
        rested = free_energy.settled(found.get("drift"))
        for route in routes:
            if route["route"] == "free energy":
                route["settled"] = rested
    through = read_json(interfaces) if interfaces else {}
    if through:
        routes.append(
            {
                "route": "interfaces",
                "from": through["from"],
                "to": through["to"],
                "temperature": temperature,
                "rate": through["rate"].get("rate"),
                "ln_error": through["rate"].get("ln_error"),
                "low": through["rate"].get("low"),
                "high": through["rate"].get("high"),
            }
        )
    for route in routes:
        route["low"], route["high"] = kinetics.interval(route) or (None, None)
        if route["route"] != "harmonic":
            route |= factors.get((route["from"], route["temperature"]), {})
    whole = {
        **content,
        "label": method.label,
        "routes": routes,
        "along_coordinate": along,
        "interfaces": through,
        "agreement": _agreement(routes, temperature, content["rules"]),
    }
    write_json(json_safe(whole), out)


def _reweighted(
    other: Mapping[str, Any],
    kappa: Mapping[str, Any],
    temperature: float,
    directions: Sequence[tuple[str, str, str]],
    factors: Mapping[tuple[str, float], Mapping[str, float]],
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rates at the other temperatures that the windows carry, and what to say of them.

    Parameters
    ----------
    other
        :class:`free_energy.OtherTemperatures` as plain data, or a ``reason`` why there are none.
    kappa
        The transmission coefficient at the temperature of the dynamics; it is used at all.
    temperature
        Of the dynamics, K.
    directions
        From, to, and ``forward`` or ``backward``.
    factors
        Quantum over classical, from harmonic rates, by start and temperature; none where these are classical.

    Returns
    -------
    Entries of ``routes``; and ``how`` they were found, ``left_out`` (which were not, and why, or None) and ``laws``.
    """
    said = {
        "how": f"free energy reweighted by MBAR; transmission coefficient as at {temperature:g} K",
        "left_out": None,
        "laws": [],
    }
    if "reason" in other:
        return [], said | {"left_out": f"no rate at other temperatures: {other['reason']}"}
    routes, missing, without = [], [], []
    for start, end, name in directions:
        side = other["effective_reactant" if name == "forward" else "effective_product"]
        covariance = np.array(other[f"ln_{name}_covariance"], dtype=float)  # None, which is infinite, becomes NaN
        # One configuration off the surface, one coefficient: its error is common to all temperatures.
        covariance = covariance + (kappa["error"] / kappa["kappa"]) ** 2
        kept, dropped, unbounded = [], [], []
        for i, (t, on_side, at_top) in enumerate(zip(other["temperature"], side, other["effective_top"], strict=True)):
            if t == temperature:
                kept.append(i)
                continue
            if min(on_side, at_top) < free_energy.ENOUGH_EFFECTIVE:
                dropped.append((t, on_side, at_top))
                continue
            if not math.isfinite(covariance[i, i]):
                unbounded.append(t)
                continue
            kept.append(i)
            routes.append(
                {
                    "route": "free energy",
                    "how": "reweighted",
                    "from": start,
                    "to": end,
                    "temperature": t,
                    "rate": other[name][i] * kappa["kappa"],
                    "ln_error": math.sqrt(covariance[i, i]),
                }
            )
        if dropped:
            at = ", ".join(f"{t:g}" for t, _, _ in dropped)
            most = (
                f"at most {max(n for _, n, _ in dropped):.0f} in {start}, {max(n for *_, n in dropped):.0f} at the top"
            )
            missing.append(f"{start} to {end} at {at} K ({most})")
        if unbounded:
            at = ", ".join(f"{t:g}" for t in unbounded)
            without.append(f"{start} to {end} at {at} K")
        part = covariance[np.ix_(kept, kept)]
        if len(kept) > 1 and np.isfinite(part).all():
            t, k = np.array(other["temperature"])[kept], np.array(other[name])[kept] * kappa["kappa"]
            law = _law_of_correlated(t, k, part).to_dict() | {"from": start, "to": end, "law": "arrhenius"}
            quantised = np.array([factors.get((start, float(each)), {}).get("quantum_factor", math.nan) for each in t])
            if np.isfinite(quantised).all():
                # The same frames, so the same errors; what the factor is off by, it does not know.
                law["quantum_energy"] = _law_of_correlated(t, k * quantised, part).energy
            said["laws"].append(law)
    reasons = []
    if missing:
        reasons.append(f"for want of {free_energy.ENOUGH_EFFECTIVE:.0f} effective frames: {'; '.join(missing)}")
    if without:
        reasons.append(
            "for their error has no bound, as a resample of the frames holds none on the dividing surface: "
            f"{'; '.join(without)}"
        )
    if reasons:
        said["left_out"] = f"not reweighted, {'; '.join(reasons)}"
    return routes, said


def _law_of_correlated(t: np.ndarray, k: np.ndarray, covariance: np.ndarray) -> kinetics.TemperatureLaw:
    """Arrhenius law through rates from the same frames; intervals by their full covariance, in place of scatter."""
    errors = np.sqrt(np.diag(covariance))
    law = kinetics.fit_law(t, k, errors)
    x = np.column_stack([np.ones_like(t), -1.0 / (BOLTZMANN * t)]) / errors[:, None]
    estimator = np.linalg.pinv(x) / errors
    half = 1.96 * np.sqrt(np.diag(estimator @ covariance @ estimator.T))
    return dataclasses.replace(
        law,
        ln_prefactor_interval=(law.ln_prefactor - float(half[0]), law.ln_prefactor + float(half[0])),
        energy_interval=(law.energy - float(half[1]), law.energy + float(half[1])),
        # Its test takes the rates for independent.
        curvature_p=math.nan,
    )


def _hidden_barrier(kappa: Mapping[str, Any], reactant: str, product: str) -> str | None:
    """Why the route along the coordinate gives no rate; None where it does.

    A coordinate may go from basin to basin without going over the saddle: springs then find another way to
    its top, from where everything falls back to one side.
    """
    if kappa["error"] is not None and kappa["kappa"] > 2.0 * kappa["error"]:
        return None
    share = kappa["to_product"]
    side = product if share > 0.5 else reactant
    return (
        f"no rate along this coordinate: its transmission coefficient, {kappa['kappa']:.2f}, cannot be told from zero, "
        f"and {max(share, 1.0 - share):.0%} of the halves off the top of the profile end in {side}; so that is no "
        "dividing surface. Name other variables in rates.umbrella.variables, or give longer windows"
    )


def _agreement(routes: Sequence[Mapping[str, Any]], temperature: float, rules: Mapping[str, Any]) -> list[str]:
    """A sentence for each direction in which two routes give a rate at the temperature of the dynamics.

    A sampled one, which is classical, is held against the classical harmonic rate.
    """
    words = []
    for start in dict.fromkeys(r["from"] for r in routes):
        mine = {r["route"]: r for r in routes if r["from"] == start and r["temperature"] == temperature}
        usable = [r for r in mine.values() if r["rate"] and (r["route"] == "harmonic" or kinetics.interval(r))]
        for one, other in itertools.combinations(usable, 2):
            where = f"{start} to {one['to']}"
            like = one["route"] == "harmonic" and one.get("classical_rate") and rules["statistics"] == "quantum"
            names = f"{other['route']} over {one['route']}" + (", both classical" if like else "")
            unrested = any(r.get("settled") is False for r in (one, other))
            difference = math.log(other["rate"] / (one["classical_rate"] if like else one["rate"]))
            half = math.hypot(_half_width(one), _half_width(other))
            low, high = difference - half, difference + half
            factor = f"{names}: {math.exp(difference):.2g} ({math.exp(low):.2g} to {math.exp(high):.2g})"
            why = "; the windows of the free energy had not settled" if unrested else ""
            if low <= 0.0 <= high:
                words.append(f"{where}: the routes agree within errors; {factor}{why}")
                continue
            if one["route"] == "harmonic":
                why += "; anharmonic, many minima, or recrossing"
                if rules["statistics"] == "quantum" and not like:
                    why += "; the harmonic rate has quantised vibrations, the dynamics none"
            words.append(f"{where}: the routes disagree beyond errors; {factor}{why}")
    return words


def _half_width(route: Mapping[str, Any]) -> float:
    """Half the interval of the logarithm of a rate; 0 of a harmonic one, which has none."""
    found = kinetics.interval(route)
    return 0.5 * math.log(found[1] / found[0]) if found else 0.0
