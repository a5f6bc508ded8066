"""Committor shots: which to make next, how they are counted, and whether they measure the committor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import BATH_1D, BATH_2D, committor, diffusion_generator
from scipy import interpolate, stats

from separatrix.sampling.committor import Adaptive, agenda, counts, shoot
from separatrix.statistics import ranking
from separatrix.statistics.committor_statistics import analyse
from separatrix.statistics.intervals import wilson_interval

ENDS = ("A", "B")


def follow(plan, outcome) -> list[tuple[int, int, str]]:
    """Run an agenda to its end with an outcome for each shot."""
    made = []
    task = next(plan, None)
    while task is not None:
        end = outcome(*task)
        made.append((*task, end))
        try:
            task = plan.send(end)
        except StopIteration:
            task = None
    return made


def test_without_adaptation_every_configuration_gets_its_number():
    made = follow(agenda([3, 5], 4, ENDS), lambda c, s: "failed")
    assert [m[:2] for m in made] == [(c, s) for c in (3, 5) for s in range(4)]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.06, 0.4), st.integers(4, 60))
def test_adaptive_shots_stop_where_the_interval_is_narrow_and_nowhere_else(seed: int, half_width: float, most: int):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.5, 0.5, 5)
    outcomes = np.where(rng.random((5, 100)) < p[:, None], "B", "A")
    outcomes[rng.random((5, 100)) < 0.1] = "none"
    made = follow(agenda(range(5), 4, ENDS, Adaptive(half_width, most)), lambda c, s: str(outcomes[c, s]))
    for c in range(5):
        ends = [end for i, s, end in made if i == c]
        assert [s for i, s, _ in made if i == c] == list(range(len(ends)))

        def width(number: int, ends=ends) -> float:
            k, n = ends[:number].count("B"), sum(e in ENDS for e in ends[:number])
            low, high = wilson_interval(k, n)
            return float(high - low) / 2.0

        assert len(ends) <= max(most, 4)
        assert width(len(ends)) <= half_width or len(ends) == max(most, 4)
        assert all(width(number) > half_width for number in range(4, len(ends)))


def test_a_failed_shot_never_takes_anothers_outcome():
    table = {
        "configuration": np.array([0, 0, 0, 1, 1, 1, 1]),
        "number": np.array([0, 1, 2, 0, 1, 2, 3]),
        "end": np.array(["B", "failed", "A", "none", "B", "C", "B"], dtype=object),
    }
    found = counts(table, 3, "A", "B")
    assert {name: list(v) for name, v in found.items()} == {
        "to_product": [1, 2, 0],
        "to_reactant": [1, 0, 0],
        "no_basin": [0, 1, 0],
        "failed": [1, 0, 0],
        "elsewhere": [0, 1, 0],
    }
    fixed = counts(table, 3, "A", "B", fixed=3)
    assert list(fixed["to_product"]) == [1, 1, 0]


# --- against exact committors -----------------------------------------------------------------------------------------


def exact_committor(model, spacing: float):
    """Committor as a function of coordinates in units of a, by finite differences on a grid."""
    q, steps = model.grid(spacing)
    energy = model.energy(q) / model.kt
    energy[energy > energy.min() + 14.0] = np.inf
    known = np.isfinite(energy).ravel()
    generator = diffusion_generator(energy, steps, model.diffusion)
    p = np.full(energy.size, np.nan)
    p[known] = committor(generator[known][:, known], model.where(q).ravel()[known], model.frame)
    axes = [np.unique(axis) / model.a for axis in q]
    return interpolate.RegularGridInterpolator(axes, p.reshape(energy.shape))


def measured(model, points: np.ndarray, shots: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    engine, basins = model.engine(), model.basins
    made = np.array(
        [
            [shoot(engine, basins, model.at(*q), place=(seed, ("exact", i, s))).end for s in range(shots)]
            for i, q in enumerate(points)
        ]
    )
    assert set(made.ravel()) == {"A", "B"}
    return (made == "B").sum(axis=1), np.full(len(points), shots)


def chi_square(k: np.ndarray, n: np.ndarray, p: np.ndarray) -> float:
    """p-value of counts against known committors."""
    return float(stats.chi2.sf(((k - n * p) ** 2 / (n * p * (1.0 - p))).sum(), len(k)))


def test_shots_measure_the_committor_in_one_dimension():
    points = np.array([-0.35, -0.1, 0.1, 0.3])[:, None]
    p = exact_committor(BATH_1D, 0.02)(points)
    k, n = measured(BATH_1D, points, 60, seed=11)
    assert chi_square(k, n, p) > 1e-3, (k / n, p)
    # And the test would see an error of the committor: its mirror image is refused.
    assert chi_square(k, n, p[::-1]) < 1e-6


@pytest.mark.slow
def test_shots_measure_the_committor_in_two_dimensions_and_tell_coordinates_apart():
    """y is slow: a coordinate of x alone is wrong off the saddle, and committor shots show it."""
    rng = np.random.default_rng(4)
    points = np.column_stack([rng.uniform(-0.5, 0.5, 40), rng.uniform(-0.9, 0.9, 40)])
    p = exact_committor(BATH_2D, 0.04)(points)
    k, n = measured(BATH_2D, points, 40, seed=12)
    assert chi_square(k, n, p) > 1e-3, np.column_stack([points, k / n, p])
    low, high = wilson_interval(k, n)
    assert 0.8 <= np.mean((low <= p) & (p <= high)) <= 1.0

    alone = exact_committor(BATH_1D, 0.02)(points[:, :1])
    ranked = ranking.rank(k, n, {"exact": p, "x alone": alone, "coin": np.full(40, 0.5)}, "exact", rng=rng)
    assert ranked[0].name == "exact" and ranked[0].rms_error < 0.06
    for other in ranked[1:]:
        assert other.behind_interval[0] > 0.0 and other.rms_error_interval[0] > ranked[0].rms_error
    right, wrong = ranking.calibrate(k, n, p), ranking.calibrate(k, n, alone)
    assert right.p_value > 1e-3 and right.slope_interval[0] < 1.0 < right.slope_interval[1]
    assert wrong.p_value < 0.01 or wrong.rms_error > 0.1

    # On the line x = 0 the committor is spread by y, and the histogram test says how far; on p = 1/2 it is not.
    ys = np.linspace(-0.9, 0.9, 30)
    surface = exact_committor(BATH_2D, 0.04)
    spread = surface(np.column_stack([np.zeros(30), ys]))
    broad = analyse(*measured(BATH_2D, np.column_stack([np.zeros(30), ys]), 30, seed=13))
    assert broad.p_value_binomial < 0.05
    assert broad.intrinsic_sd_interval[0] < spread.std(ddof=1) < broad.intrinsic_sd_interval[1]
    xs = np.linspace(-0.7, 0.7, 400)
    line = [xs[np.argmin(np.abs(surface(np.column_stack([xs, np.full(400, y)])) - 0.5))] for y in ys]
    true = analyse(*measured(BATH_2D, np.column_stack([line, ys]), 30, seed=14))
    assert true.p_value_binomial > 1e-3 and true.intrinsic_sd_interval[0] < 0.05
    assert true.intrinsic_sd < broad.intrinsic_sd
