"""Densities along a coordinate: what is right near the wells must not be lost on the barrier."""

from __future__ import annotations

import numpy as np

from separatrix.core.units import BOLTZMANN
from separatrix.rates import free_energy, mbar

KT = BOLTZMANN * 300.0


def windows(height: float, rng: np.random.Generator, count: int = 25, frames: int = 200) -> list[mbar.Window]:
    """Exact draws from windows on (height/2)(1 + cos(pi r)), wells at r = -1 and r = 1, top at 0."""
    grid = np.linspace(-1.6, 1.6, 16001)
    energy = 0.5 * height * (1.0 + np.cos(np.pi * grid))
    stiffness, made = 8.0 * height, []
    for centre in np.linspace(-1.3, 1.3, count):
        weight = np.exp(-(energy + 0.5 * stiffness * (grid - centre) ** 2 - energy.min()) / KT)
        r = rng.choice(grid, frames, p=weight / weight.sum())
        made.append(mbar.Window(float(centre), stiffness, r, np.full(frames, 0.5)))
    return made


def test_a_barrier_of_seventy_kt_is_found_where_it_is():
    """Weights span thirty powers of ten: differences of a running sum would round the top away."""
    height = 70.0 * KT
    rate, profile = free_energy.surface_rate(
        windows(height, np.random.default_rng(2)), 300.0, rng=np.random.default_rng(3), n_bootstrap=8
    )
    assert abs(rate.top) < 0.06
    assert abs(rate.barrier_forward - height) < 4.0 and abs(rate.barrier_backward - height) < 4.0
    # Exact: (1/2) sqrt(2 kT/pi) speed p(0) / P(r < 0), in 1/s.
    grid = np.linspace(-1.6, 0.0, 100001)
    inside = np.exp(-0.5 * height * (1.0 + np.cos(np.pi * grid)) / KT).sum() * (grid[1] - grid[0])
    exact = 0.5 * np.sqrt(2.0 * KT / np.pi) * 0.5 * np.exp(-height / KT) / inside * 1e12
    for value, error in ((rate.forward, rate.ln_forward_error), (rate.backward, rate.ln_backward_error)):
        assert abs(np.log(value / exact)) < 4.0 * error < 2.0
    energies = np.array(profile.free_energy, dtype=float)
    r = np.array(profile.r)
    shape = 0.5 * height * (1.0 + np.cos(np.pi * r))
    known = np.isfinite(energies) & (np.abs(r) < 1.2)
    assert np.abs((energies - energies[known].min()) - shape)[known].max() < 6.0


def test_windows_are_added_between_those_that_do_not_meet():
    made = windows(20.0 * KT, np.random.default_rng(4), count=9, frames=100)
    kept = [w for i, w in enumerate(made) if i not in (3, 4)]
    found = mbar.combine(kept, 300.0)
    missing = mbar.gaps(kept, found.overlap)
    assert len(missing) == 1 and kept[2].centre < missing[0] < kept[3].centre
    assert mbar.gaps(made, np.full(8, 0.2)) == []
