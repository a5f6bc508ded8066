"""Half-trajectories that the routes to a rate leave out, from ``rates.json``: those that reached no basin in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from separatrix.statistics.no_basin import Lost, lost_halves, lost_of_mean


def lost_pairs(content: Mapping[str, Any]) -> Lost | None:
    """Pairs of halves off the dividing surface that were left out; None where there is no transmission coefficient."""
    kappa = (content.get("along_coordinate") or {}).get("transmission")
    if not kappa:
        return None
    return lost_of_mean(kappa["kappa"], kappa["error"], kappa["n_pairs"], kappa["n_lost"])


def lost_paths(content: Mapping[str, Any]) -> Lost | None:
    """Shots through interfaces that reached neither state in time; None where there were none."""
    outcomes = ((content.get("interfaces") or {}).get("rate") or {}).get("outcomes") or {}
    lost = outcomes.get("uncommitted", 0)
    committed = sum(outcomes.values()) - lost - outcomes.get("failed", 0)
    return lost_halves(0, committed, lost) if outcomes else None
