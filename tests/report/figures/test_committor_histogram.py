"""The distribution of fractions of shots that a law of committors gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from separatrix.report.figures import committor_histogram


def test_beta_binomial_expectation_by_simulation():
    rng = np.random.default_rng(4)
    n = np.array([8, 8, 5, 8])
    edges = (np.arange(10) - 0.5) / 8
    p = rng.beta(2.0, 3.0, size=(20000, 4))
    counts = np.histogram(rng.binomial(n, p) / n, bins=edges)[0] / 20000
    assert committor_histogram.beta_binomial_expectation(n, (2.0, 3.0), edges) == pytest.approx(counts, abs=0.03)
    assert committor_histogram.beta_binomial_expectation(n, (5e5, 5e5), edges).sum() == pytest.approx(4.0)
    equal = committor_histogram.beta_binomial_expectation([8] * 3, (5e5, 5e5), edges)
    assert equal == pytest.approx(3 * stats.binom.pmf(np.arange(9), 8, 0.5), abs=1e-4)
