"""Energies and geometries of a molecule small enough to count by hand."""

from __future__ import annotations

import pytest
from toy_method import (
    method,
    summary,
)


def test_energies_and_geometry():
    found = summary(method())
    assert found["reaction_energy"].value == pytest.approx(4.0)
    assert found["barrier_forward"].value == pytest.approx(26.0)
    assert found["barrier_backward"].value == pytest.approx(30.0)
    assert found["imaginary_wavenumber"].value == 400.0
    assert found["lowest_wavenumber[point=saddle]"].value == 25.0
    assert found["coordinate_at_point[coordinate=turn, point=saddle]"].value == pytest.approx(90.0, abs=1e-6) or found[
        "coordinate_at_point[coordinate=turn, point=saddle]"
    ].value == pytest.approx(-90.0, abs=1e-6)
    assert found["coordinate_at_point[coordinate=bend, point=A]"].value == pytest.approx(120.0)
