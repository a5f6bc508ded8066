"""Rates along the coordinate: when the transmission coefficient gives none, and those at other temperatures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from separatrix.core.units import BOLTZMANN
from separatrix.rates import kinetics
from separatrix.rates.mbar import FloatArray
from separatrix.rates.reweighting import ENOUGH_EFFECTIVE


def reweighted_rates(
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
        :class:`separatrix.rates.reweighting.OtherTemperatures` as plain data, or a ``reason`` why there are none.
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
    laws: list[dict[str, Any]] = []
    summary: dict[str, Any] = {
        "how": f"free energy reweighted by MBAR; transmission coefficient as at {temperature:g} K",
        "left_out": None,
        "laws": laws,
    }
    if "reason" in other:
        return [], summary | {"left_out": f"no rate at other temperatures: {other['reason']}"}
    routes, missing, without = [], [], []
    for start, end, name in directions:
        side = other["effective_reactant" if name == "forward" else "effective_product"]
        covariance = np.array(other[f"ln_{name}_covariance"], dtype=float)  # None, which is infinite, becomes NaN
        # One configuration off the surface, one coefficient: its error is common to all temperatures.
        covariance = covariance + (kappa["error"] / kappa["kappa"]) ** 2
        usable, dropped, unbounded = [], [], []
        for i, (t, on_side, at_top) in enumerate(zip(other["temperature"], side, other["effective_top"], strict=True)):
            if t == temperature:
                usable.append(i)
                continue
            if min(on_side, at_top) < ENOUGH_EFFECTIVE:
                dropped.append((t, on_side, at_top))
                continue
            if not math.isfinite(covariance[i, i]):
                unbounded.append(t)
                continue
            usable.append(i)
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
        part = covariance[np.ix_(usable, usable)]
        if len(usable) > 1 and np.isfinite(part).all():
            t, k = np.array(other["temperature"])[usable], np.array(other[name])[usable] * kappa["kappa"]
            law = law_of_correlated_rates(t, k, part).to_dict() | {"from": start, "to": end, "law": "arrhenius"}
            quantised = np.array([factors.get((start, float(each)), {}).get("quantum_factor", math.nan) for each in t])
            if np.isfinite(quantised).all():
                # The same frames, so the same errors; what the factor is off by, it does not know.
                law["quantum_energy"] = law_of_correlated_rates(t, k * quantised, part).energy
            laws.append(law)
    reasons = []
    if missing:
        reasons.append(f"for want of {ENOUGH_EFFECTIVE:.0f} effective frames: {'; '.join(missing)}")
    if without:
        reasons.append(
            "for their error has no bound, as a resample of the frames holds none on the dividing surface: "
            f"{'; '.join(without)}"
        )
    if reasons:
        summary["left_out"] = f"not reweighted, {'; '.join(reasons)}"
    return routes, summary


def law_of_correlated_rates(t: FloatArray, k: FloatArray, covariance: FloatArray) -> kinetics.TemperatureLaw:
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


def hidden_barrier(kappa: Mapping[str, Any], reactant: str, product: str) -> str | None:
    """Why the route along the coordinate gives no rate; None where it does.

    A coordinate may go from basin to basin without going over the saddle: springs then find another way to
    its top, from where everything falls back to one side.
    """
    if kappa["error"] is not None and kappa["kappa"] > 2.0 * kappa["error"]:
        return None
    share = kappa["to_product"]
    side = product if share > 0.5 else reactant
    return (
        f"no rate along this coordinate: its transmission coefficient, {kappa['kappa']:.2f}, does not differ "
        f"from zero, and {max(share, 1.0 - share):.0%} of the halves off the top of the profile end in {side}; "
        "so that is no dividing surface. Name other variables in rates.umbrella.variables, or give longer windows"
    )
