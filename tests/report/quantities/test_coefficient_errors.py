"""Standard errors of coefficients."""

from __future__ import annotations

from dataclasses import replace

from toy_method import (
    method,
)

from separatrix.report.quantities import coefficient_errors


def test_errors_of_coefficients_are_those_of_the_fit():
    data = method()
    found, chosen = coefficient_errors.coefficient_errors(data.coordinate), data.fit["sets"][1]
    assert list(found.values) == chosen["errors"] == chosen["clustered_standard_errors"]
    assert data.coordinate.block_description in found.note
    asked = "independent, as asked"
    alone = replace(data.coordinate, clustered_covariance=None, block_count=0, block_description=asked)
    found = coefficient_errors.coefficient_errors(alone)
    assert list(found.values) == chosen["standard_errors"] and found.note == "standard error: independent, as asked"
