"""Systems in an external field from YAML alone: pulls, mechanisms, variables and figures of x, y and z."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from conftest import ROOT
from models import numerical_gradient
from toy_method import method as toy_method
from toy_method import system as toy_system
from toy_method import words

from separatrix import potentials
from separatrix.config.load import load
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.stage_settings import StageSettings
from separatrix.config.system import System, build_system
from separatrix.core.errors import ConfigError
from separatrix.core.molecule import read_geometry
from separatrix.core.section import check
from separatrix.core.units import BOLTZMANN, KCAL, wavenumber
from separatrix.core.yaml_file import read_yaml
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.kinds import KINDS
from separatrix.cvs.specification import from_spec
from separatrix.cvs.states import Basin, Interval, MechanismClass, MechanismRule
from separatrix.cvs.variable import Variable
from separatrix.dynamics.pulls import CosinePull, HarmonicPull
from separatrix.dynamics.stationary import find_minimum, find_saddle
from separatrix.report import charts, figure_data, table_cells
from separatrix.report.figure_registry import Compared
from separatrix.report.figures import shooting_points
from separatrix.report.quantities import stationary_quantities, summary
from separatrix.report.table_content import text_cell
from separatrix.report.tables import stationary_points
from separatrix.workflow.engine_check import check_method

EXAMPLE = ROOT / "config/examples/double_well.yaml"
SYSTEM = yaml.safe_load((ROOT / "config/systems/double_well.yaml").read_text())
DNAB = yaml.safe_load((ROOT / "config/systems/dnab.yaml").read_text())

MASS = 12.0  # dalton, of both coordinates of the example
X, Y, Z = (Variable(kind, kind, (atom,)) for kind, atom in (("x", 0), ("y", 1), ("z", 1)))
APART = Variable("apart", "distance", (0, 1))

Change = Callable[[dict[str, Any]], Any]


def build(data: dict[str, Any]) -> System:
    return build_system(check(data, SystemSection, "here.yaml"), "here.yaml")


def at(x: float, y: float, z: float = 0.0) -> np.ndarray:
    """Positions in nm from angstrom: x of atom 0, y and z of atom 1."""
    return np.array([[x, 0.0, 0.0], [0.0, y, z]]) / 10.0


# Config -----------------------------------------------------------------------------------------------------


def test_shipped_example_loads_and_can_be_used() -> None:
    loaded = load(read_yaml(EXAMPLE), [EXAMPLE])
    system = loaded.system
    assert [c.kind for c in system.coordinates] == ["x", "y"]
    assert [v.kind for v in system.variables] == ["x", "y", "distance"]
    assert system.mechanism == MechanismRule() and system.mechanism.names == ("direct",)
    assert system.saddle_guesses[0].biases == (HarmonicPull(X, 0.0, 100.0 * KCAL),)
    health = check_method(system, loaded.methods["coupled"], steps=200)
    assert health.usable and health.calls_per_step == 1.0


def test_molecules_are_read_as_before() -> None:
    system = build(DNAB)
    turn, theta9, theta10 = system.coordinates
    assert list(stationary_quantities.named_coordinates(system)) == ["CNNC", "theta9", "theta10"]
    assert system.saddle_guesses[0].biases == (CosinePull(theta10, 180.0, 150.0 * KCAL),)
    classes = (MechanismClass("inversion at N9", theta9, 150.0), MechanismClass("inversion at N10", theta10, 150.0))
    assert system.mechanism == MechanismRule(turn, 90.0, classes, "rotation")


def test_mechanism_of_a_coordinate_along_an_axis() -> None:
    rule = {
        "crossing": {"coordinate": "x", "at_A": 0.1},
        "classes": [{"name": "high", "coordinate": "y", "above_A": 0.5}],
        "otherwise": "low",
    }
    found = build({**SYSTEM, "mechanism": rule}).mechanism
    assert found == MechanismRule(X, 0.1, (MechanismClass("high", Y, 0.5),), "low")


def test_a_stage_without_variables_has_a_system_all_the_same() -> None:
    loaded = load(read_yaml(EXAMPLE))
    settings = loaded.settings("minimum", "coupled")
    assert "variables" not in settings["system"]
    assert replace(StageSettings("sample", settings).system, variables=loaded.system.variables) == loaded.system


PULL = ("saddle_guesses", 0, "pull", 0)
CROSSING = {"crossing": {"coordinate": "x", "at_A": 0.0}, "classes": [], "otherwise": "over"}


def put(*path: Any) -> Change:
    *where, key, value = path

    def change(data: dict[str, Any]) -> None:
        for step in where:
            data = data[step]
        data[key] = value

    return change


def mechanism(**changes: Any) -> Change:
    return put("mechanism", {**CROSSING, **changes})


#: a change to the example, then words that the message must hold: the key, and the remedy
MISTAKES: list[tuple[str, Change, list[str]]] = [
    ("target in degrees", put(*PULL, {"coordinate": "x", "target_deg": 0, "strength_kcal_mol_A2": 1}),
     ["saddle_guesses.0.pull.0", "x is measured in angstrom", "target as target_A, not as target_deg"]),
    ("both targets", put(*PULL, "target_deg", 0), ["saddle_guesses.0.pull.0", "target_A, not as target_deg"]),
    ("no target", put(*PULL, {"coordinate": "x", "strength_kcal_mol_A2": 1}), ["pull.0", "its target as target_A"]),
    ("strength of an angle", put(*PULL, {"coordinate": "x", "target_A": 0, "strength_kcal_mol": 1}),
     ["saddle_guesses.0.pull.0", "strength as strength_kcal_mol_A2, not as strength_kcal_mol"]),
    ("push", put(*PULL, "strength_kcal_mol_A2", -1), ["pull.0.strength_kcal_mol_A2", "more than 0"]),
    ("pull on nothing", put(*PULL, "coordinate", "w"), ["pull.0.coordinate", "'w'", "known: x, y"]),
    ("crossing in degrees", mechanism(crossing={"coordinate": "x", "at_deg": 90}),
     ["mechanism.crossing", "value at the crossing as at_A, not as at_deg"]),
    ("crossing without a value", mechanism(crossing={"coordinate": "x"}), ["mechanism.crossing", "as at_A"]),
    ("crossing off the way", mechanism(crossing={"coordinate": "x", "at_A": 5}),
     ["mechanism.crossing", "lie on the same side of 5 in x", "between them"]),
    ("crossing of nothing", mechanism(crossing={"coordinate": "w", "at_A": 0}), ["crossing.coordinate", "'w'"]),
    ("class in degrees", mechanism(classes=[{"name": "up", "coordinate": "y", "above_deg": 1}]),
     ["mechanism.classes.0", "bound as above_A"]),
    ("class of nothing", mechanism(classes=[{"name": "up", "coordinate": "w", "above_A": 1}]),
     ["mechanism.classes.0.coordinate", "'w'"]),
    ("class with a taken name", mechanism(classes=[{"name": "over", "coordinate": "y", "above_A": 1}]),
     ["mechanism", "two mechanisms are called 'over'"]),
    ("no candidates", put("variables", {}), ["variables", "no candidate", "extra"]),
    ("no bonds around", put("variables", {"around": ["X"]}), ["variables", "no candidate", "extra"]),
    ("no variables", lambda data: data.pop("variables"), ["'variables' is missing"]),
    ("two atoms for one", put("variables", "extra", 0, "atoms", ["X", "Y"]), ["extra.0", "'x' takes 1 atoms"]),
    ("unknown axis", put("variables", "extra", 0, "kind", "xx"), ["variables.extra.0", "did you mean 'x'"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_one_clear_line(change: Change, says: list[str]) -> None:
    data = copy.deepcopy(SYSTEM)
    change(data)
    with pytest.raises(ConfigError) as caught:
        build(data)
    message = str(caught.value)
    assert message.startswith("here.yaml: ") and "\n" not in message
    for part in says:
        assert part in message, message


# Pulls and stationary points --------------------------------------------------------------------------------


@pytest.mark.parametrize("coordinate", [X, Y, Z, APART], ids=lambda c: c.name)
def test_gradient_and_unit_of_a_spring(coordinate: Variable) -> None:
    rng = np.random.default_rng(1)
    spring = HarmonicPull(coordinate, 0.7, 30.0)
    for _ in range(5):
        x = rng.normal(0.0, 0.1, (3, 3))
        energy, gradient = spring(x)
        numerical = numerical_gradient(lambda y: spring(y)[0], x)
        np.testing.assert_allclose(gradient, numerical, rtol=1e-7, atol=1e-7)
        # kJ/mol from angstrom.
        assert energy == pytest.approx(15.0 * (coordinate.value(x) - 0.7) ** 2)
        assert not gradient[2].any()
    assert np.isfinite(HarmonicPull(APART, 1.0, 30.0)(np.zeros((2, 3)))[1]).all()


def test_saddle_of_the_example_from_its_pull() -> None:
    """Energies and wavenumbers against the expressions of the surface: b = 20, a = 0.1 nm, k = 5000, c = 1, 12 Da."""
    loaded = load(read_yaml(EXAMPLE))
    system, method = loaded.system, loaded.methods["coupled"]
    potential = potentials.build("model", system.molecule, method.options)
    points = {}
    for basin in system.basins:
        _, start = read_geometry(system.geometries[basin.name])
        points[basin.name] = find_minimum(system.molecule, potential, start, basin, system.basins, fmax=0.05)
    saddle = find_saddle(
        system.molecule,
        potential,
        points["A"].positions,
        system.saddle_guesses[0].biases,
        system.basins,
        name="guess",
        fmax=0.05,
    )
    assert set(saddle.joins) == {"A", "B"}
    np.testing.assert_allclose(saddle.positions, 0.0, atol=1e-5)
    assert saddle.energy - points["A"].energy == pytest.approx(20.0, abs=1e-4)
    np.testing.assert_allclose(saddle.wavenumbers, [wavenumber(v) for v in saddle_modes()[0]], rtol=1e-3)
    assert system.mechanism.at(saddle.positions) == "direct"


def saddle_modes() -> tuple[np.ndarray, np.ndarray]:
    """Squared frequencies (1/ps^2) of the example's saddle, the lowest first, and its unstable mode in x and y."""
    barrier, a, k, c = 20.0, 0.1, 5000.0, 1.0
    values, vectors = np.linalg.eigh(np.array([[-4.0 * barrier / a**2 + k * c**2, -k * c], [-k * c, k]]) / MASS)
    return values, vectors[:, 0] * np.sign(vectors[0, 0])


# Mechanisms -------------------------------------------------------------------------------------------------

PATH = np.array([at(x, y) for x, y in ((-1.0, 0.9), (-0.4, 0.9), (0.2, 0.9), (-0.3, 0.2), (0.4, 0.6), (1.0, 0.0))])


def test_crossing_of_a_coordinate_along_an_axis() -> None:
    rule = MechanismRule(X, 0.0, (MechanismClass("high", Y, 0.5), MechanismClass("far", APART, 9.0)), "low")
    assert rule.side(at(-0.1, 0.0)) > 0 > rule.side(at(0.1, 0.0))
    # The last crossing counts, and the frames on either side of it are read together.
    assert rule.classify(PATH) == ("high", 3)
    assert rule.classify(PATH[::-1]) == ("high", 3)
    assert rule.classify(PATH * 0.5) == ("low", 3)
    assert rule.classify(PATH[:2]) == ("none", -1)
    assert replace(rule, boundary=0.3).classify(PATH[:3]) == ("none", -1)
    assert replace(rule, boundary=-0.5).classify(PATH) == ("high", 0)
    assert rule.at(at(0.0, 0.0)) == "low"


def test_crossing_of_a_distance_has_its_sign() -> None:
    rule = MechanismRule(APART, 1.0, (), "over")
    assert rule.classify(np.array([at(0.5, 0.0), at(0.9, 0.0), at(1.2, 0.0)])) == ("over", 1)


def test_without_a_rule_every_path_is_direct() -> None:
    rule = MechanismRule()
    assert rule.classify(PATH) == rule.classify(PATH[:1]) == ("direct", -1)
    assert rule.at(PATH[0]) == "direct"


def test_a_class_sees_no_sign_of_a_dihedral() -> None:
    turn = Variable("turn", "dihedral", (0, 1, 2, 3))
    chain = np.array([[0.1, 0.1, 0.0], [0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.1, -0.08, 0.03]])
    rule = MechanismRule(X, 1.0, (MechanismClass("trans", turn, 140.0),), "cis")
    mirrored = chain * [1.0, 1.0, -1.0]
    assert turn.value(chain) == pytest.approx(-turn.value(mirrored))
    assert rule.at(chain) == rule.at(mirrored) == "trans"


# Variables --------------------------------------------------------------------------------------------------


def test_variables_along_an_axis_have_values_and_rates() -> None:
    rng = np.random.default_rng(2)
    x, v = rng.normal(size=(2, 7, 3, 3))
    index = {"P": 0, "Q": 2}
    terms = [{"kind": "y", "atoms": ["Q"]}, {"kind": "x", "atoms": ["P"], "weight": -0.5}]
    chosen = [from_spec({"kind": kind, "atoms": ["Q"]}, index) for kind in "xyz"]
    chosen.append(from_spec({"kind": "difference", "terms": terms}, index))
    assert [c.name for c in chosen] == ["x(Q)", "y(Q)", "z(Q)", "y(Q)-0.5*x(P)"]
    assert {c.unit for c in chosen} == {"angstrom"}
    values, rates = evaluate(chosen, x, v)
    np.testing.assert_allclose(values[:, :3], 10.0 * x[:, 2])
    np.testing.assert_allclose(values[:, 3], 10.0 * (x[:, 2, 1] - 0.5 * x[:, 0, 0]))
    h = 1e-4
    numerical = (evaluate(chosen, x + h * v)[0] - evaluate(chosen, x - h * v)[0]) / (2.0 * h)
    np.testing.assert_allclose(rates, numerical, atol=1e-9)
    assert evaluate(chosen, x)[1] is None


def test_axis_variables_equal_axis_coordinates() -> None:
    x = np.random.default_rng(3).normal(size=(4, 2, 3))
    for kind in "xyz":
        coordinate = Variable("q", kind, (1,))
        values, _ = evaluate([Variable("q", kind, (1,))], x)
        np.testing.assert_allclose(values[:, 0], [coordinate.value(frame) for frame in x])
    assert set("xyz") < set(KINDS)


def test_extra_variables_are_enough() -> None:
    found = build({**SYSTEM, "variables": {"extra": [{"kind": "z", "atoms": ["Y"]}]}}).variables
    assert [(v.name, v.kind, v.atoms) for v in found] == [("z(Y)", "z", (1,))]


# Figures ----------------------------------------------------------------------------------------------------


def in_a_field(*coordinates: Variable) -> System:
    """The toy system of the comparison's tests, with basins by x of its last atom and no mechanism."""
    place = coordinates[0]
    basins = (Basin("A", (Interval(place, -9.0, -0.1),)), Basin("B", (Interval(place, 0.1, 9.0),)))
    return replace(toy_system(), basins=basins, mechanism=MechanismRule(), coordinates=coordinates)


def test_paths_are_shown_in_two_coordinates_of_the_system() -> None:
    place, other = Variable("p", "y", (3,)), Variable("q", "z", (3,))
    data, system = toy_method(), in_a_field(place, other)
    assert shooting_points.projection([data], system) == (place, other)
    rows = figure_data.data_frames(
        Compared([data], {data.name: summary.summarise(data, system, np.random.default_rng(1))}, system)
    )
    points = rows["shooting_points"]
    assert set(points["x_axis"]) == {"p (angstrom)"} and set(points["y_axis"]) == {"q (angstrom)"}
    # The sign is kept, and digits that suit angstrom.
    shots = data.chains[0].points[data.chains[0].shots]
    ours = points[points["kind"] == "point"]["x"].to_numpy()[: len(shots)]
    np.testing.assert_allclose(ours, 10.0 * shots[:, 3, 1], atol=1e-4)
    assert (ours < 0).any()


def test_one_coordinate_is_shown_over_the_moves() -> None:
    place = Variable("p", "y", (3,))
    data, system = toy_method(), in_a_field(place)
    # The saddle of one coordinate has an imaginary mode and no other.
    data = replace(data, saddle=replace(data.saddle, wavenumbers=np.array([-400.0])))
    summaries = {data.name: summary.summarise(data, system, np.random.default_rng(1))}
    names = [q.key for q in summaries[data.name]]
    assert "lowest_wavenumber[point=A]" in names and "lowest_wavenumber[point=saddle]" not in names
    frame = figure_data.data_frames(Compared([data], summaries, system))["shooting_points"]
    assert shooting_points.projection([data], system) == (place, None)
    made = [m for c in data.chains for m in c.made_by[c.sampled]]
    lines = frame[frame["kind"] == "path"].groupby("path", sort=False)["y"]
    assert list(lines.first()) == list(lines.last()) == made
    points = frame[frame["kind"] == "point"]
    assert list(points["y"]) == [m for c in data.chains for m in np.flatnonzero(c.shots)]
    shown = words(charts.svg(shooting_points.chart(frame, [data.label])))
    assert "p (angstrom)" in shown and "move" in shown


def test_tables_of_a_system_without_angles_do_not_speak_of_dihedrals() -> None:
    data = toy_method()
    for system, expected in ((in_a_field(Variable("p", "y", (3,))), False), (toy_system(), True)):
        summaries = {data.name: summary.summarise(data, system, np.random.default_rng(1))}
        frame = summary.comparison_frame(summaries, {data.name: data.label})
        assert ("Dihedral" in stationary_points.content(frame.fillna({"text": "", "note": ""})).html()) == expected


def test_a_rounded_zero_has_no_sign() -> None:
    row = {"note": "", "value": -4e-7, "error": np.nan, "low": np.nan, "high": np.nan, "unit": "angstrom", "text": ""}
    row |= {"id": "coordinate_at_point", "interval_missing": "no"}
    assert table_cells.quantity_cell(row) == text_cell("0.000")


# The whole way ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("dag")
def test_the_whole_workflow_on_a_surface_with_known_answers(model_run: tuple[Path, Path]) -> None:
    _, results = model_run
    folder = results / "coupled"
    values, mode = saddle_modes()

    saddle = xr.open_dataset(folder / "saddle.nc")
    assert float(saddle.energy) == pytest.approx(20.0, abs=1e-3)
    assert saddle.attrs["name"] == "direct" and set(saddle.attrs["joins"].split()) == {"A", "B"}
    np.testing.assert_allclose(saddle.wavenumber.values, [wavenumber(v) for v in values], rtol=1e-3)

    numbers = json.loads((results / "comparison/comparison.json").read_text())["methods"]["coupled"]["quantities"]
    assert numbers["barrier_forward"]["value"] == pytest.approx(20.0 / KCAL, abs=1e-3)
    assert numbers["coordinate_at_point[coordinate=x, point=B]"]["value"] == pytest.approx(1.0, abs=1e-3)
    assert numbers["mechanism_share[mechanism=direct]"]["value"] == 1.0

    # Near a parabolic saddle the committor p is the chance of a velocity v > -w q, with q the displacement along the
    # unstable mode and w its rate. So it depends on nothing but q, and r = 1/2 ln(p/(1 - p)) rises as 2 dp/dq there.
    fit = json.loads((folder / "coordinate.json").read_text())["coordinate"]
    slopes = dict(zip(fit["names"], fit["coefficients"], strict=True))
    assert fit["log_likelihood"] > -0.6 * fit["n_observations"]
    assert "x" in slopes and "X...Y" not in slopes
    steepness = 2.0 * np.sqrt(-values[0]) / np.sqrt(2.0 * np.pi * BOLTZMANN * 300.0 / MASS) / 10.0  # 1/angstrom
    assert slopes["x"] == pytest.approx(steepness * mode[0], rel=0.35)
    assert slopes.get("y", 0.0) < 0.9 * slopes["x"]

    distribution = json.loads((folder / "committor.json").read_text())["draws"]["separatrix"]["distribution"]
    assert distribution["n_shots"] == 12 * 24
    assert distribution["mean"] == pytest.approx(0.5, abs=0.12)
    assert distribution["intrinsic_sd"] < 0.2

    for file in (results / "comparison").glob("*.*"):
        if file.suffix in (".svg", ".html"):
            assert "ihedral" not in file.read_text(), file.name
