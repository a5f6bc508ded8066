"""`separatrix theory` against the reference cases: rates, weights, committors, displacements.

The references come from another program (Q1 elements and, for some, a finite-volume scheme); the file says how.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from separatrix.theory import analysis, model_file, symmetry

FILE = Path(__file__).parents[1] / "data" / "theory_cases.json"
CASES = json.loads(FILE.read_text())["cases"]


def coarse(name: str) -> dict[str, Any]:
    """A case on grids about 2.5 times as coarse, the borders of its states still being grid lines."""
    factors = (2.5, 2.0) if name == "R13_units_mixed" else (2.5, 2.5)
    return {**CASES[name], "grid_h": [[h * f for f in factors] for h in CASES[name]["grid_h"]]}


def run(data: dict[str, Any], name: str) -> dict[str, Any]:
    """What `separatrix theory --json` prints for a case."""
    found = analysis.analyse(model_file.build(data, name)).to_dict()
    return json.loads(json.dumps(found, allow_nan=False))


def compare(found: dict[str, Any], name: str, *, k: float, alpha: float, phi: float, way: float, off: float) -> None:
    """Every key that the case carries."""
    want = CASES[name]
    for key, value in want["values"].items():
        allowed = alpha if key.endswith("alpha") else k * abs(value)
        assert found["values"][key] == pytest.approx(value, abs=allowed), key
        assert found[key] == found["values"][key]
    for key in ("saddle", "U_saddle", "min_A", "min_B", "barrier_A", "hessian_saddle", "hessian_A"):
        assert np.allclose(found[key], want[key], rtol=1e-6, atol=1e-8), key
    for key, value in want["langer"].items():
        assert np.allclose(found["langer"][key], value, rtol=1e-6, atol=1e-9), key
        assert found[f"langer.{key}"] == found["langer"][key]
    assert found["kramers_axis"] == want["kramers_axis"]
    for which, shape in want["geometry"].items():
        mine = found["geometry"][which]
        assert mine["phi_saddle"] == pytest.approx(shape["phi_saddle"], abs=phi)
        for key in ("nearest_point", "SPA_vector", "SPA_vector_Dmetric", "SPA_norm"):
            # In the metric of D the nearest point slides along the separatrix: it is known to a grid spacing or so.
            tolerance = way if key != "SPA_vector_Dmetric" else max(way, off)
            assert np.allclose(mine[key], shape[key], rtol=0.0, atol=tolerance), (which, key)
        for key in ("x_cross_at_ysaddle", "y_cross_at_xsaddle"):
            if shape[key] is None:
                assert mine[key] is None
            else:
                assert mine[key] == pytest.approx(shape[key], abs=way), (which, key)
        for key in ("lowestU_point", "flux_mean_offset", "flux_rms_offset"):
            assert np.allclose(mine[key], shape[key], rtol=0.0, atol=off), (which, key)
        assert mine["lowestU_beta_dU"] == pytest.approx(shape["lowestU_beta_dU"], abs=off)
        assert mine["flux_line_over_F"] == pytest.approx(shape["flux_line_over_F"], abs=10.0 * off)
        assert np.allclose(mine["committor_points"], shape["committor_points"], rtol=0.0, atol=phi), which


@pytest.mark.parametrize("name", list(CASES))
def test_reference_case_on_a_coarse_grid(name: str) -> None:
    # The tolerances hold still; what is read off the grid line by line is as sharp as the grid.
    found = run(coarse(name), name)
    assert not found["notes"]
    compare(found, name, k=0.01, alpha=0.01, phi=0.005, way=0.003, off=0.7 * max(found["grid_spacing"]))
    assert found["in_order"]
    assert all(math.isfinite(v) for v in found["values"].values())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES))
def test_reference_case_as_written(name: str) -> None:
    found = run(CASES[name], name)
    compare(found, name, k=0.0015, alpha=0.0005, phi=0.0005, way=0.0005, off=0.001)


def test_symmetry_predicts_where_the_committor_at_the_saddle_is_one_half() -> None:
    for name, case in CASES.items():
        built = model_file.build(coarse(name), name)
        elements = analysis.prepare(built, built.grids()[0])
        found = symmetry.candidates(elements, np.array(case["saddle"]))
        predicted = any(s.holds for s in found)
        assert predicted == (abs(case["geometry"]["exact"]["phi_saddle"] - 0.5) < 1e-6), name
