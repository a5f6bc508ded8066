"""Sentences on rates along the coordinate: free energy, its windows, and the transmission coefficient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from separatrix.core.units import KCAL
from separatrix.rates.free_energy import equilibrated
from separatrix.rates.left_out import lost_pairs
from separatrix.rates.route import RouteRemark, direction_of
from separatrix.statistics.no_basin import KEY

#: Transmission coefficient below which the coordinate may be too poor for the errors of short windows.
POOR = 0.4

#: Windows that overlap by less than this give no error to trust.
LEAST_OVERLAP = 0.03


def remarks(content: Mapping[str, Any]) -> Iterator[RouteRemark]:
    """Free energy along the coordinate, its windows, and the transmission coefficient."""
    along = content["along_coordinate"]
    if not along:
        return
    profile, kappa = along["profile"], along["transmission"]
    barrier = profile["rate"]
    yield RouteRemark(
        f"free energy of {barrier['barrier_forward'] / KCAL:.1f} kcal/mol at r = {barrier['top']:.2f}, from "
        f"{barrier['n_frames']} frames (smallest overlap {barrier['worst_overlap']:.2f}); transmission coefficient "
        f"{kappa['kappa']:.2f} ± {_two_places(kappa['error'])} (positive flux {kappa['positive']:.2f} ± "
        f"{_two_places(kappa['positive_error'])}), {kappa['n_pairs']} pairs, {kappa['n_lost']} lost"
    )
    if (lost := lost_pairs(content)) is not None and lost.matters:
        yield RouteRemark(
            f"{lost.count('pairs of half-trajectories')} left out, because one failed or reached no basin: the "
            f"rate may be wrong by as much; give a larger {KEY}"
        )
    if kappa["kappa"] < POOR and not along["no_rate"]:
        yield RouteRemark(
            f"transmission coefficient below {POOR:g}: friction, or a poor coordinate r. If r is poor, slow motion "
            "across it does not show in short windows, and the interval is too narrow: give longer windows, or compare "
            "with the rate through interfaces"
        )
    if apart := profile.get("gaps_left"):
        at = ", ".join(f"{centre:.2f}" for centre in apart)
        yield RouteRemark(f"windows overlap by less than {LEAST_OVERLAP:g} near r = {at}: do not trust the error there")
    if "drift" in profile:
        yield RouteRemark(_of_drift(profile["drift"]))
    if text := _of_failures(profile):
        yield RouteRemark(text)
    reweighted = along.get("reweighted") or {}
    for law in reweighted.get("laws", ()):
        low, high = law["energy_interval"]
        yield RouteRemark(
            f"{direction_of(law)} along r, {law['temperatures'][0]:g} to {law['temperatures'][1]:g} K "
            f"({reweighted['how']}): activation energy {law['energy']:.1f} kJ/mol ({low:.1f} to {high:.1f}), prefactor "
            f"{math.exp(law['ln_prefactor']):.2g} /s"
            + (f"; {law['quantum_energy']:.1f} with the quantum factors" if law.get("quantum_energy") else "")
        )
    if reweighted.get("left_out"):
        yield RouteRemark(reweighted["left_out"])
    if along["no_rate"]:
        yield RouteRemark(along["no_rate"])


def _two_places(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _of_drift(drift: Sequence[float] | None) -> str:
    """Whether the windows are equilibrated: their second halves against their first."""
    if drift is None:
        return "the windows are too short to decide whether they are equilibrated: give a larger length_fs"
    change, error = drift
    text = f"rate from the second halves of the windows over that from the first: {math.exp(change):.2g}, "
    text += f"{abs(change) / error:.1f} errors from 1"
    if not equilibrated((change, error)):
        text += (
            "; the windows are not equilibrated, which the interval does not include: give larger equilibration_fs and "
            "length_fs (sampling resumes where it ended)"
        )
    return text


def _of_failures(profile: Mapping[str, Any]) -> str:
    """Parts of windows that failed and were done again, and windows that ended early."""
    parts = []
    if failures := profile.get("failures"):
        parts.append(f"{len(failures)} parts of windows failed and were done again; the last: {failures[-1]}")
    if early := profile.get("ended_early"):
        at = ", ".join(f"{window['centre']:.2f}" for window in early)
        parts.append(f"windows at r = {at} ended early: {early[-1]['reason']}")
    return "; ".join(parts)
