"""The coordinate as a file, along trajectories, as an OpenMM force and as PLUMED input.

PLUMED itself is not at hand (its package on PyPI has no kernel): its input is read back by the small interpreter below,
which knows PLUMED's conventions (atoms from 1, nm, radian, IUPAC torsions) and nothing of how the text was made.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import mdtraj as md
import numpy as np
import openmm
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from separatrix.coordinate import trajectories
from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.coordinate_file import read, write
from separatrix.coordinate.openmm_force import openmm_expression, openmm_force
from separatrix.coordinate.plumed import plumed
from separatrix.coordinate.reaction_coordinate import MODELS, ReactionCoordinate, from_dict, from_results
from separatrix.coordinate.trajectories import along, read_frames
from separatrix.core.errors import ConfigError, StoreError
from separatrix.core.files import read_dataset, write_dataset, write_json
from separatrix.core.molecule import read_geometry
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.geometry_functions import dihedral
from separatrix.cvs.kinds import KINDS, REGISTRY
from separatrix.cvs.specification import to_spec
from separatrix.cvs.variable import Variable
from separatrix.results.path_files import write_paths

SYMBOLS, Z = read_geometry(Path(__file__).parents[2] / "resources/dnab/dnab_Z.xyz")
_, E = read_geometry(Path(__file__).parents[2] / "resources/dnab/dnab_E.xyz")
CNNC = (6, 9, 10, 11)
SOME = (11, 6, 25, 10, 1, 17, 9)  # in no order
OPTIONS = {
    "coordination": {"r0_A": 2.5, "n": 6, "m": 12},
    "rmsd": {"reference_nm": Z[list(SOME)].tolist()},
    "mdtraj": {"function": "compute_rg"},
}
ATOMS = {
    "in_plane_displacement": (9, 10, 11, 6),
    "improper": (10, 9, 11, 6),
    "coordination": (9, 11, 10, 12, 6, 16, 9, 10),
    "rmsd": SOME,
    "mdtraj": SOME,
}


def of(kind: str, *atoms: int, name: str = "") -> Variable:
    """A variable of a kind on the atoms of the azo bridge, unless others are given."""
    chosen = atoms or ATOMS.get(kind, CNNC[-(KINDS[kind].n_atoms or 0) :])
    return Variable(name or kind, kind, chosen, options=OPTIONS.get(kind, {}))


def compound(kind: str, *terms: tuple[float, Variable]) -> Variable:
    return Variable(kind, kind, terms=terms)


COMBINED = [
    compound("difference", (1.0, of("angle")), (-0.5, of("angle", 6, 9, 10))),
    compound("linear_combination", (2.0, of("cos_dihedral")), (0.25, of("cos_dihedral")), (1e-3, of("sin_angle"))),
    compound("product", (1.0, of("sin_angle")), (1.0, of("cos_dihedral"))),
    compound("product", (1.0, of("distance", 9, 10)), (1.0, of("distance", 9, 10)), (1.0, of("angle"))),
    compound("product", (1.0, of("rmsd")), (1.0, compound("difference", (1.0, of("x")), (-3.0, of("z", 6))))),
]
SINGLE = {kind for kind, entry in KINDS.items() if entry.export is not None and entry.period is None}
EXPORTED = [*map(of, ("distance", "angle", *sorted(SINGLE - {"distance", "angle"}))), *COMBINED]


def made_of(*chosen: Variable, model: str = "logistic", intercept: float = -1.25) -> ReactionCoordinate:
    slopes = tuple(0.7 * (-1.3) ** n for n in range(len(chosen)))
    return ReactionCoordinate(chosen, slopes, intercept, model, "Z", "E", SYMBOLS, source="a test")


def linear(bend: float = 1e-3) -> np.ndarray:
    """DNAB with N9-N10-C11 next to linear (radian): C11 is moved."""
    x = Z.copy()
    axis = (x[10] - x[9]) / np.linalg.norm(x[10] - x[9])
    normal = np.cross(axis, x[0] - x[9])
    normal /= np.linalg.norm(normal)
    x[11] = x[10] + 0.141 * (math.cos(bend) * axis + math.sin(bend) * normal)
    return x


def geometries(n: int = 8, seed: int = 0) -> np.ndarray:
    """Random geometries about the two basins and between them, turned and shifted, and one next to a linear angle."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(n):
        x = Z + rng.uniform() * (E - Z) + rng.normal(scale=0.015, size=Z.shape)
        frames.append(x @ Rotation.random(random_state=rng).as_matrix().T + rng.normal(scale=0.5, size=3))
    return np.array([*frames, linear()])


def gradient(of_: ReactionCoordinate, x: np.ndarray) -> np.ndarray:
    """dr/dx (atoms, 3) in 1/nm."""
    return of_.gradient(x)


# The file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_r_and_the_committor_are_those_of_the_fit(model: str) -> None:
    x = geometries(40)
    values, _ = evaluate((of("angle"), of("sin_angle_cos_dihedral")), x)
    # r within 2 of zero, where committors are neither 0 nor 1 and models differ.
    ours = made_of(of("angle"), of("sin_angle_cos_dihedral"), model=model)
    r = values @ ours.coefficients
    factor = 2.0 / np.abs(r - r.mean()).max()
    slopes = tuple(factor * c for c in ours.coefficients)
    ours = replace(ours, coefficients=slopes, intercept=-factor * float(r.mean()))
    fitted = Coordinate(
        names=("a", "b"),
        intercept=ours.intercept,
        coefficients=np.array(ours.coefficients),
        model=model,
        log_likelihood=-1.0,
        n_observations=10,
        n_success=5,
        covariance=np.eye(3),
        clustered_covariance=None,
        information_error=0.1,
        clustered_information_error=0.1,
        information_error_limit=0.1,
        block_count=0,
        block_description="",
        memory=math.nan,
        separable=False,
        converged=True,
        iterations=1,
    )
    found = ours.evaluate(x)
    np.testing.assert_allclose(found.r, fitted.r(values), rtol=1e-14)
    np.testing.assert_allclose(found.committor, fitted.committor(values), rtol=1e-13)
    exact = 1.0 / (1.0 + np.exp(-2.0 * found.r)) if model == "logistic" else [(1.0 + math.erf(v)) / 2 for v in found.r]
    np.testing.assert_allclose(found.committor, exact, rtol=1e-12)
    assert np.ptp(found.committor) > 0.5
    np.testing.assert_array_equal(found.values, values)
    assert found.r_rate is None and found.rates is None


def test_the_rate_of_r_is_its_derivative() -> None:
    ours, h = made_of(*EXPORTED), 1e-6
    x, v = geometries(4)[:-1], np.random.default_rng(1).normal(size=(4, *Z.shape))
    rates = ours.evaluate(x, v).r_rate
    numeric = (ours.evaluate(x + h * v).r - ours.evaluate(x - h * v).r) / (2 * h)
    np.testing.assert_allclose(rates, numeric, rtol=1e-6)


@pytest.mark.parametrize("ending", ["yaml", "yml", "json"])
def test_the_file_gives_the_coordinate_back(tmp_path: Path, ending: str) -> None:
    named = [replace(variable, name=f"{variable.name} {n}") for n, variable in enumerate(EXPORTED)]
    every = made_of(*named, of("mdtraj"), model="erf")
    file = tmp_path / f"r.{ending}"
    assert write(every, file) == [file]
    assert read(file) == every
    # Plain data: any reader of YAML or JSON has it, with a formula for people.
    data = json.loads(file.read_text()) if ending == "json" else yaml.safe_load(file.read_text())
    assert data["formula"]["p_B"] == "(1 + erf r)/2, the chance to reach E before Z"
    assert data["formula"]["r"].startswith("r = -1.25 +0.7*[distance 0] -0.91*[angle 1]")
    angle = data["variables"][1]
    assert angle["atoms"] == [9, 10, 11] and angle["unit"] == "degree"
    assert angle["coefficient"] == every.coefficients[1] == pytest.approx(-0.91)
    assert angle["meaning"] == "angle 9-10-11, in degree" and "counted from 0" in data["conventions"]


def test_the_file_is_enough_to_work_r_out_by_hand(tmp_path: Path) -> None:
    write(made_of(of("distance", 9, 10), of("cos_dihedral")), tmp_path / "r.yaml")
    data = yaml.safe_load((tmp_path / "r.yaml").read_text())
    (_, bond), (_, turn) = ((v["kind"], v) for v in data["variables"])
    i, j = bond["atoms"]
    r = data["intercept"] + bond["coefficient"] * 10 * float(np.linalg.norm(Z[i] - Z[j]))
    r += turn["coefficient"] * math.cos(math.radians(dihedral(Z[None], *turn["atoms"])[0]))
    assert read(tmp_path / "r.yaml").evaluate(Z[None]).r[0] == pytest.approx(r, rel=1e-12)


def results(**changes: object) -> dict:
    """What `coordinate_stages.reaction_coordinate` writes, as far as it matters here."""
    chosen = [of("angle", name="theta"), of("cos_dihedral", name="turn")]
    fit = {"names": ["turn", "theta"], "coefficients": [0.5, -0.1], "intercept": 2.0, "model": "erf"}
    return {
        "method": "pm6",
        "source": "PM6",
        "reactant": "Z",
        "product": "E",
        "coordinate": {**fit, "separable": False, "converged": True},
        "beats_null": True,
        "variables": [to_spec(variable) for variable in chosen],
        "symbols": list(SYMBOLS),
        **changes,
    }


def test_coordinate_json_of_a_run_is_read(tmp_path: Path) -> None:
    file = tmp_path / "coordinate.json"
    write_json(results(), file)
    found = read(file)
    assert [v.name for v in found.variables] == ["turn", "theta"] and found.coefficients == (0.5, -0.1)
    assert (found.model, found.source, found.caution) == ("erf", "PM6", "")
    assert from_dict(found.to_dict()) == found
    for change, says in (
        ({"beats_null": False}, "no better than a constant"),
        ({"coordinate": {**results()["coordinate"], "separable": True}}, "only the sign of r"),
        ({"coordinate": {**results()["coordinate"], "converged": False}}, "did not converge"),
    ):
        doubtful = from_results(results(**change))
        assert says in doubtful.caution and says in doubtful.to_dict()["caution"]
        assert says in plumed(doubtful)["plumed.dat"]


@pytest.mark.parametrize("key", ["variables", "symbols"])
def test_results_that_only_name_their_variables_are_refused_in_one_line(tmp_path: Path, key: str) -> None:
    data = results()
    del data[key]
    write_json(data, tmp_path / "coordinate.json")
    with pytest.raises(ConfigError) as error:
        read(tmp_path / "coordinate.json")
    message = str(error.value)
    assert f"coordinate.json: {key}: is missing" in message and "snakemake" in message and "\n" not in message


def _put(data: dict, path: tuple, value: object) -> dict:
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("format",), "yours", "format: is 'yours', not 'separatrix reaction coordinate 1'"),
        (("variables",), [], "variables: must be a list of one variable or more"),
        (("variables",), {}, "variables: must be a list"),
        (("variables", 0), "angle", "variables[0]: must be a mapping, not 'angle'"),
        (("variables", 0, "kind"), "angel", "variables[0]: variable 'angle': kind: 'angel' is not a kind"),
        (("variables", 0, "atoms"), [9, 10, "C11"], "atoms[2]: 'C11' is not the index of an atom"),
        (("variables", 0, "atoms"), [9, 10, 34], "variables[0]: atom 34 is not among the 34 in symbols"),
        (("variables", 0, "unit"), "radian", "variables[0].unit: is 'radian', but the kind has 'degree'"),
        (("variables", 0, "coefficient"), None, "variables[0].coefficient: must be a finite number, not None"),
        (("variables", 0, "coefficient"), math.inf, "variables[0].coefficient: must be a finite number, not inf"),
        (("variables", 0, "name"), "distance", "variables: two bear the same name"),
        (("variables", 0, "centre"), 1, "variables[0]: variable 'angle': centre: is not a key of a 'angle'"),
        (("intercept",), "2", "intercept: must be a finite number, not '2'"),
        (("intercept",), True, "intercept: must be a finite number, not True"),
        (("model",), "tanh", "model: is 'tanh'; known: logistic, erf"),
        (("product",), "", "product: must be a word, not ''"),
        (("symbols",), "CCNN", "symbols: must be a list of the element symbols"),
        (("symbols",), [6, 7], "symbols: must be a list of the element symbols"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, path: tuple, value: object, says: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump(_put(made_of(of("angle"), of("distance")).to_dict(), path, value)))
    with pytest.raises(ConfigError) as error:
        read(file)
    message = str(error.value)
    assert message.startswith(f"{file}: ") and says in message and "\n" not in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"coordinate": {"names": ["theta"]}}, "coordinate: is not that of a run (KeyError('coefficients'))"),
        ({"coordinate": 3}, "coordinate: is not that of a run"),
        ({"variables": []}, "coordinate: is not that of a run (KeyError('turn'))"),
        ({"coordinate": {**results()["coordinate"], "coefficients": [1.0]}}, "1 for 2 variables"),
        ({"coordinate": {**results()["coordinate"], "intercept": None}}, "intercept: must be a finite number"),
    ],
)
def test_wrong_results_are_refused(change: dict, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        from_results(results(**change))


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    for name, error in (("list.json", ConfigError), ("broken.json", StoreError), ("none.yaml", ConfigError)):
        with pytest.raises(error, match=name):
            read(tmp_path / name)
    with pytest.raises(ConfigError, match=r"r.csv: unknown ending; known: .yaml, .json, .dat"):
        write(made_of(of("angle")), tmp_path / "r.csv")


# OpenMM -----------------------------------------------------------------------------------------------------


def context_of(force: openmm.Force, n: int = len(SYMBOLS)) -> openmm.Context:
    system = openmm.System()
    for _ in range(n):
        system.addParticle(1.0)
    system.addForce(force)
    integrator = openmm.VerletIntegrator(0.001)
    return openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))


def energy_and_gradient(context: openmm.Context, x: np.ndarray) -> tuple[float, np.ndarray]:
    context.setPositions(x)
    state = context.getState(getEnergy=True, getForces=True)
    forces = state.getForces(asNumpy=True).value_in_unit_system(openmm.unit.md_unit_system)
    return state.getPotentialEnergy().value_in_unit(openmm.unit.kilojoule_per_mole), -np.asarray(forces)


@pytest.mark.parametrize("variable", EXPORTED, ids=lambda v: v.name + str(len(v.terms) or ""))
def test_the_openmm_force_is_r_and_its_gradient(variable: Variable) -> None:
    ours = made_of(variable)
    context = context_of(openmm_force(ours))
    for x in geometries():
        energy, slopes = energy_and_gradient(context, x)
        assert energy == pytest.approx(ours.evaluate(x[None]).r[0], abs=1e-6)
        expected = gradient(ours, x)
        np.testing.assert_allclose(slopes, expected, atol=1e-7 * max(1.0, np.abs(expected).max()))


def test_a_raw_dihedral_is_written_but_for_whole_turns() -> None:
    """Its recipe stands beside those of its cosine and sine, though no coordinate is fitted to it."""
    ours = made_of(of("dihedral"))
    context, files = context_of(openmm_force(ours)), plumed(ours, "cv.dat")
    for x in geometries()[:-1]:
        energy, slopes = energy_and_gradient(context, x)
        off = (energy - ours.evaluate(x[None]).r[0]) / ours.coefficients[0]
        assert abs((off + 180.0) % 360.0 - 180.0) < 1e-6
        expected = gradient(ours, x)
        np.testing.assert_allclose(slopes, expected, atol=1e-7 * np.abs(expected).max())
        off = run_plumed(files, "cv.dat", x)["q1"] - ours.evaluate(x[None]).values[0, 0]
        assert abs((off + 180.0) % 360.0 - 180.0) < 1e-6


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_the_openmm_force_of_several_variables_on_random_geometries(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = [EXPORTED[n] for n in rng.choice(len(EXPORTED) - 1, size=3, replace=False)]
    chosen = list({variable.name: variable for variable in chosen}.values())
    ours = made_of(*chosen, model="erf")
    context = context_of(openmm_force(ours))
    x = geometries(1, seed)[0]
    energy, slopes = energy_and_gradient(context, x)
    assert energy == pytest.approx(ours.evaluate(x[None]).r[0], abs=1e-6)
    # Both our gradient and OpenMM's against differences of our values, along a random direction.
    # A step so small that it resolves a dihedral of atoms nearly in line, too.
    v, h = rng.normal(size=x.shape), 1e-8
    ahead, behind = ours.evaluate(np.array([x + h * v, x - h * v])).r
    scale = max(1.0, np.abs(slopes).max())
    assert (slopes * v).sum() == pytest.approx((ahead - behind) / (2 * h), abs=1e-5 * scale)
    np.testing.assert_allclose(slopes, gradient(ours, x), atol=1e-7 * scale)


def test_smooth_kinds_have_their_true_gradient_at_a_linear_angle_in_openmm() -> None:
    smooth = [of(k) for k in ("cos_angle", "sin_angle_cos_dihedral", "sin_angle_sin_dihedral", "in_plane_displacement")]
    for ours in (made_of(variable) for variable in smooth):
        for bend in (1e-5, 1e-9):
            _, slopes = energy_and_gradient(context_of(openmm_force(ours)), linear(bend))
            np.testing.assert_allclose(slopes, gradient(ours, linear(bend)), atol=1e-7 * np.abs(slopes).max())
    # A plain angle has a tip there; OpenMM lets its force fade within some 1e-5 radian, and it stays finite.
    _, slopes = energy_and_gradient(context_of(openmm_force(made_of(of("angle")))), linear(1e-9))
    assert np.isfinite(slopes).all()


def test_an_umbrella_and_the_committor_as_energies() -> None:
    ours = made_of(of("angle"), of("cos_dihedral"), intercept=80.0)
    bias = openmm_force(ours, "0.5*k*(r-centre)^2", {"k": 3.0, "centre": 0.5})
    context = context_of(bias)
    r = float(ours.evaluate(Z[None]).r[0])
    energy, slopes = energy_and_gradient(context, Z)
    assert energy == pytest.approx(1.5 * (r - 0.5) ** 2, rel=1e-9)
    np.testing.assert_allclose(slopes, 3.0 * (r - 0.5) * gradient(ours, Z), atol=1e-6 * np.abs(slopes).max())
    context.setParameter("centre", r)
    assert energy_and_gradient(context, Z)[0] == pytest.approx(0.0, abs=1e-9)
    for model in MODELS:
        near = made_of(of("cos_dihedral"), model=model, intercept=-0.4)
        found = near.evaluate(Z[None])
        # OpenMM's error function is known to 1e-7 only.
        assert energy_and_gradient(context_of(openmm_force(near, "p_B")), Z)[0] == pytest.approx(
            found.committor[0], abs=1e-6
        )
        assert 0.05 < found.committor[0] < 0.95
    for taken in ("r", "p_B", "q1", "t2", "q1_nm"):
        with pytest.raises(ValueError, match=f"parameter '{taken}': this name is taken"):
            openmm_force(ours, parameters={taken: 1.0})


def test_a_system_may_have_more_particles_than_the_molecule() -> None:
    ours = made_of(of("rmsd"), of("angle"))
    context = context_of(openmm_force(ours, n_particles=36), 36)
    more = np.vstack([E, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    energy, slopes = energy_and_gradient(context, more)
    assert energy == pytest.approx(ours.evaluate(E[None]).r[0], abs=1e-6)
    assert (slopes[34:] == 0).all()


def test_what_several_variables_share_is_one_collective_variable() -> None:
    force = openmm_force(made_of(of("sin_angle"), COMBINED[2], COMBINED[1], of("rmsd")))
    names = [force.getCollectiveVariableName(n) for n in range(force.getNumCollectiveVariables())]
    assert names == ["q1", "t1", "q4_nm"]  # the sine of the angle, the cosine of the dihedral, the RMSD
    text = openmm_expression(made_of(of("sin_angle"), COMBINED[2]), "r^2")
    assert text == "r^2; p_B=1/(1+exp(-2*r)); r=(-1.25)+(0.7)*q1+(-0.9099999999999999)*q2; q2=q1*t1"


def test_the_xml_file_is_a_force_that_any_openmm_reads(tmp_path: Path) -> None:
    ours = made_of(of("in_plane_displacement"), of("rmsd"), COMBINED[0])
    (file,) = write(ours, tmp_path / "r.xml")
    force = openmm.XmlSerializer.deserialize(file.read_text())
    assert isinstance(force, openmm.CustomCVForce)
    assert energy_and_gradient(context_of(force), E)[0] == pytest.approx(ours.evaluate(E[None]).r[0], abs=1e-6)


def test_what_has_no_counterpart_is_refused(tmp_path: Path) -> None:
    theirs = made_of(compound("difference", (1.0, of("distance")), (-1.0, of("mdtraj", name="size"))))
    for ending in ("dat", "xml"):
        with pytest.raises(ConfigError, match=rf"r.{ending}: variable 'size': kind 'mdtraj' has no counterpart"):
            write(theirs, tmp_path / f"r.{ending}")
    assert not list(tmp_path.iterdir())
    assert [kind for kind in REGISTRY.own() if kind in KINDS and KINDS[kind].export is None] == ["mdtraj"]


# PLUMED -----------------------------------------------------------------------------------------------------

FUNCTIONS = {"sqrt", "cos", "sin", "exp", "erf"}


def lepton(text: str, values: dict[str, float]) -> float:
    """An expression as Lepton reads it, PLUMED's parser and OpenMM's."""
    force = openmm.CustomCVForce(text)
    for name, value in values.items():
        force.addGlobalParameter(name, value)
    system = openmm.System()
    system.addParticle(1.0)
    system.addForce(force)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(np.zeros((1, 3)))
    return context.getState(energy=True).getPotentialEnergy()._value


def run_plumed(files: dict[str, str], name: str, x: np.ndarray) -> dict[str, float]:
    """What PLUMED would print of one frame: positions (atoms, 3) in nm."""
    known: dict[str, float] = {}
    printed: list[str] = []

    def place(serial: str) -> np.ndarray:
        assert int(serial) >= 1
        return x[int(serial) - 1]

    for line in files[name].splitlines():
        if line.startswith("#"):
            continue
        if line.startswith("UNITS"):
            assert line == "UNITS LENGTH=nm ENERGY=kj/mol TIME=ps"
            continue
        if line.startswith("PRINT"):
            printed = re.search(r"ARG=(\S+)", line)[1].split(",")
            continue
        label, action, *words = line.split()
        assert label.endswith(":") and not any(known_.split(".")[0] == label[:-1] for known_ in known)
        label = label[:-1]
        keys = dict(word.split("=", 1) for word in words if "=" in word)
        flags = {word for word in words if "=" not in word}
        if action in ("CUSTOM", "COMBINE"):
            assert keys["PERIODIC"] == "NO" and not flags
            arguments = keys["ARG"].split(",")
            assert len(set(arguments)) == len(arguments)
            values = [known[argument] for argument in arguments]
            if action == "COMBINE":
                weights = [float(c) for c in keys["COEFFICIENTS"].split(",")]
                known[label] = sum(w * v for w, v in zip(weights, values, strict=True))
            else:
                names = dict(zip(keys["VAR"].split(","), values, strict=True))
                assert not set(names) & FUNCTIONS
                known[label] = lepton(keys["FUNC"], names)
            continue
        assert "NOPBC" in flags
        if action == "POSITION":
            for axis, value in zip("xyz", place(keys["ATOM"]), strict=True):
                known[f"{label}.{axis}"] = value
        elif action == "DISTANCE":
            start, end = (place(a) for a in keys["ATOMS"].split(","))
            if "COMPONENTS" in flags:
                for axis, value in zip("xyz", end - start, strict=True):
                    known[f"{label}.{axis}"] = value
            else:
                known[label] = float(np.linalg.norm(end - start))
        elif action == "ANGLE":
            i, j, k = (place(a) for a in keys["ATOMS"].split(","))
            u, w = i - j, k - j
            known[label] = math.atan2(np.linalg.norm(np.cross(u, w)), u @ w)
        elif action == "TORSION":
            four = [int(a) - 1 for a in keys["ATOMS"].split(",")]
            known[label] = math.radians(dihedral(x[None], *four)[0])
        elif action == "COORDINATION":
            assert "PAIR" in flags
            n, m, r0 = int(keys["NN"]), int(keys["MM"]), float(keys["R_0"])
            pairs = zip(keys["GROUPA"].split(","), keys["GROUPB"].split(","), strict=True)
            ratios = [np.linalg.norm(place(a) - place(b)) / r0 for a, b in pairs]
            known[label] = float(sum((1 - q**n) / (1 - q**m) for q in ratios))
        else:
            assert action == "RMSD" and keys["TYPE"] == "OPTIMAL"
            atoms = [row for row in files[keys["REFERENCE"]].splitlines() if row.startswith("ATOM")]
            assert all(row[54:66] == "  1.00  1.00" for row in atoms)
            target = np.array([[float(row[c : c + 8]) / 10 for c in (30, 38, 46)] for row in atoms])
            ours = np.array([place(row[6:11]) for row in atoms])
            _, rssd = Rotation.align_vectors(ours - ours.mean(0), target - target.mean(0))
            known[label] = rssd / math.sqrt(len(atoms))
    return {argument: known[argument] for argument in printed}


@pytest.mark.parametrize("variable", EXPORTED, ids=lambda v: v.name + str(len(v.terms) or ""))
def test_the_plumed_input_computes_the_variable(variable: Variable) -> None:
    ours = made_of(variable)
    files = plumed(ours, "cv.dat")
    rounded = "rmsd" in {leaf.kind for leaf in variable.leaves}  # a PDB file has three decimals
    assert set(files) == {
        "cv.dat",
        *(f"cv_{label}.pdb" for label in (("t1",) if variable.terms else ("q1",)) if rounded),
    }
    for x in geometries():
        printed = run_plumed(files, "cv.dat", x)
        found = ours.evaluate(x[None])
        size = 1.0 + abs(found.values[0, 0])
        assert printed["q1"] == pytest.approx(found.values[0, 0], abs=(2e-3 if rounded else 1e-9) * size)


@pytest.mark.parametrize("model", MODELS)
def test_the_plumed_input_computes_r_and_the_committor(tmp_path: Path, model: str) -> None:
    ours = made_of(of("in_plane_displacement"), of("cos_dihedral"), COMBINED[2], of("improper"), model=model)
    (file,) = write(ours, tmp_path / "r.dat")
    text = file.read_text()
    for x in geometries():
        printed = run_plumed({"r.dat": text}, "r.dat", x)
        found = ours.evaluate(x[None])
        assert printed["r"] == pytest.approx(found.r[0], abs=1e-9)
        assert printed["p_B"] == pytest.approx(found.committor[0], abs=1e-9)
        assert list(printed) == ["r", "p_B", "q1", "q2", "q3", "q4"]
    # One torsion and one angle for all; nothing in it but what PLUMED reads or a comment.
    assert text.count("TORSION") == 1 and text.count("ANGLE ") == 1
    assert all(" " not in function for function in re.findall(r"FUNC=(.*) PERIODIC", text))
    assert text.isascii() and "atoms counted from 0" in text


def test_reference_geometries_for_plumed_lie_beside_the_input(tmp_path: Path) -> None:
    far = Variable("far", "rmsd", (33, 2, 7), options={"reference_nm": (Z[[33, 2, 7]] + 5000.0).tolist()})
    files = write(made_of(far), tmp_path / "bias.dat")
    assert [f.name for f in files] == ["bias.dat", "bias_q1.pdb"]
    rows = [row for row in files[1].read_text().splitlines() if row.startswith("ATOM")]
    assert [int(row[6:11]) for row in rows] == [34, 3, 8] and all(len(row) == 78 for row in rows)
    assert md.load_pdb(str(files[1])).n_atoms == 3


# Trajectories -----------------------------------------------------------------------------------------------

COORDINATE = made_of(of("angle"), of("cos_dihedral"), intercept=82.0)


def topology() -> md.Topology:
    return trajectories.topology_of(SYMBOLS, Z)


@pytest.fixture(scope="module")
def trajectory() -> md.Trajectory:
    return md.Trajectory(geometries(5)[:-1], topology())


@pytest.mark.parametrize("ending", ["dcd", "xtc", "trr", "pdb", "gro", "xyz", "nc", "netcdf"])
def test_trajectories_of_mdtraj(tmp_path: Path, trajectory: md.Trajectory, ending: str) -> None:
    file = tmp_path / f"t.{ending}"
    trajectory.save(str(file))
    frames = read_frames(file, symbols=SYMBOLS)
    assert frames.velocities is None and frames.places["frame"].tolist() == [0, 1, 2, 3, 4]
    assert frames.symbols == SYMBOLS
    # Formats keep three or four digits of a nm or of an angstrom.
    found, expected = along(COORDINATE, frames), COORDINATE.evaluate(trajectory.xyz)
    np.testing.assert_allclose(found.values[:, 0], expected.values[:, 0], atol=2.0)
    np.testing.assert_allclose(found.values[:, 1], expected.values[:, 1], atol=0.03)


def test_trajectories_that_mdtraj_cannot_read_end_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("t.binpos", b""), ("t.dcd", b"no trajectory"), ("t.pdb", b"END")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StoreError) as error:
            read_frames(tmp_path / name, symbols=SYMBOLS)
        assert f"{name}: cannot be read with MDTraj" in str(error.value) and "\n" not in str(error.value)
    (tmp_path / "t.xyz").write_bytes(b"34\n")
    with pytest.raises(StoreError, match=r"t.xyz: holds no frame"):
        read_frames(tmp_path / "t.xyz", symbols=SYMBOLS)
    # HDF5 needs a package that is not ours.
    (tmp_path / "t.h5").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "tables", None)
    with pytest.raises(StoreError, match=r"t.h5: cannot be read with MDTraj .*PyTables"):
        read_frames(tmp_path / "t.h5")


def test_a_topology_may_be_given(tmp_path: Path, trajectory: md.Trajectory) -> None:
    trajectory.save(str(tmp_path / "t.dcd"))
    trajectory[0].save(str(tmp_path / "t.pdb"))
    root = Path(__file__).parents[2]
    for top in (tmp_path / "t.pdb", root / "resources/dnab/dnab_E.xyz", root / "resources/dnab/dnab.prmtop"):
        frames = read_frames(tmp_path / "t.dcd", top)
        np.testing.assert_allclose(frames.positions, trajectory.xyz, atol=1e-6)
        assert frames.symbols == SYMBOLS
    other = root / "resources/models/double_well_A.xyz"
    with pytest.raises(StoreError, match=r"t.dcd: cannot be read with MDTraj .*; perhaps give --top"):
        read_frames(tmp_path / "t.dcd", other)
    with pytest.raises(StoreError, match=r"none.dcd: there is no such file"):
        read_frames(tmp_path / "none.dcd")


def test_other_molecules_are_refused() -> None:
    frames = trajectories.Frames(Z[None], None, {"frame": np.arange(1)}, SYMBOLS)
    for change, says in (
        ({"positions": Z[None, :33]}, "the trajectory has 33 atoms, and the coordinate is one of 34"),
        ({"symbols": ("C", "N", "N", *SYMBOLS[3:])}, "atom 2 is N in the trajectory and C in the coordinate"),
        ({"positions": Z[None] * math.nan}, "the trajectory cannot be evaluated: positions: frame 0 holds a number"),
    ):
        with pytest.raises(ConfigError, match=says):
            along(COORDINATE, trajectories.Frames(**{**frames.__dict__, **change}))
    along(COORDINATE, trajectories.Frames(**{**frames.__dict__, "symbols": ()}))
    with pytest.raises(ValueError, match="33 atoms are given; the coordinate is one of 34"):
        COORDINATE.evaluate(Z[None, :33])


@pytest.fixture(scope="module")
def paths_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A paths.nc with two paths of 3 and 2 frames."""
    x = geometries(5)[:-1]
    v = np.random.default_rng(4).normal(size=x.shape)
    file = tmp_path_factory.mktemp("paths") / "paths.nc"
    write_paths(
        [np.array([x[:3], v[:3]]), np.array([x[3:], v[3:]])],
        SYMBOLS,
        file,
        moves=[-1, 0],
        labels=[1, 1],
        multiplicity=[0, 1],
        mechanisms=["a", "a"],
        chain=1,
        frame=1.0,
        source="a test",
        start="saddle",
    )
    return file


def test_files_of_a_run(tmp_path: Path, paths_file: Path) -> None:
    frames = read_frames(paths_file)
    assert frames.places["path"].tolist() == [0, 0, 0, 1, 1] and frames.places["frame"].tolist() == [0, 1, 2, 0, 1]
    found = along(COORDINATE, frames)
    exact = COORDINATE.evaluate(geometries(5)[:-1], np.random.default_rng(4).normal(size=(5, *Z.shape)))
    np.testing.assert_array_equal(found.r, exact.r)  # double precision all the way
    np.testing.assert_array_equal(found.r_rate, exact.r_rate)
    data = read_dataset(paths_file)
    # Shooting points: rows of which nothing was run hold no numbers.
    positions = data.positions.values.copy()
    positions[1] = math.nan
    shots = data.drop_dims("path").assign(positions=(("frame", "atom", "xyz"), positions)).rename(frame="shot")
    write_dataset(shots, tmp_path / "shots.nc", title="shots", source="a test")
    some = read_frames(tmp_path / "shots.nc")
    assert some.places["shot"].tolist() == [0, 2, 3, 4] and some.velocities.shape == (4, 34, 3)
    np.testing.assert_array_equal(along(COORDINATE, some).r, exact.r[[0, 2, 3, 4]])
    one = data.drop_dims("path").isel(frame=0).drop_vars("velocities")
    write_dataset(one, tmp_path / "saddle.nc", title="saddle", source="a test")
    single = read_frames(tmp_path / "saddle.nc")
    assert single.places["frame"].tolist() == [0] and single.velocities is None
    write_dataset(data.drop_vars("positions"), tmp_path / "none.nc", title="none", source="a test")
    with pytest.raises(StoreError, match=r"none.nc: holds no positions"):
        read_frames(tmp_path / "none.nc")
    (tmp_path / "broken.nc").write_bytes(b"CDF")
    with pytest.raises(StoreError, match=r"broken.nc: cannot be read"):
        read_frames(tmp_path / "broken.nc")


# The commands -----------------------------------------------------------------------------------------------


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    from separatrix.cli.main import main

    monkeypatch.setattr(sys, "argv", ["separatrix", *(str(a) for a in arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_evaluate_prints_a_table(
    tmp_path: Path, paths_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = write(COORDINATE, tmp_path / "r.yaml")
    expected = along(COORDINATE, read_frames(paths_file))
    assert command(monkeypatch, "evaluate", file, paths_file) == 0
    formula, heads, *rows = capsys.readouterr().out.splitlines()
    assert formula == "# r = 82 +0.7*[angle] -0.91*[cos_dihedral]"
    assert heads.split() == ["path", "frame", "r", "p_B", "angle/degree", "cos_dihedral"]
    assert len({len(row) for row in (heads, *rows)}) == 1
    numbers = np.array([[float(cell) for cell in row.split()] for row in rows])
    np.testing.assert_allclose(numbers[:, 2], expected.r, atol=6e-5)
    np.testing.assert_allclose(numbers[:, 4:], expected.values, atol=6e-5)

    assert command(monkeypatch, "evaluate", file, paths_file, "--csv", tmp_path / "out.csv") == 0
    assert capsys.readouterr().out == ""
    heads, *rows = csv.reader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert heads == ["path", "frame", "r", "p_B", "angle [degree]", "cos_dihedral"]
    assert [row[:2] for row in rows] == [["0", "0"], ["0", "1"], ["0", "2"], ["1", "0"], ["1", "1"]]
    np.testing.assert_array_equal([float(row[2]) for row in rows], expected.r)

    assert command(monkeypatch, "evaluate", file, paths_file, "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["units"] == {"r": "1", "p_B": "1", "angle": "degree", "cos_dihedral": "1"}
    assert [frame["p_B"] for frame in data["frames"]] == expected.committor.tolist()
    assert (data["reactant"], data["product"]) == ("Z", "E") and list(data["frames"][3])[:2] == ["path", "frame"]


def test_evaluate_takes_the_results_of_a_run_and_foreign_trajectories(
    tmp_path: Path,
    trajectory: md.Trajectory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = results(beats_null=False)
    write_json(data, tmp_path / "coordinate.json")
    trajectory.save(str(tmp_path / "t.dcd"))
    trajectory[0].save(str(tmp_path / "t.pdb"))
    common = ("evaluate", tmp_path / "coordinate.json", tmp_path / "t.dcd")
    assert command(monkeypatch, *common) == 0
    plain = capsys.readouterr().out
    assert command(monkeypatch, *common, "--top", tmp_path / "t.pdb") == 0
    assert capsys.readouterr().out == plain
    assert "# caution: the coordinate is no better than a constant" in plain and "theta/degree" in plain
    assert len(plain.splitlines()) == 3 + 5


def test_export_coordinate_writes_what_the_ending_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(results(), tmp_path / "coordinate.json")
    for ending, begins in (("yaml", "format: "), ("json", "{"), ("dat", "# r = "), ("xml", "<?xml")):
        out = tmp_path / f"r.{ending}"
        assert command(monkeypatch, "export-coordinate", tmp_path / "coordinate.json", out) == 0
        assert out.read_text().startswith(begins) and capsys.readouterr().out == f"{out}\n"
    assert read(tmp_path / "r.yaml") == read(tmp_path / "coordinate.json") == read(tmp_path / "r.json")


@pytest.mark.parametrize("arguments", [("none.yaml", "none.dcd"), ("r.yaml", "none.dcd"), ("old.json", "none.dcd")])
def test_mistakes_end_in_one_line(
    tmp_path: Path, arguments: tuple, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(COORDINATE, tmp_path / "r.yaml")
    data = results()
    del data["variables"]
    write_json(data, tmp_path / "old.json")
    assert command(monkeypatch, "evaluate", *(tmp_path / a for a in arguments)) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and printed.err.startswith("separatrix: ")
