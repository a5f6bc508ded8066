"""Stage of the workflow that computes harmonic rates from stationary points."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.config.stage_settings import StageSettings
from separatrix.config.system import System
from separatrix.core.errors import SamplingError
from separatrix.core.files import read_dataset, write_json
from separatrix.core.plain import json_safe
from separatrix.cvs.states import basin_of
from separatrix.rates import harmonic
from separatrix.rates.channels import (
    channels_among,
    kinetics_of,
    mechanisms_of,
    rotates_freely,
    temperature_laws,
    total_rate,
)
from separatrix.results.stationary_files import read_search, read_stationary
from separatrix.workflow.engine_opening import Settings

log = logging.getLogger(__name__)

#: 1/s; what is less is zero in numbers of double precision.
LEAST_RATE = 1e-300


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
    given = StageSettings("harmonic", settings)
    system, config = given.system, given.config
    rules = dict(config.rates.harmonic)
    points = {name: read_stationary(file) for name, file in minima.items()}
    names = [guess.name for guess in system.saddle_guesses]
    led = dict(zip(names, map(read_search, searches), strict=True))
    channels = channels_among({n: p for n, p in led.items() if not isinstance(p, str)}, system.molecule.symbols)
    if not channels:
        raise SamplingError("no harmonic rate: no guess has led to a saddle")
    temperatures = config.rates.temperatures_K
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
                        isolated=rotates_freely(channel.saddle),
                        is_product=partial(_is_in, system, end),
                    )
                    for by in (chosen, dataclasses.replace(chosen, statistics="classical", tunnelling="none"))
                )
            except OverflowError as error:
                raise _too_cold(config.temperature_K, temperature, start, end, chosen.tunnelling) from error
            single.append(rate.to_dict() | {"from": start, "to": end, "channel": number, "classical_rate": plain.rate})
    except ValueError as error:
        raise SamplingError(f"no harmonic rate: {error}") from error
    totals = [total_rate(single, start, end, temperature) for (start, end) in ends for temperature in temperatures]
    for total in totals:
        if not total["rate"] >= LEAST_RATE:
            raise _too_cold(config.temperature_K, total["temperature"], total["from"], total["to"], chosen.tunnelling)
        log.info("%s to %s at %g K: %.3g /s", total["from"], total["to"], total["temperature"], total["rate"])
    cautions = [
        caution
        for channel in channels
        for caution in harmonic.cautions(channel.saddle.name, channel.saddle.wavenumbers[0], temperatures, chosen)
    ]
    for caution in cautions:
        log.warning("%s", caution)
    content = {
        "method": given.method.name,
        "source": read_dataset(searches[0]).attrs["source"],
        "states": [system.reactant, system.product],
        "temperature_K": config.temperature_K,
        "rules": rules,
        "channels": [
            {
                "saddle": channel.saddle.name,
                "mechanisms": mechanisms_of(system, channel.saddle, points[system.reactant]),
                "guesses": list(channel.guesses),
                "energy_above": {name: channel.saddle.energy - points[name].energy for name in ends[0]},
                "imaginary": -float(channel.saddle.wavenumbers[0]),
            }
            for channel in channels
        ],
        "cautions": cautions,
        "without_saddle": {name: reason for name, reason in led.items() if isinstance(reason, str)},
        "by_channel": single,
        "rates": totals,
        "laws": temperature_laws(totals),
        "kinetics": [kinetics_of(single, t, (system.reactant, system.product)) for t in temperatures],
    }
    write_json(json_safe(content), out)


def _too_cold(dynamics: float, temperature: float, start: str, end: str, tunnelling: str) -> SamplingError:
    """The error of a temperature at which a number is beyond the range of floating point."""
    key = "temperature_K" if temperature == dynamics else "rates.temperatures_K"
    what = "the rate" if tunnelling == "none" else "the rate or its tunnelling"
    return SamplingError(
        f"no harmonic rate: {key}: at {temperature:g} K {what} from {start} to {end} is beyond the range of numbers; "
        "give a higher temperature"
    )


def _is_in(system: System, basin: str, positions: np.ndarray) -> bool:
    return basin_of(positions, system.basins) == basin
