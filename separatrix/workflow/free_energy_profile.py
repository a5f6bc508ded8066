"""Stage of the workflow that makes the free energy along the coordinate of all umbrella windows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import SamplingError
from separatrix.core.files import write_dataset, write_json
from separatrix.core.plain import json_safe
from separatrix.core.seeds import stream
from separatrix.rates import free_energy, mbar, reweighting
from separatrix.rates.window_files import read_windows, window_of, windows_with_failures
from separatrix.workflow.engine_opening import Settings
from separatrix.workflow.umbrella import Umbrella

log = logging.getLogger(__name__)

#: Most windows that are put between others for want of overlap.
MOST_ADDED = 12


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
    given = StageSettings("free_energy", settings)
    rates = given.config.rates
    umbrella = Umbrella(given, minima, saddle, paths, fit, table)
    temperature, results = umbrella.method.dynamics.temperature, []
    trouble: list[Mapping[str, Any]] = []
    for file in windows:
        results += read_windows(file)
        trouble += windows_with_failures(file)
    added = 0
    while True:
        results.sort(key=lambda item: item[0].centre)
        combined = mbar.combine([w for w, _ in results], temperature)
        missing = mbar.gaps([w for w, _ in results], combined.overlap)
        if not missing or added + len(missing) > MOST_ADDED:
            break
        added += len(missing)
        log.info("too little overlap; windows added at r = %s", ", ".join(f"{c:.2f}" for c in missing))
        for run in (umbrella.window(centre, journal) for centre in missing):
            results.append((window_of(run, umbrella.stiffness), run["positions"]))
            trouble.append(run)
    rng = stream(umbrella.method.seed, umbrella.method.name, "free energy")
    try:
        rate, profile = free_energy.surface_rate([w for w, _ in results], temperature, rng=rng, weights=combined)
    except ValueError as error:
        raise SamplingError(f"no rate along the coordinate: {error}") from error
    try:
        other = reweighting.other_temperatures(
            [w for w, _ in results],
            temperature,
            sorted({temperature, *rates.temperatures_K}),
            rate,
            # Of its own, so that what is drawn below does not depend on which temperatures are asked for.
            rng=stream(umbrella.method.seed, umbrella.method.name, "other temperatures"),
            weights=combined,
        ).to_dict()
    except ValueError as error:
        other = {"reason": str(error)}
    settling = free_energy.drift(
        [w for w, _ in results],
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
                "windows": [w.centre for w, _ in results],
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
    positions = np.concatenate([x for _, x in results])
    index = free_energy.on_surface(combined, rate, rates.transmission.configurations, rng)
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
