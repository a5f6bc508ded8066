"""Standard errors of coefficients."""

from __future__ import annotations

import numpy as np
import pytest
from toy_method import (
    method,
)

from separatrix.report.quantities import coefficient_errors


def test_clustered_errors_need_many_chains():
    model = method().coordinate
    assert coefficient_errors.coefficient_errors(model, 2).values == pytest.approx(model.standard_errors)
    clustered = coefficient_errors.coefficient_errors(model, 20)
    assert clustered.values == pytest.approx(np.sqrt(np.diag(model.clustered_covariance)))
    assert "clustered" in clustered.note
