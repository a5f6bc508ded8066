"""Observations of the committor in a table of variables at shooting points."""

from __future__ import annotations

import numpy as np
import xarray as xr


def committor_observations(table: xr.Dataset, observations: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Observations of the committor in a table of variables at shooting points.

    With fresh velocities v the reversed ones are as likely, so either half-trajectory alone is an observation of p_B at
    the shooting point. The two of one shot stay neighbours, so that a bootstrap block holds both.

    Parameters
    ----------
    table
        ``variables.nc``.
    observations
        ``both halves`` or ``forward half``.

    Returns
    -------
    Row of the table of each observation; whether it reached the product; number of half-trajectories left out because
    they reached neither basin of the reaction.
    """
    row, _, ends, use = _halves(table, observations)
    return row[use], ends[use] == table.attrs["product"], int((~use).sum())


def committor_rates(table: xr.Dataset, observations: str) -> np.ndarray:
    """Rates of the variables at the same observations, shape (observations, variables), per ps.

    The backward half-trajectory starts with the velocities reversed, so its rates have the other sign.
    """
    row, sign, _, use = _halves(table, observations)
    return table["rate"].transpose("shot", "variable").values[row[use]] * sign[use, None]


def _halves(table: xr.Dataset, observations: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row of the table, sign of the velocities, basin reached, and whether it counts, of every half-trajectory."""
    halves = ["forward", "backward"] if observations == "both halves" else ["forward"]
    ends = np.stack([table[half].values.astype(str) for half in halves], axis=1).ravel()
    row = np.repeat(np.arange(table.sizes["shot"]), len(halves))
    sign = np.tile([1.0, -1.0][: len(halves)], table.sizes["shot"])
    return row, sign, ends, np.isin(ends, [table.attrs["product"], table.attrs["reactant"]])
