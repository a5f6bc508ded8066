"""MODEL.yaml, surfaces from files and samples, the command and the rule: what is accepted, and what one line says."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from conftest import ROOT, snakemake
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.core.errors import ConfigError, SeparatrixError
from separatrix.core.yaml_file import read_yaml
from separatrix.potentials.engines import model
from separatrix.report.inputs import load_with_files
from separatrix.theory import analysis, expressions, langer, measured_committors, model_file, surfaces
from separatrix.theory import theory_files as files
from separatrix.theory.surfaces import MODELS, GridSurface

GOOD: dict[str, Any] = {
    "params": {"model": "LinearCoupled", "Delta": 8, "kappa": 12, "c": 1.0, "a": -2.0, "b": 0.1},
    "beta": 1.0,
    "D": [[1.0, 0.0], [0.0, 0.1]],
    "state_A": "x<=-0.8 and y<=-0.8",
    "state_B": "x>=0.8 and y>=0.8",
    "domain": [-1.7, 1.7, -2.4, 2.4],
    "grid_h": [0.1, 0.05],
}
EXAMPLE = ROOT / "config/examples/theory_solute_solvent.yaml"


def write(path: Path, data: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(data))
    return path


def build(**changes: Any) -> model_file.Case:
    data = {**GOOD, **changes}
    return model_file.build({k: v for k, v in data.items() if v is not None}, "here.yaml")


# Formulas -------------------------------------------------------------------------------------------------------


def test_formulas_mean_what_they_say() -> None:
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 2, 5)
    read = expressions.read
    assert np.allclose(read("2*x^2 - exp(-y)/3", "w", ("x", "y"))(x=x, y=y), 2 * x**2 - np.exp(-y) / 3)
    assert np.allclose(read("-x**2 + u; u = k*v; v = y/2", "w", ("x", "y", "k"))(x=x, y=y, k=3), -(x**2) + 1.5 * y)
    state = read("-0.5 <= x < 0.5 and not (y > 1 or abs(x) > 0.4)", "w", ("x", "y"), condition=True)
    assert (state(x=x, y=y) == ((x >= -0.5) & (x < 0.5) & ~((y > 1) | (np.abs(x) > 0.4)))).all()
    assert read("x <= -0.8 and 0.3 >= y", "w", ("x", "y"), condition=True).edges("y") == [0.3]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("|y|", lambda x, y: abs(y)),
        ("x*|y| - 2", lambda x, y: x * abs(y) - 2),
        ("| |x| - |y| |", lambda x, y: abs(abs(x) - abs(y))),
        ("||x|-1|", lambda x, y: abs(abs(x) - 1)),
        ("|x - |y||", lambda x, y: abs(x - abs(y))),
        ("exp(-|x - 1|)**|y|", lambda x, y: np.exp(-abs(x - 1)) ** abs(y)),
        ("(|x|)*|(y + |x|)/2|", lambda x, y: abs(x) * abs((y + abs(x)) / 2)),
        ("a*|x|; a = |y - x|", lambda x, y: abs(y - x) * abs(x)),
        ("x^2 +\n  |y|\n", lambda x, y: x**2 + abs(y)),
    ],
)
def test_bars_are_absolute_values(text: str, value: Any) -> None:
    x, y = np.linspace(-2, 2, 9)[:, None], np.linspace(-1.5, 1.7, 7)
    found = expressions.read(text, "w", ("x", "y"))(x=x, y=y)
    np.testing.assert_allclose(np.broadcast_to(found, (9, 7)), np.broadcast_to(value(x, y), (9, 7)))
    both = expressions.read("|x| < 1 and |y|>0.5 or not |x - y| < 2", "w", ("x", "y"), condition=True)
    want = ((abs(x) < 1) & (abs(y) > 0.5)) | ~(abs(x - y) < 2)
    assert (both(x=x, y=y) == want).all()


@pytest.mark.parametrize("names", [("x", "y", "pi"), ("x", "y", "exp"), ("x", "y", "x")])
def test_a_parameter_cannot_take_the_place_of_what_has_a_meaning(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="has a meaning already"):
        expressions.read("x", "w", names)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "not valid JSON"),
        ('{"a":' + "[" * 500 + "]" * 500 + "}", "more than 40 deep"),
        ('{"beta": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"beta": NaN}', "beta: nan is not a number"),
        ('{"beta": 1, "beta": 2}', "key 'beta' is given a second time"),
        ('{"title": "\\u202e"}', "cannot be seen"),
    ],
)
def test_json_is_held_to_the_rules_of_yaml(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(ConfigError) as error:
        model_file.plain(tmp_path / "m.json")
    assert words in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 400


@given(st.text("xy1.9+-*/^|()<>=;,% \n~[]{}'\"andornotexp", max_size=60))
@example("1%" + "-" * 1900 + "1")
def test_any_text_is_a_formula_or_one_line(text: str) -> None:
    for condition in (False, True):
        try:
            found = expressions.read(text, "w", ("x", "y"), condition=condition)
        except ConfigError as error:
            assert "\n" not in str(error) and len(str(error)) < 400
        else:
            found(x=np.array([0.3, -0.2]), y=np.array(0.1))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "x.__class__", "(lambda: 1)()", "[1, 2]", "x if x > 0 else y", "open('f')",
        "x[0]", "f'{x}'", "z + 1", "x +", "exp(x, y)", "x < 1", "True", "'x'", "1; 2", "u; u = v; v = u",
        "(" * 300 + "x" + ")" * 300, "-" * 1000 + "x", "x" * 3000, "{1: 2}", "x := 3", "1j", None, ["x"],
        # What cannot even be written again for the message, and numbers of hundreds of digits.
        "1%" + "-" * 1900 + "1", "~" + "-" * 1900 + "1", "x[" + "-" * 1900 + "1]", "9" * 400, "9" * 1900, 10**400,
        # Names that have a meaning.
        "x; x = 3", "pi; pi = 3", "exp(x); exp = 3", "a; a = 1; a = 2", "x) + (y", "", "()", "(x, y)", "(yield)",
        # Bars that do not pair.
        "|x", "x|", "x|y", "2|y|", "x || y", "|x || y|", "(|x)|", "|(x|)", "|", "||", "| |", "|x; u = 1|",
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused(text: Any) -> None:
    with pytest.raises(ConfigError) as error:
        expressions.read(text, "here.yaml: D.xx", ("x", "y"))
    assert str(error.value).startswith("here.yaml: D.xx: ") and "\n" not in str(error.value)


# MODEL.yaml -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"beta": None}, "beta: give either beta"),
        ({"beta": -1.0}, "beta"),
        ({"beta": "hot"}, "beta: 'hot' is not a number"),
        ({"betta": 1.0}, "unknown key 'betta'"),
        ({"D": [[1, 0.2], [0.1, 1]]}, "D: [[1, 0.2], [0.1, 1]] is not symmetric"),
        ({"D": [[1, 2], [2, 1]]}, "not positive definite"),
        ({"D": [1, 2, 3]}, "is not a 2 x 2 tensor"),
        ({"D": "fast"}, "D: 'fast' is not a number"),
        ({"D": {"xx": "1 + q", "yy": 1}}, "'q' is not known here"),
        ({"D": {"xx": 1}}, "key 'yy' is missing"),
        ({"D": {"masses_Da": [1, 2]}}, "friction_per_ps"),
        ({"params": {"model": "Linear"}}, "'Linear' is not a model (known: LinearCoupled, Mirror"),
        ({"params": {**GOOD["params"], "kapa": 3}}, "unknown key 'kapa'"),
        ({"params": {"model": "Mirror", "Delta": 8, "kappa": 12}}, "key 'q' is missing"),
        ({"params": {**GOOD["params"], "Delta": -8}}, "must be more than 0"),
        ({"params": {**GOOD["params"], "a": float("nan")}}, "is not a number"),
        ({"model": "Mirror"}, "give it once"),
        ({"params": None}, "give one of model, formula and surface"),
        ({"state_A": None}, "key 'state_A' is missing"),
        ({"state_A": "x = -0.8"}, "is not a formula"),
        ({"state_A": "x + y"}, "must give true or false"),
        ({"domain": None}, "key 'domain' is missing"),
        ({"domain": [1, -1, 0, 1]}, "with x0 < x1"),
        ({"domain": [0, 1]}, "needs at least 4 entries"),
        ({"grid_h": 0}, "must be more than 0"),
        ({"grid_h": [0.1, 0.07]}, "the fine spacing must be the coarse one over 2"),
        ({"grid_h": 1e-4}, "use a coarser grid"),
        ({"surface": {"file": "nowhere.nc"}, "params": None}, "nowhere.nc does not exist"),
        ({"measured": "nowhere.csv"}, "nowhere.csv does not exist"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        build(**changes)
    assert words in str(error.value) and str(error.value).startswith("here.yaml") and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state_A": "x <= -3"}, "state_A: holds no node"),
        ({"state_A": "x <= 0.9"}, "overlaps state_B"),
        ({"D": {"xx": "x", "yy": 1}}, "D: is not positive definite everywhere"),
        ({"params": None, "formula": "x + y"}, "no saddle was found"),
        ({"params": None, "formula": "log(x)"}, "state_A"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_one_line_of_the_command(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    data = {k: v for k, v in {**GOOD, **changes}.items() if v is not None}
    done = CliRunner().invoke(cli.app, ["theory", str(write(tmp_path / "m.yaml", data))])
    assert isinstance(done.exception, SeparatrixError)
    assert words in str(done.exception) and str(done.exception).startswith(str(tmp_path / "m.yaml"))
    assert "\n" not in str(done.exception)


def test_command_ends_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("D: !!python/object/apply:os.system ['true']\n")
    done = subprocess.run(
        [sys.executable, "-m", "separatrix.cli", "theory", str(path), "--json"], capture_output=True, text=True
    )
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("separatrix: ") and done.stderr.count("\n") == 1


def test_command_prints_the_names_of_the_reference_cases(tmp_path: Path) -> None:
    """YAML with 1e-1, the same as JSON, and one case of several: one answer."""
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(GOOD).replace("0.1\n", "1e-1\n"))
    assert "1e-1" in (tmp_path / "m.yaml").read_text()
    (tmp_path / "m.json").write_text(json.dumps(GOOD))
    (tmp_path / "many.json").write_text(json.dumps({"meta": {}, "cases": {"one": GOOD, "two": GOOD}}))
    found = []
    for arguments in (["m.yaml"], ["m.json"], ["many.json", "--case", "two"]):
        done = CliRunner().invoke(cli.app, ["theory", str(tmp_path / arguments[0]), *arguments[1:], "--json"])
        assert done.exit_code == 0, done.output
        found.append(json.loads(done.stdout))
    one = found[0]
    for other in found[1:]:
        assert other["values"] == one["values"]
    for key in (
        "k_exact", "k_BA_exact", "spectral_gap", "F_exact", "Z_A", "Z_B", "k_trial_erf", "k_trial_pmf", "k_trial_Kx",
        "k_trial_Ky", "k_trial_rd", "GZ_pmf_Ky.k", "GZ_pmf_Ky.alpha", "GZ_erf_Ky.F12", "GZ_pmf_rd.F22", "langer.k",
        "langer.beta_mu", "geometry.exact.phi_saddle",
    ):  # fmt: skip
        assert isinstance(one[key], float), key
    assert one["langer"]["k"] == one["langer.k"] and one["in_order"] and one["verdict"]
    bad = CliRunner().invoke(cli.app, ["theory", str(tmp_path / "many.json")])
    assert "choose one with --case (one, two)" in str(bad.exception)


def test_table_for_people_has_bounds_in_order_and_a_verdict(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["theory", str(write(tmp_path / "m.yaml", GOOD)), "--shoot", "20"])
    assert done.exit_code == 0, done.output
    place = [done.output.index(words) for words in ("exact (finite elements)", "GZ, all trials", "Kramers along y")]
    assert place == sorted(place)
    assert "committor at the saddle is" in done.output and "measured by shooting" in done.output


def test_surface_of_the_engine_is_the_surface_that_is_sampled() -> None:
    """`model: solute-solvent` and OpenMM's expression of it; D from masses and friction by Einstein's relation."""
    import openmm

    from separatrix.core.molecule import Molecule
    from separatrix.core.units import BOLTZMANN

    options = {"barrier_kJ_mol": 18.0, "half_distance_nm": 0.08, "tilt_kJ_mol": 2.0}
    what = build(
        params=options, model="solute-solvent", beta=None, temperature_K=300, domain=[-0.2, 0.2, -0.3, 0.3],
        grid_h=0.01, D={"masses_Da": [12, 1200], "friction_per_ps": 200}, state_A="x < -0.05", state_B="x > 0.05",
    )  # fmt: skip
    molecule = Molecule(symbols=("X", "X"), bonds=(), names={}, charge=0, multiplicity=1)
    system = model.build(molecule, {"surface": "solute-solvent", **options}).system
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    for x, y in ((0.0, 0.0), (0.05, -0.1), (-0.11, 0.2)):
        context.setPositions(np.array([[x, 0, 0], [0, y, 0]]))
        energy = context.getState(getEnergy=True).getPotentialEnergy()._value
        assert float(what.surface.energy(x, y)) == pytest.approx(energy, abs=1e-6)
    thermal = BOLTZMANN * 300
    assert np.allclose(what.diffusion.at((0, 0)), np.diag([thermal / 2400, thermal / 240000]))
    assert what.beta == pytest.approx(1 / thermal)


@pytest.mark.parametrize(
    ("name", "params", "points"),
    [
        ("LinearCoupled", {"Delta": 8, "kappa": 12, "c": 0.7, "a": -2, "b": 0.4}, [(0.3, -0.2), (-1.1, 0.5)]),
        ("Mirror", {"Delta": 8, "kappa": 12, "q": 0.7}, [(0.3, -0.2), (-1.1, 0.5)]),
        ("SzaboBerezhkovskii", {"x0": 3, "w2": 4, "Om2": 4.04}, [(0.3, -0.2), (-2.2, 1.5), (2.6, 2.0)]),
    ],
)
def test_derivatives_of_the_models(name: str, params: dict[str, float], points: list[tuple[float, float]]) -> None:
    surface = surfaces.model(name, params, "w")
    for point in points:
        assert np.allclose(surface.gradient(point), surfaces.Surface.gradient(surface, point), atol=1e-6)
        assert np.allclose(surface.hessian(point), surfaces.Surface.hessian(surface, point), atol=1e-5)
    assert set(MODELS) == {"LinearCoupled", "Mirror", "SzaboBerezhkovskii"}


# Surfaces from files and samples ---------------------------------------------------------------------------------


def grid_of(what: model_file.Case, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x0, x1, y0, y1 = what.domain
    x, y = (np.linspace(a, b, round((b - a) / spacing) + 1) for a, b in ((x0, x1), (y0, y1)))
    return x, y, what.surface.on_grid(x, y)


def test_surface_files_give_the_rates_of_the_model(tmp_path: Path) -> None:
    """A 0.1-spaced grid splined, by netCDF and by CSV in another order of dimensions and lines."""
    what = build()
    x, y, u = grid_of(what, 0.1)
    field = xr.DataArray(u.T, coords={"angle": y, "distance": x}, dims=("angle", "distance"), name="free_energy")
    field.to_netcdf(tmp_path / "u.nc")
    table = field.to_dataframe().reset_index()[["distance", "angle", "free_energy"]]
    table.sample(frac=1.0, random_state=1).to_csv(tmp_path / "u.csv", index=False)
    want = analysis.analyse(what, full=False)
    base = {k: v for k, v in GOOD.items() if k != "params"}
    for spec in (
        {"file": "u.nc", "x": "distance", "y": "angle", "patch": 0},
        {"file": "u.csv", "patch": 0},
        {"file": "u.nc", "x": "distance"},
    ):
        got = analysis.analyse(model_file.build({**base, "surface": spec}, "m", folder=tmp_path), full=False)
        assert got.values["k_exact"] == pytest.approx(want.values["k_exact"], rel=2e-3)
        assert got.points.langer.k == pytest.approx(want.points.langer.k, rel=0.01 if "patch" in spec else 0.1)
        assert np.allclose(got.points.saddle, want.points.saddle, atol=0.01)
    with pytest.raises(ConfigError, match=r"no dimension of free_energy"):
        model_file.build({**base, "surface": {"file": "u.nc", "x": "width"}}, "m", folder=tmp_path)
    with pytest.raises(ConfigError, match=r"column 'width' is not there"):
        model_file.build({**base, "surface": {"file": "u.csv", "x": "width"}}, "m", folder=tmp_path)


def test_diffusion_from_a_file_is_that_of_a_formula(tmp_path: Path) -> None:
    what = build(D={"xx": "1 + 0.3*x", "yy": 0.2, "xy": "0.05*y"})
    x, y, _ = grid_of(what, 0.1)
    parts = what.diffusion.on_grid(x, y)
    xr.Dataset(
        {f"D_{k}": (("x", "y"), p) for k, p in zip(("xx", "xy", "yy"), parts, strict=True)}, {"x": x, "y": y}
    ).to_netcdf(tmp_path / "d.nc")
    other = model_file.build({**GOOD, "D": {"file": "d.nc"}}, "m", folder=tmp_path)
    rates = []
    for case in (what, other):
        elements = analysis.prepare(case, case.grids()[0])
        rates.append(elements.functional(elements.exact()))
    assert rates[1] == pytest.approx(rates[0], rel=1e-9)


def test_damaged_surface_files_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "u.nc").write_bytes(b"no netcdf")
    (tmp_path / "u.csv").write_text("x,y,U\n1,2,3\n1,2,4\n")
    (tmp_path / "u.pkl").write_bytes(b"")
    (tmp_path / "few.csv").write_text("x,y,U\n" + "".join(f"{i},{j},1\n" for i in range(3) for j in range(3)))
    for name, words in (
        ("u.nc", "cannot be read"), ("u.csv", "is there twice"), ("u.pkl", "netCDF"), ("few.csv", "too small")
    ):  # fmt: skip
        data = {k: v for k, v in GOOD.items() if k != "params"} | {"surface": {"file": name}}
        with pytest.raises(ConfigError) as error:
            model_file.build(data, "m", folder=tmp_path)
        assert words in str(error.value) and "\n" not in str(error.value)


def test_holes_in_a_surface_are_left_out() -> None:
    what = build()
    x, y, u = grid_of(what, 0.05)
    whole = GridSurface(x, y, u)
    holed = GridSurface(x, y, np.where(u > 25.0, np.nan, u))
    assert np.isnan(holed.energy(-1.6, 2.3)) and np.isfinite(holed.energy(0.0, 0.0))
    assert np.isnan(holed.energy(5.0, 0.0))
    rates = []
    for surface in (whole, holed):
        case = dataclasses.replace(what, surface=surface)
        elements = analysis.prepare(case, case.grids()[1])
        found = elements.exact()
        rates.append(elements.functional(found) / elements.populations(found)[0])
    # What lies 10 kT and more above the pass carries little flux.
    assert rates[1] == pytest.approx(rates[0], rel=0.01) and rates[1] < rates[0]


def test_smoothing_damps_a_wave_as_a_gaussian_does_and_passes_by_holes() -> None:
    x, y = np.linspace(0, 6, 121), np.linspace(0, 4, 81)
    k, scale = 4.0, 0.2
    wave = np.cos(k * x)[:, None] * np.ones_like(y)[None, :]
    got = surfaces.smooth(x, y, wave, (scale, 0.0))
    assert np.allclose(got[30:-30], np.exp(-0.5 * (k * scale) ** 2) * wave[30:-30], atol=2e-3)
    holed = np.ones((121, 81))
    holed[40:60, 30:50] = np.nan
    assert np.allclose(surfaces.smooth(x, y, holed, (scale, scale))[np.isfinite(holed)], 1.0)
    with pytest.raises(ValueError, match="negative"):
        surfaces.smooth(x, y, wave, (-1.0, 0.0))


def test_a_fitted_patch_survives_noise_that_ruins_the_curvatures_of_a_spline() -> None:
    """Noise of 0.1 kT on every 0.1-cell (docs/theory.md, section 8)."""
    what = build()
    x, y, u = grid_of(what, 0.1)
    saddle = analysis.stationary_points(what, analysis.prepare(what, what.grids()[0])).saddle
    want = langer.klbs(what.surface.hessian(saddle), np.eye(2))[0]
    errors = {"spline": [], "patch": []}
    for seed in range(8):
        noisy = u + 0.1 * np.random.default_rng(seed).standard_normal(u.shape)
        for name, patch in (("spline", (0.0, 0.0)), ("patch", (0.35, 0.5))):
            hessian = GridSurface(x, y, noisy, patch=patch).hessian(saddle)
            errors[name].append(np.abs(np.linalg.eigvalsh(hessian)[0] + want) / want)
    assert np.mean(errors["patch"]) < 0.15
    assert np.mean(errors["spline"]) > 2 * np.mean(errors["patch"])


def test_surface_from_weighted_samples_is_the_surface_they_come_from() -> None:
    """Samples of a broad Gaussian, reweighted to the model: the histogram must give the model back."""
    what = build(params={"model": "LinearCoupled", "Delta": 2, "kappa": 4})
    rng = np.random.default_rng(2)
    spread = np.array([0.8, 1.1])
    samples = rng.standard_normal((400_000, 2)) * spread
    weights = np.exp(-what.surface.energy(*samples.T) + 0.5 * ((samples / spread) ** 2).sum(axis=1))
    weights[np.abs(samples[:, 0]) > 2] = 0.0
    edges = [np.linspace(-1.5, 1.5, 31), np.linspace(-2, 2, 41)]
    found = surfaces.from_samples(samples, 1.0, edges, weights=weights, fewest=50)
    low = np.isfinite(found.values) & (found.values < 4.0)
    difference = (found.values - what.surface.on_grid(found.x, found.y))[low]
    assert low.sum() > 300
    assert np.std(difference) < 0.15  # up to a constant, and to the noise of the bins
    with pytest.raises(ValueError, match="weights"):
        surfaces.from_samples(samples, 1.0, edges, weights=-weights)


@pytest.mark.slow  # loading pymbar takes seconds
def test_umbrella_windows_by_mbar_give_the_surface_back() -> None:
    pytest.importorskip("pymbar")
    rng = np.random.default_rng(4)
    # U = 2 x^2 + y^2 with umbrellas 4 (x - c)^2: each window is a Gaussian that can be drawn exactly.
    centres, n = np.linspace(-1, 1, 5), 4000
    samples, biases = [], []
    for c in centres:
        x = 2 * 4 * c / (2 * (2 + 4)) + rng.standard_normal(n) / np.sqrt(2 * (2 + 4))
        samples.append(np.stack([x, rng.standard_normal(n) / np.sqrt(2)], axis=1))
    points = np.concatenate(samples)
    biases = np.stack([4 * (points[:, 0] - c) ** 2 for c in centres])
    weights = surfaces.umbrella_weights(points, [n] * 5, biases)
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ points[:, 0] ** 2 == pytest.approx(0.25, rel=0.05)
    assert weights @ points[:, 0] == pytest.approx(0.0, abs=0.03)
    edges = [np.linspace(-1.2, 1.2, 13), np.linspace(-1.2, 1.2, 13)]
    found = surfaces.from_samples(points, 1.0, edges, weights=weights, fewest=100)
    want = 2 * found.x[:, None] ** 2 + found.y[None, :] ** 2
    difference = (found.values - want)[np.isfinite(found.values)]
    assert np.std(difference) < 0.15
    with pytest.raises(ValueError, match="windows"):
        surfaces.umbrella_weights(points, [n] * 4, biases)


# The workflow ---------------------------------------------------------------------------------------------------


def test_config_checks_the_files_it_names(tmp_path: Path) -> None:
    whole = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    bad = write(tmp_path / "bad.yaml", {**GOOD, "betta": 1})
    for theory, words in (
        (["nowhere.yaml"], "nowhere.yaml does not exist"),
        ([str(bad)], "unknown key 'betta'"),
        ([str(EXAMPLE), str(write(tmp_path / EXAMPLE.name, GOOD))], "have one name"),
        ([str(write(tmp_path / "a b.yaml", GOOD))], "letters, digits"),
        ("one.yaml", "is not a list"),
    ):
        with pytest.raises(ConfigError) as error:
            load_with_files({**whole, "theory": theory})
        assert words in str(error.value) and "\n" not in str(error.value)
    assert load_with_files(whole).data["theory"] == []
    assert load_with_files({**whole, "theory": [str(EXAMPLE)]}).data["theory"] == [str(EXAMPLE)]


def test_rule_waits_for_the_files_that_a_model_names(tmp_path: Path) -> None:
    data = {k: v for k, v in GOOD.items() if k != "params"} | {"surface": {"file": "results/yet/to/come.nc"}}
    data |= {"D": {"file": "d.nc"}, "measured": "shots.csv"}
    (tmp_path / "d.nc").write_bytes(b"")
    path = write(tmp_path / "m.yaml", data)
    assert files.inputs(str(path)) == ["results/yet/to/come.nc", "shots.csv", str(tmp_path / "d.nc")]
    assert files.inputs(str(EXAMPLE)) == []


@pytest.mark.slow
def test_rule_makes_page_figures_and_numbers(tmp_path: Path) -> None:
    settings = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    settings |= {"results_directory": str(tmp_path / "results"), "theory": [str(EXAMPLE)]}
    path = write(tmp_path / "config.yaml", settings)
    folder = tmp_path / "results/comparison/theory/theory_solute_solvent"
    done = snakemake(str(folder / "theory.json"), "--configfile", str(path))
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "theory.json").read_text())
    assert found["in_order"] and len(found["scan"]) == 5
    over = [row["langer"] / row["k_exact"] for row in found["scan"]]
    assert over == sorted(over) and over[-1] > 20
    for name in ("surface", "anisotropy"):
        text = (folder / f"{name}.svg").read_text()
        assert text.startswith("<svg") and "<script" not in text
    page = (folder / "theory.html").read_text()
    assert "tilted solute-solvent surface" in page and "<script" not in page and "http" not in page
    assert page.count("<table>") == 3


def test_committors_of_a_run_and_of_a_table_are_read(tmp_path: Path) -> None:
    run = {"draws": {"map": {"configurations": [
        {"at": [1.0, -2.0], "to_product": 3, "to_reactant": 5, "failed": 1},
        {"at": [0.5, 1.0], "to_product": 0, "to_reactant": 0, "failed": 2},
        {"at": [0.0, 4.0], "to_product": 2, "to_reactant": 0, "failed": 0},
    ]}}}  # fmt: skip
    (tmp_path / "committor.json").write_text(json.dumps(run))
    (tmp_path / "shots.csv").write_text("x,y,k,n\n0.1,-0.2,3,8\n0.0,0.4,2,2\n")
    one = measured_committors.read_measured(tmp_path / "committor.json", (0.1, 0.1))
    other = measured_committors.read_measured(tmp_path / "shots.csv")
    for found in (one, other):
        assert np.allclose(found.points, [[0.1, -0.2], [0.0, 0.4]])
        assert found.k.tolist() == [3, 2] and found.n.tolist() == [8, 2]
    for name, text, words in (
        ("a.csv", "x,y,k\n1,2,3\n", "column 'n' is not there"),
        ("b.csv", "x,y,k,n\n1,2,3,2\n", "0 <= k <= n"),
        ("c.csv", "x,y,k,n\n1,2,a,2\n", "must hold numbers"),
        ("d.json", '{"draws": {"map": {"configurations": [{"to_product": 1, "to_reactant": 1}]}}}', "name them"),
        ("e.json", '{"draws": 3}', "is no committor.json"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(ConfigError, match=words):
            measured_committors.read_measured(tmp_path / name)


def test_example_of_both_halves_has_one_surface_in_sampling_and_theory() -> None:
    whole = load(read_yaml(ROOT / "config/examples/solute_solvent.yaml"))
    for name, path in zip(whole.methods, whole.data["theory"], strict=True):
        data = read_yaml(path)
        options = dict(whole.methods[name].options)
        assert data["params"] == {k: v for k, v in options.items() if k != "surface" and not k.startswith("mass")}
        assert data["D"]["masses_Da"] == [options["mass_x_Da"], options["mass_y_Da"]]
        assert data["D"]["friction_per_ps"] == whole.data["methods"][name]["dynamics"]["friction_per_ps"]
        assert data["temperature_K"] == whole.data["temperature_K"]
        assert name in data["measured"]
        case = model_file.build({k: v for k, v in data.items() if k != "measured"}, path)
        for basin, state in zip(whole.system.basins, (case.state_a, case.state_b), strict=True):
            edge = 0.09 if basin.name == "B" else -0.09
            for x, y in ((edge * 1.01, edge), (edge * 0.99, edge), (edge * 1.01, edge * 0.5)):
                inside = basin.contains(np.array([[x, 0, 0], [0, y, 0]]))
                assert bool(state(x=x, y=y)) == inside
