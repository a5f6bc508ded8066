"""Surfaces from files that may mean something else: order of axes, numbers in place of no data, uneven coordinates."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from separatrix.core.errors import ConfigError
from separatrix.theory import analysis, grid_file, model_file, no_data, surfaces
from separatrix.theory.elements import TheoryError

X = np.linspace(-1.6, 1.6, 33)
# Not symmetric in x and y, nor in the two ends.
U = 5.0 * (X[:, None] ** 2 - 1.0) ** 2 + 0.4 * X[:, None] + 5.0 * (X[None, :] - 0.5 * X[:, None]) ** 2
GOOD: dict[str, Any] = {
    "beta": 1.0,
    "D": [1.0, 0.5],
    "state_A": "x <= -0.9 and y <= 0",
    "state_B": "x >= 0.9 and y >= 0",
}


def dataset(values: np.ndarray = U, names: tuple[str, str] = ("x", "y")) -> xr.Dataset:
    return xr.Dataset({"fes": (names, values)}, coords=dict.fromkeys(names, X))


def built(folder: Path, file: str, **changes: Any) -> model_file.Case:
    surface = {"file": file, **changes.pop("surface", {})}
    return model_file.build({**GOOD, "surface": surface, **changes}, "m", folder=folder)


def rate(case: model_file.Case) -> float:
    return analysis.analyse(case, full=False).values["k_exact"]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> float:
    folder = tmp_path_factory.mktemp("good")
    dataset().to_netcdf(folder / "good.nc")
    return rate(built(folder, "good.nc"))


# Which axis is which ------------------------------------------------------------------------------------------------


def test_axes_are_told_by_name_and_not_by_order(tmp_path: Path, known: float) -> None:
    turned = dataset().transpose("y", "x")
    turned.to_netcdf(tmp_path / "turned.nc")
    turned.rename(x="X", y="Y").to_netcdf(tmp_path / "capitals.nc")
    turned.rename(x="phi", y="psi").to_netcdf(tmp_path / "named.nc")
    marked = turned.rename(x="one", y="other")
    marked["one"].attrs["axis"], marked["other"].attrs["axis"] = "X", "Y"
    marked.to_netcdf(tmp_path / "marked.nc")
    turned.to_dataframe().reset_index()[["fes", "y", "x"]].to_csv(tmp_path / "turned.csv", index=False)
    for file, changes in (
        ("turned.nc", {}),
        ("capitals.nc", {}),
        ("named.nc", {"names": ["phi", "psi"]}),
        ("named.nc", {"surface": {"y": "psi"}}),
        ("named.nc", {"surface": {"x": "phi"}}),
        ("marked.nc", {}),
        ("turned.csv", {}),
    ):
        case = built(tmp_path, file, **changes)
        assert np.allclose(case.surface.values, U, rtol=1e-12), file
        assert not any("order" in note for note in case.notes)
    assert rate(built(tmp_path, "turned.nc")) == pytest.approx(known, rel=1e-9)


def test_axes_by_their_order_are_said_to_be_so(tmp_path: Path) -> None:
    dataset().rename(x="phi", y="psi").to_netcdf(tmp_path / "u.nc")
    case = built(tmp_path, "u.nc")
    assert np.array_equal(case.surface.values, U)
    (note,) = case.notes
    assert note == "u.nc: x is phi, y is psi, by their order in the file; surface.x and .y name them"


def test_diffusion_from_a_file_is_told_by_name_too(tmp_path: Path) -> None:
    dataset().to_netcdf(tmp_path / "u.nc")
    d = xr.Dataset({f"D_{k}": (("y", "x"), 1.0 + 0.0 * U + 0.2 * X) for k in ("xx", "yy")}, {"x": X, "y": X})
    d.to_netcdf(tmp_path / "d.nc")
    case = built(tmp_path, "u.nc", D={"file": "d.nc"})
    assert case.diffusion.at(np.array([1.0, -1.0])) == pytest.approx(np.diag([1.2, 1.2]))


# Numbers in place of no data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("filled", [-1.0, 0.0, 9999.0, 1e30, np.nan])
def test_diffusion_without_data_is_refused_too(tmp_path: Path, filled: float) -> None:
    dataset().to_netcdf(tmp_path / "u.nc")
    d = np.where(U > 12.0, filled, 1.0 + 0.2 * X)
    xr.Dataset({f"D_{k}": (("x", "y"), d) for k in ("xx", "yy")}, {"x": X, "y": X}).to_netcdf(tmp_path / "d.nc")
    said = "nodes without data must be NaN" if filled > 1.0 else "not positive definite everywhere"
    with pytest.raises((ConfigError, TheoryError), match=said) as error:
        rate(built(tmp_path, "u.nc", D={"file": "d.nc"}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("filled", [-1.0, 0.0, 30.0, 99.0, 100.0, 999.0, 1e4, 99999.0, 1e30, -9999.0])
@pytest.mark.parametrize("where", ["beyond 12 kT", "a block", "here and there"])
def test_numbers_for_no_data_are_refused(tmp_path: Path, known: float, filled: float, where: str) -> None:
    rng = np.random.default_rng(8)
    empty = U > 12.0
    if where == "a block":
        empty = (X[:, None] < -0.8) & (X[None, :] > 0.6)
    elif where == "here and there":
        empty = (U > 10.0) & (rng.random(U.shape) < 0.1)
    dataset(np.where(empty, filled, U)).to_netcdf(tmp_path / "u.nc")
    with pytest.raises(ConfigError) as error:
        built(tmp_path, "u.nc")
    said = str(error.value)
    assert said.startswith(str(tmp_path / "u.nc")) and "nodes without data must be NaN" in said and "\n" not in said
    dataset(np.where(empty, np.nan, U)).to_netcdf(tmp_path / "u.nc")
    assert rate(built(tmp_path, "u.nc")) == pytest.approx(known, rel=0.05)


def test_one_node_without_data_is_found() -> None:
    for value in (9999.0, 60.0, -30.0):
        values = U.copy()
        values[8, 24] = value
        assert "(-0.8, 0.8)" in (no_data.complaint(X, X, values) or "")
    assert no_data.complaint(X, X, np.full_like(U, np.nan)) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.5]), st.sampled_from([1.0, 0.3, 3.0]))
def test_surfaces_with_noise_walls_and_holes_are_taken(seed: int, noise: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values = scale * U + noise * rng.standard_normal(U.shape)
    values[values > rng.uniform(8.0, 40.0)] = np.inf
    assert no_data.complaint(X, X, values) is None
    # Rounded, cut off at a height, with a flat bottom: numbers that nodes share, and no cliff beside them.
    for smooth in (np.round(scale * U, 1), np.minimum(scale * U, 25.0), np.maximum(scale * U, 2.0)):
        assert no_data.complaint(X, X, smooth) is None


def test_a_cliff_of_many_numbers_is_found() -> None:
    """Nodes at the border, and numbers that are none of a surface and all different."""
    values = U.copy()
    values[0, 5] = 200.0
    assert "a step of 1" in (no_data.complaint(X, X, values) or "") and "(-1.6, -1.1)" in no_data.complaint(
        X, X, values
    )
    values = np.where(U > 10.0, 500.0 + 3.0 * U, U)
    for turned in (values, values.T):
        assert "beside which it is flat: nodes without data must be NaN" in (no_data.complaint(X, X, turned) or "")


def test_steep_walls_are_no_cliffs() -> None:
    r = np.linspace(0.7, 3.0, 31)
    pair = 60.0 * (r**-12 - r**-6)
    inside = (np.minimum(pair[1:], pair[:-1]) < 45.0) & (np.abs(np.diff(pair)) > 50.0)
    assert inside.any()
    assert no_data.complaint(r, r, pair[:, None] + pair[None, :]) is None
    morse = 150.0 * (1.0 - np.exp(-2.0 * (np.linspace(0.3, 3.0, 81) - 1.0))) ** 2
    assert no_data.complaint(r, r, np.minimum(morse[:, None], morse[None, :])) is None


# Tables -------------------------------------------------------------------------------------------------------------


def table(values: np.ndarray = U) -> pd.DataFrame:
    return dataset(values).to_dataframe().reset_index()


@pytest.mark.parametrize("size", [1e-15, 1e-9, 1e-4])
def test_coordinates_that_differ_in_their_last_digits_are_one_node(tmp_path: Path, known: float, size: float) -> None:
    rng = np.random.default_rng(3)
    lines = table()
    for axis in "xy":
        lines[axis] += size * rng.choice([-1.0, 0.0, 1.0], len(lines))
    lines.to_csv(tmp_path / "u.csv", index=False, float_format="%.17g")
    case = built(tmp_path, "u.csv")
    assert case.surface.values.shape == U.shape and case.surface.known.all()
    assert rate(case) == pytest.approx(known, rel=1e-3)


def test_lines_that_are_left_out_do_not_make_nodes_one(tmp_path: Path) -> None:
    """A gap of forty steps between two parts of a grid; and nodes that lie closer on one side."""
    lines = table()
    lines = lines[(lines.x < -0.5) | (lines.x > 1.0)]
    lines.loc[lines.x > 0, "x"] += 4.0
    lines.to_csv(tmp_path / "u.csv", index=False)
    found = grid_file.read_grid(tmp_path / "u.csv")
    assert np.allclose(np.unique(lines.x), found.x)
    uneven = table()
    uneven["x"] = np.exp(3.0 * uneven["x"])
    uneven.to_csv(tmp_path / "u.csv", index=False)
    assert len(grid_file.read_grid(tmp_path / "u.csv").x) == len(X)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,0,1\n0,1,2\n1,0,3\n1,1,4\n", "the first line holds numbers; give a header such as x,y,U"),
        ("x,y,U\n0,0,1\n0,inf,2\n", "columns x and y hold something that is no number"),
        ("x,U\n0,1\n", "three columns are needed"),
    ],
)
def test_tables_that_are_none_are_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "u.csv").write_text(text)
    with pytest.raises(ConfigError) as error:
        grid_file.read_grid(tmp_path / "u.csv")
    assert words in str(error.value) and "\n" not in str(error.value)


# Answers that are none ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filled", [-1.0, 100.0, 9999.0, 1e30])
def test_what_gets_past_the_file_ends_in_one_line(tmp_path: Path, known: float, filled: float) -> None:
    """The same cliffs given as a surface in memory: refused as well, or an answer that is right."""
    dataset().to_netcdf(tmp_path / "u.nc")
    case = built(tmp_path, "u.nc")
    broken = dataclasses.replace(case, surface=surfaces.GridSurface(X, X, np.where(U > 12.0, filled, U)))
    try:
        found = rate(broken)
    except TheoryError as error:
        assert "\n" not in str(error)
    else:
        assert found == pytest.approx(known, rel=0.1)


@pytest.mark.parametrize("value", [0.0, -1e-3, np.nan, np.inf])
def test_a_rate_that_is_none_is_refused(value: float) -> None:
    good = {"k_exact": 0.1, "k_BA_exact": 0.2, "spectral_gap": 0.3}
    analysis._believable(good, 0.01)
    for name in good:
        with pytest.raises(TheoryError, match=f"{name} comes out as .* which is no rate; refine grid_h"):
            analysis._believable(good | {name: value}, 0.01)
    for error in (0.6, 5.0, np.nan):
        with pytest.raises(TheoryError, match="the grid's error of k_exact"):
            analysis._believable(good, error)


@pytest.mark.slow  # loading pymbar takes seconds
def test_windows_that_do_not_overlap_have_no_weights() -> None:
    rng = np.random.default_rng(4)

    def drawn(centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = [np.stack([c + rng.standard_normal(500) / 10.0, rng.standard_normal(500)], axis=1) for c in centres]
        points = np.concatenate(points)
        return points, np.stack([50.0 * (points[:, 0] - c) ** 2 for c in centres])

    points, biases = drawn(np.array([0.0, 0.2, 0.4, 0.6]))
    assert surfaces.umbrella_weights(points, [500] * 4, biases).sum() == pytest.approx(1.0)
    points, biases = drawn(np.array([0.0, 0.2, 1.6, 1.8]))
    with pytest.raises(ValueError, match=r"windows 3, 4 of 4 do not overlap the others; give more windows"):
        surfaces.umbrella_weights(points, [500] * 4, biases)
    with pytest.raises(ValueError, match="every window needs a sample"):
        surfaces.umbrella_weights(points, [500, 500, 1000, 0], biases)
