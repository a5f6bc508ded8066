"""Observed against predicted committors of correlated observations."""

from __future__ import annotations

import numpy as np
import pytest

from separatrix.statistics.blocks import Blocks
from separatrix.statistics.calibration import calibration_table, equal_count_edges
from separatrix.statistics.intervals import wilson_interval


def test_copies_of_an_observation_count_once() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(1500)
    outcome = rng.random(1500) < p
    alone = calibration_table(p, outcome, 5, blocks=Blocks.single(1500))
    assert alone.design_effect < 1.1
    four = calibration_table(np.repeat(p, 4), np.repeat(outcome, 4), 5, blocks=Blocks.of_labels(np.arange(6000) // 4))
    assert four.design_effect == pytest.approx(4.0, rel=0.1)
    np.testing.assert_allclose(four.upper - four.lower, alone.upper - alone.lower, rtol=0.05)
    assert calibration_table(np.repeat(p, 4), np.repeat(outcome, 4), 5).design_effect == 1.0
    effect = four.design_effect
    lower, upper = wilson_interval(four.successes / effect, four.count / effect)
    np.testing.assert_allclose([four.lower, four.upper], [lower, upper])


def test_bins_hold_about_equally_many() -> None:
    p = np.random.default_rng(2).beta(0.5, 2.0, size=400)
    edges = equal_count_edges(p)
    assert edges[0] == 0.0 and edges[-1] == 1.0 and len(edges) == 9
    assert np.ptp(np.histogram(p, edges)[0]) <= 2
    assert equal_count_edges([0.0] * 30 + [1.0] * 30).tolist() == [0.0, 1.0]
