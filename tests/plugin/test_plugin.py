"""A package adds one thing of each kind, each in one file, and nothing of this library changes for it."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import numpy as np
import openmm
import pandas as pd
import pytest
import yaml
from conftest import ROOT, snakemake, write_yaml
from models import numerical_gradient
from pybtex.database import parse_string
from toy_method import broken, method, rate_estimates, words
from toy_method import summary as toy_summary
from toy_method import system as toy_system
from typer.testing import CliRunner

from separatrix import potentials
from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.config.package_sections import config_section
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.stage_settings import StageSettings
from separatrix.coordinate.openmm_force import openmm_force
from separatrix.coordinate.plumed import plumed
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.core.errors import ConfigError
from separatrix.core.files import read_json, write_json
from separatrix.core.molecule import read_geometry
from separatrix.core.section import section_in
from separatrix.core.section_documents import json_schema
from separatrix.core.units import KCAL
from separatrix.cvs.evaluation import evaluate
from separatrix.cvs.kinds import KINDS, entry_of
from separatrix.cvs.kinds.kind import Kind
from separatrix.cvs.specification import describe
from separatrix.rates.route import ROUTES, RouteContext, asked_routes, by_trust
from separatrix.report import charts, citations, compare_runs, figure_data, figure_registry, page, rates_table, software
from separatrix.report.figure_registry import Compared
from separatrix.report.figures import convergence_by_round
from separatrix.report.inputs import load_with_files
from separatrix.report.key_tables import sections, table
from separatrix.report.language import Phrases
from separatrix.report.quantities.summary import comparison_frame, comparison_json, summarise
from separatrix.report.tables import all_methods, convergence_rounds
from separatrix.sampling import convergence
from separatrix.sampling.criterion import CRITERIA
from separatrix.sampling.mechanism_shares import ChainMechanisms
from separatrix.workflow import rate_routes, resources
from separatrix.workflow.engine_check import package_notes

PACKAGE = Path(__file__).parent / "package"


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package as pip leaves it: its modules, and a folder with its metadata and entry points."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    shutil.copytree(PACKAGE / "exampleplugin", site / "exampleplugin")
    info = site / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    return site


@pytest.fixture
def example(installed: Path) -> ModuleType:
    """The module with the package's sections."""
    return importlib.import_module("exampleplugin.section")


@pytest.fixture
def data(root: Path) -> dict[str, Any]:
    """A comparison of one method, which the package's engine computes."""
    full = yaml.safe_load((root / "config/config.yaml").read_text())
    method = {"label": "Springs", "potential": "springs", "dynamics": full["methods"]["gaff2"]["dynamics"]}
    return {
        "system": full["system"],
        "methods": {"springs": method | {"options": {"stiffness": 5e4}}},
        "rates": {"example": {"methods": ["springs"]}},
    }


def test_engine_is_cited_with_the_paper_that_it_brings(data: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(data))
    cited = CliRunner().invoke(cli.app, ["cite", str(config)])
    assert parse_string(cited.stdout, "bibtex").entries["hooke1678"].fields["title"] == "De Potentia Restitutiva"
    assert "no reference is known" not in cited.stdout
    assert citations.used(load(data))["hooke1678"] == "level of theory Springs"


def test_engine_shows_in_check(data: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(data))
    checked = CliRunner().invoke(cli.app, ["check", "--quick", str(config)])
    assert checked.exit_code == 0
    assert "engine 'springs' comes from the package exampleplugin" in " ".join(checked.stdout.split())
    without_keys = package_notes(load(data | {"rates": {}}))
    assert without_keys == ["engine 'springs' comes from the package exampleplugin"]


def test_engine_is_among_the_programs_of_the_research_object(data: dict[str, Any]) -> None:
    codes = software.of_run(load(data), {"springs": {"version": "springs 1.0"}})
    (code,) = [code for code in codes if code.name == "Springs"]
    assert (code.version, code.licence, code.url) == ("1.0", "MIT", "https://example.org/springs")
    assert code.references == ("hooke1678",)


def test_jobs_ask_for_what_the_engine_says(data: dict[str, Any]) -> None:
    config = load(data)
    unmeasured = resources.Measured()
    guessed = resources.seconds(config, "check", "springs", unmeasured)
    measured = resources.seconds(config, "check", "springs", resources.Measured(gradient=0.02))
    assert guessed == measured
    assert resources.conda_environment(config.methods["springs"]) == "separatrix"


def test_engine_computes(data: dict[str, Any]) -> None:
    molecule = load(data).system.molecule
    potential = potentials.build("springs", molecule, {"worker": False, "stiffness": 5e4})
    positions = np.random.default_rng(1).normal(size=(molecule.n_atoms, 3))
    energy, gradient = potential.energy_and_gradient(positions)
    step = 1e-6
    moved = positions.copy()
    moved[0, 0] += step
    assert gradient[0, 0] == pytest.approx((potential.energy_and_gradient(moved)[0] - energy) / step, rel=1e-3)


def test_kind_of_variable_is_a_candidate(data: dict[str, Any], root: Path, tmp_path: Path) -> None:
    system = yaml.safe_load((root / data["system"]).read_text())
    system["variables"]["extra"].append({"kind": "midpoint_distance", "atoms": ["N9", "C6", "N10"]})
    (tmp_path / "system.yaml").write_text(yaml.safe_dump(system))
    variable = load(data | {"system": str(tmp_path / "system.yaml")}).system.variables[-1]
    assert (variable.unit, describe(variable)) == (
        "angstrom",
        "distance of atom 9 from the middle of 6 and 10, in angstrom",
    )
    positions, velocities = np.random.default_rng(1).normal(size=(2, 4, 24, 3))
    values, rates = evaluate([variable], positions, velocities)
    expected = 10 * np.linalg.norm(positions[:, 9] - 0.5 * (positions[:, 6] + positions[:, 10]), axis=1)
    assert values[:, 0] == pytest.approx(expected)
    (later,), _ = evaluate([variable], positions[:1] + 1e-6 * velocities[:1], velocities[:1])
    assert (later[0] - values[0, 0]) / 1e-6 == pytest.approx(rates[0, 0], rel=1e-4)


MIDDLE = {"kind": "midpoint_distance", "atoms": ["N9", "C6", "C11"]}


def with_middle(root: Path, folder: Path, name: str) -> str:
    """A system file whose basins and pulls are told by the package's kind; a candidate is of it, too."""
    system = yaml.safe_load((root / name).read_text())
    system["coordinates"]["middle"] = MIDDLE
    for basin, bounds in (("Z", [1.0, 1.4]), ("E", [0.3, 0.9])):
        system["basins"][basin]["within"].append({"coordinate": "middle", "range_A": bounds})
        system["basins"][basin]["equivalent"] = [[["C6", "C11"]]]
    system["saddle_guesses"] = [
        {
            "name": "half way",
            "start": "E",
            "pull": [{"coordinate": "middle", "target_A": 0.9, "strength_kcal_mol_A2": 900}],
        }
    ]
    system["mechanism"] = {
        "crossing": {"coordinate": "CNNC", "at_deg": 90},
        "classes": [{"name": "wide", "coordinate": "middle", "above_A": 0.95}],
        "otherwise": "narrow",
    }
    system["variables"]["extra"].append({"name": "middle", **MIDDLE})
    (folder / "system.yaml").write_text(yaml.safe_dump(system))
    return str(folder / "system.yaml")


def test_kind_of_variable_bounds_basins_pulls_and_tells_mechanisms(
    data: dict[str, Any], root: Path, tmp_path: Path
) -> None:
    file = with_middle(root, tmp_path, data["system"])
    system = load(data | {"system": file}).system
    rng = np.random.default_rng(2)
    for basin in system.basins:
        start = read_geometry(system.geometries[basin.name])[1]
        ends = [6, 11]
        assert len(basin.alternatives) == 2, "the dihedral of the ends' images is another one, the distance is not"
        (interval,) = [i for i in basin.alternatives[0] if i.coordinate.name == "middle"]
        for x in start + rng.normal(scale=0.02, size=(50, *start.shape)):
            by_hand = 10 * np.linalg.norm(x[9] - x[ends].mean(axis=0))
            assert interval.coordinate.deciding(x) == pytest.approx(by_hand)
            assert interval.contains(by_hand) or not basin.contains(x)
    assert [i.coordinate.name for i in system.basins[0].intervals].count("middle") == 1
    (pull,) = system.saddle_guesses[0].biases
    x = read_geometry(system.geometries["E"])[1] + rng.normal(scale=0.01, size=(34, 3))
    energy, gradient = pull(x)
    numerical = numerical_gradient(lambda y: pull(y)[0], x)
    np.testing.assert_allclose(gradient, numerical, atol=1e-5 * np.abs(numerical).max())
    value = 10 * np.linalg.norm(x[9] - x[[6, 11]].mean(axis=0))
    assert energy == pytest.approx(0.5 * 900 * KCAL * (value - 0.9) ** 2)
    assert {system.mechanism.at(read_geometry(system.geometries[n])[1]) for n in ("Z", "E")} == {"wide", "narrow"}


def of_middle(data: dict[str, Any], file: str) -> ReactionCoordinate:
    system = load(data | {"system": file}).system
    return ReactionCoordinate(system.variables[-1:], (0.7,), -1.0, "logistic", "Z", "E", system.molecule.symbols)


def test_kind_of_variable_is_written_for_plumed_and_openmm(data: dict[str, Any], root: Path, tmp_path: Path) -> None:
    ours = of_middle(data, with_middle(root, tmp_path, data["system"]))
    lines = plumed(ours)["plumed.dat"].splitlines()
    assert "q1_u: DISTANCE ATOMS=10,7 COMPONENTS NOPBC" in lines
    assert "q1: CUSTOM ARG=q1_sx,q1_sy,q1_sz VAR=sx,sy,sz FUNC=5*sqrt(sx*sx+sy*sy+sz*sz) PERIODIC=NO" in lines
    system = openmm.System()
    for _ in ours.symbols:
        system.addParticle(1.0)
    system.addForce(openmm_force(ours))
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    x = np.random.default_rng(3).normal(scale=0.2, size=(34, 3))
    context.setPositions(x)
    state = context.getState(getEnergy=True, getForces=True)
    by_hand = 10 * np.linalg.norm(x[9] - x[[6, 11]].mean(axis=0))
    assert state.getPotentialEnergy()._value == pytest.approx(0.7 * by_hand - 1.0)
    numerical = numerical_gradient(lambda y: float(ours.evaluate(y[None]).r[0]), x)
    np.testing.assert_allclose(state.getForces(asNumpy=True)._value, -numerical, atol=1e-6)


def test_what_a_kind_of_variable_lacks_is_found_as_the_config_is_read(
    data: dict[str, Any], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = with_middle(root, tmp_path, data["system"])
    umbrella = {"rates": {"umbrella": {"methods": ["springs"], "variables": ["middle"]}}}
    assert load(data | {"system": file} | umbrella).settings("sample", "springs")
    bare = replace(cast(Kind, entry_of("midpoint_distance")), export=None)
    monkeypatch.setitem(KINDS, "midpoint_distance", bare)
    with pytest.raises(
        ConfigError,
        match=r"^config.yaml: rates.umbrella.variables.0: 'middle' is of the kind 'midpoint_distance', which OpenMM "
        r"cannot hold by a spring; take another variable$",
    ):
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(data | {"system": file} | umbrella))
        monkeypatch.chdir(tmp_path)
        for folder in ("resources", "config"):
            (tmp_path / folder).symlink_to(root / folder)
        load_with_files(data | {"system": file} | umbrella, ["config.yaml"])
    checked = CliRunner(env={"COLUMNS": "300"}).invoke(cli.app, ["check", "--quick", "config.yaml"])
    assert checked.exit_code == 1
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(data | {"system": file}))
    checked = CliRunner(env={"COLUMNS": "300"}).invoke(cli.app, ["check", "--quick", "config.yaml"])
    assert "candidate middle is of the kind 'midpoint_distance', which PLUMED and OpenMM have not" in checked.output
    with pytest.raises(ValueError, match="variable 'middle': kind 'midpoint_distance' has no counterpart"):
        plumed(of_middle(data, file))


@pytest.mark.parametrize(("bound", "stops"), [(40, True), (41, False)])
def test_criterion_holds_sampling_up(data: dict[str, Any], bound: float, stops: bool) -> None:
    asked = load(data | {"sampling": {"convergence": {"further": {"shots per chain": bound}}}})
    further = asked.settings("assess", "springs")["sampling"]["convergence"]["further"]
    assert further == {"shots per chain": bound}
    rng = np.random.default_rng(3)
    found = convergence.judge(
        round=1,
        coordinate=None,
        beats_null=False,
        values=rng.normal(size=(80, 1)),
        names=["q"],
        chain=np.repeat([1, 2], 40),
        mechanisms=[ChainMechanisms(k, "saddle", ["rotation"] * 40) for k in (1, 2)],
        previous=[],
        criteria=convergence.Criteria(0.1, 1.05, 100, 1, further),
        min_rounds=1,
        max_rounds=3,
    )
    last = found.criteria[-1]
    assert (last.name, last.value, last.bound, last.holds) == ("shots per chain", 40, bound, stops)
    assert ("too few shots in the shortest chain: 40" in found.verdict) != stops


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shots per chian", "'shots per chian' is not a criterion of convergence; did you mean 'shots per chain'"),
        ("R-hat", "'R-hat' is always judged"),
    ],
)
def test_criterion_that_is_not_there_is_one_line_as_the_config_is_read(data: dict, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"sampling.convergence.further: {message}"):
        load_with_files(data | {"sampling": {"convergence": {"further": {name: 1}}}})
    load_with_files(data | {"sampling": {"convergence": {"further": {"shots per chain": 1}}}})


def test_route_is_among_the_routes_and_is_cited(data: dict[str, Any]) -> None:
    assert "example" in by_trust()
    context = RouteContext("Z", "E", 300.0)
    (rate,) = ROUTES["example"].rates({"example": {"rate": 5.0}}, context).rates
    assert (rate["from"], rate["to"], rate["rate"]) == ("Z", "E", 5.0)
    assert "the example's rate" in citations.used(load(data))["eyring1935"]


def test_rules_of_the_package_are_part_of_the_workflow(data: dict[str, Any], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    data["methods"]["others"] = data["methods"]["springs"] | {"label": "Others"}
    config.write_text(yaml.safe_dump(data | {"results_directory": str(tmp_path / "results")}))
    run = snakemake("-n", "--configfile", str(config), cores=1)
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", run.stdout + run.stderr, flags=re.MULTILINE))
    assert (jobs["example_rate"], jobs["rates"]) == ("1", "2")


@pytest.mark.slow
def test_a_stage_of_the_package_runs_with_its_keys(data: dict[str, Any], tmp_path: Path) -> None:
    data["rates"]["example"]["people"] = 12
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(data | {"results_directory": str(tmp_path / "results")}))
    file = tmp_path / "results/springs/rates/example.json"
    run = snakemake(str(file), "--configfile", str(config), cores=1)
    assert run.returncode == 0, run.stderr[-2000:]
    assert read_json(file) == {"rate": 1.0, "people": 12, "seconds": pytest.approx(2.4e-13)}


def test_keys_of_the_package_are_checked(data: dict[str, Any], tmp_path: Path) -> None:
    def message(keys: dict[str, Any]) -> str:
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump(data | {"rates": {"example": keys}}))
        with pytest.raises(ConfigError) as error:
            load_with_files(yaml.safe_load(file.read_text()), [file])
        return str(error.value).removeprefix(f"{tmp_path}/")

    assert message({"people": 0}) == "mine.yaml: rates.example.people: 0 must be at least 1 (people who are asked)"
    assert "unknown key 'peple'; did you mean 'people'?" in message({"peple": 3})
    assert "rates.example.methods.0: 'spring' is not a method; did you mean 'springs'?" in message(
        {"methods": ["spring"]}
    )
    said = message({"people": 13})
    assert said == "mine.yaml: rates.example.people: 13 is not a number of people to ask; give another"
    with pytest.raises(ConfigError, match="rates: unknown key 'example'"):
        load(data, section=ConfigSection)


def test_keys_of_the_package_are_in_tables_and_schemas() -> None:
    line = "| `rates.example.patience_fs` | fs | 20 | time for an answer |"
    assert line in table(sections()["config"]) and line not in table(ConfigSection)
    rates = json_schema(config_section())["properties"]["rates"]["properties"]
    assert rates["example"]["properties"]["people"]["maximum"] == 1000
    assert "example" not in json_schema(ConfigSection)["properties"]["rates"]["properties"]


def test_keys_of_the_package_are_parameters_of_the_stages_that_they_name(
    data: dict[str, Any], example: ModuleType
) -> None:
    one, other = (load(data | {"rates": {"example": {"people": number}}}) for number in (3, 4))
    stages = ("example_rate", "harmonic", "rates", "umbrella", "sample", "assess")
    assert [s for s in stages if one.settings(s, "springs") != other.settings(s, "springs")] == ["example_rate"]
    given = StageSettings("example_rate", one.settings("example_rate", "springs")).config.rates
    assert section_in(given, "example", example.ExampleRateSection).people == 3
    with pytest.raises(AttributeError, match="the stage does not depend on it"):
        _ = section_in(given, "example", example.ExampleRateSection).methods


def test_methods_of_a_scan_take_the_route_of_the_method_that_they_vary(data: dict[str, Any]) -> None:
    scan = {"methods": ["springs"], "setting": "options.stiffness", "values": [1e4]}
    config = load(data | {"scans": {"stiffness": scan}})
    (varied,) = config.variations
    assert [route.name for route in asked_routes(config.sections.rates, varied)] == ["harmonic", "example"]


def test_keys_show_in_check_where_a_config_gives_them(data: dict[str, Any]) -> None:
    assert "the keys rates.example come from the package exampleplugin" in package_notes(load(data))
    assert not any("keys" in line for line in package_notes(load(data | {"rates": {}})))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rates.umbrella", "'rates.umbrella', which is a key of Separatrix already; its package must give it another"),
        ("rats.mine", "'rats.mine', but 'rats' is no section that is always there; its package must put it elsewhere"),
        ("methods.mine", "'methods.mine', but 'methods' is no section that is always there"),
    ],
)
def test_a_section_without_a_place_is_one_line(
    example: ModuleType, installed: Path, name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installed / "misplaced.py").write_text(
        "from exampleplugin.section import LateChainsSection\n"
        "from separatrix.config.package_sections import PackageSection\n"
        f"SECTION = PackageSection({name!r}, LateChainsSection, 'mine')\n"
    )
    monkeypatch.delitem(sys.modules, "misplaced", raising=False)
    info = installed / "misplaced-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: misplaced\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[separatrix.sections]\n{name} = misplaced\n")
    monkeypatch.syspath_prepend(str(installed / "."))
    with pytest.raises(ConfigError, match=f"the package misplaced registers the section {message}"):
        config_section()


def test_a_criterion_of_the_package_has_keys_of_its_own(data: dict[str, Any]) -> None:
    keys = {"shots_per_chain": {"left_out": 5}, "convergence": {"further": {"shots per chain": 36}}}
    config = load(data | {"sampling": keys})
    given = StageSettings("assess", config.settings("assess", "springs")).config.sampling
    evidence = SimpleNamespace(chain=np.repeat([1, 2], 40), keys=given)
    judged = CRITERIA["shots per chain"].judge(evidence, 36)
    assert judged is not None and (judged.value, judged.holds) == (35, False)


def test_rates_of_the_package_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = SimpleNamespace(reactant="A", product="B")
    stage = SimpleNamespace(
        system=system, method=SimpleNamespace(label="model"), config=SimpleNamespace(temperature_K=300.0)
    )
    monkeypatch.setattr(rate_routes, "StageSettings", lambda *_: stage)
    rate = {"from": "A", "to": "B", "temperature": 300.0, "rate": 2.0, "shares": []}
    rules = {"statistics": "classical", "low_modes": "raised", "cutoff": 50.0, "tunnelling": "none"}
    harmonic = {"source": "a model", "states": ["A", "B"], "temperature_K": 300.0, "rates": [rate], "rules": rules}
    harmonic |= {"channels": [], "without_saddle": {}, "laws": [], "kinetics": []}
    write_json(harmonic, tmp_path / "harmonic.json")
    write_json({"rate": 1.0, "people": 9}, tmp_path / "example.json")
    files = {name: tmp_path / f"{name}.json" for name in ("harmonic", "example")}
    rate_routes.gather({"temperature_K": 300.0}, tmp_path / "rates.json", **files)
    content = read_json(tmp_path / "rates.json")
    assert [(r["route"], r["rate"]) for r in content["routes"]] == [("harmonic", 2.0), ("example", 1.0)]
    assert "people asked for the rate" in {q.label for q in rate_estimates(content)}
    table = rates_table.content([content], ["model"], None).html()
    assert "a rate from a file" in table and "9 people were asked" in table


def test_figure_is_drawn_from_its_data_and_shown_with_its_caption(tmp_path: Path) -> None:
    methods = [method(), broken()]
    summaries = {m.name: summarise(m, toy_system(), np.random.default_rng(1)) for m in methods}
    frame = figure_data.data_frames(Compared(methods, summaries, toy_system()))["chain_shots"]
    assert frame["shots"].tolist() == [int(chain.shots.sum()) for m in methods for chain in m.chains]
    figure_data.write_csv(frame, tmp_path / "chain_shots.csv")
    stored = figure_data.read_csv(tmp_path / "chain_shots.csv", figure_data.data_columns()["chain_shots"])
    figure = figure_registry.shown_figures([])["chain_shots"]
    outputs = {"chain_shots": tmp_path / "chain_shots.svg", "chain_shots_data": tmp_path / "chain_shots.csv"}
    figure_data.draw(figure, stored, [m.label for m in methods], outputs)
    assert "shots after the burn-in" in words(outputs["chain_shots"].read_text())
    (tmp_path / "chain_shots.rst").write_text(figure.caption)
    item = {"section": figure.section, "name": figure.stem, "title": figure.title}
    item |= {"caption": str(tmp_path / "chain_shots.rst"), "figure": str(outputs["chain_shots"])}
    (shown,) = page.figure_items([item], Phrases("en"))["sure"]
    assert shown["title"] == "Shots of each chain" and "spec" in shown
    assert [(span.kind, span.text) for span in shown["caption"][0]][1] == ("em", "counted")


def test_figure_stands_in_the_docs() -> None:
    hooks = runpy.run_path(str(ROOT / "docs/hooks.py"))
    text = hooks["figures"]()
    assert "Shots of each chain after the burn-in. They are *counted*" in text
    assert "`chain_shots.svg`, `data/chain_shots.csv`" in text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("section='somewhere'", "chain_shots: section 'somewhere' is none; give one of mechanism, barrier,"),
        ("caption=' '", "chain_shots: caption is empty"),
        ("caption='{{ config }}'", "chain_shots: caption holds '{{', which Snakemake's report would act on"),
        ("name='chain shots'", "name 'chain shots' names files; write it with letters, digits and _"),
    ],
)
def test_figure_that_cannot_be_is_one_line_of_the_workflow(
    data: dict[str, Any], installed: Path, tmp_path: Path, changed: str, message: str
) -> None:
    module = installed / "exampleplugin/figure.py"
    module.write_text(module.read_text() + f"\nimport dataclasses\nFIGURE = dataclasses.replace(FIGURE, {changed})\n")
    config = write_yaml(data | {"results_directory": str(tmp_path / "results")}, tmp_path / "config.yaml")
    run = snakemake("-n", "--configfile", str(config), cores=1)
    said = [line for line in run.stderr.splitlines() if line.startswith("separatrix: ")]
    assert run.returncode == 1 and len(said) == 1
    assert "'chain_shots' is registered by the package exampleplugin" in said[0] and message in said[0]


@pytest.mark.slow
@pytest.mark.xdist_group("dag")
def test_figure_goes_into_report_export_and_provenance_of_a_finished_run(
    model_run: tuple[Path, Path], tmp_path: Path
) -> None:
    """Only what shows it is made again."""
    file, finished = model_run
    results = tmp_path / "results"
    shutil.copytree(finished, results)
    config = write_yaml(
        yaml.safe_load(file.read_text()) | {"results_directory": str(results)}, tmp_path / "config.yaml"
    )
    arguments = ["--configfile", str(config), "--nolock", "--rerun-triggers", "mtime"]
    run = snakemake(*arguments)
    assert run.returncode == 0, run.stderr[-3000:]
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", run.stdout + run.stderr, flags=re.MULTILINE))
    assert {"captions", "compare", "figures", "report_page", "export"} <= set(jobs) and "sample" not in jobs
    text = (results / "report.html").read_text()
    assert 'id="figure-chain_shots"' in text and "Shots of each chain after the burn-in. They are" in text
    assert (results / "export/data/comparison/data/chain_shots.csv").exists()
    assert (results / "comparison/chain_shots.pdf").exists()
    run = snakemake(*arguments, "--report", str(tmp_path / "provenance.html"))
    assert run.returncode == 0, run.stderr[-3000:]
    assert "Shots of each chain after the burn-in. They are" in (tmp_path / "provenance.html").read_text()


def test_criterion_shows_in_comparison_table_and_figure() -> None:
    last = method().assessments[-1]
    judged = {"name": "shots per chain", "value": 40.0, "bound": 30.0, "holds": True, "text": "enough shots: 40"}
    asked = replace(method(), assessments=({**last, "criteria": [*last["criteria"], judged]},))
    q = toy_summary(asked)["convergence_measure[measure=shortest_chain]"]
    assert (q.value, q.label, q.text) == (40.0, "shots in the shortest chain", "wanted: at least 30")
    assert list(toy_summary(method())) == [key for key in toy_summary(asked) if "shortest_chain" not in key]
    rows = convergence_by_round.rows(asked, Compared([asked], {}, toy_system()))
    frame = pd.DataFrame(rows).assign(method=asked.name, label=asked.label)
    table = convergence_rounds.content(frame).html()
    assert "<th>shots in the shortest chain</th>" in table and "<td>at least 30</td>" in table
    assert "shots in the shortest chain (wanted: at least 30)" in words(
        charts.svg(convergence_by_round.chart(frame, [asked.label]))
    )
    # Its columns are numbers, also where a field is empty: what a job of the workflow knows when it starts.
    code = (
        "from separatrix.report.figure_registry import FIGURES as f; print(f['convergence'].columns['shortest_chain'])"
    )
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert started.stdout == "<class 'float'>\n"


def test_quantity_is_compared_and_shown(tmp_path: Path) -> None:
    data = method()
    durations = [c.duration[c.sampled].max() for c in data.chains]
    estimates = summarise(data, toy_system(), np.random.default_rng(1))
    assert (estimates[-1].key, estimates[-1].value, estimates[-1].unit) == ("longest_path", max(durations), "fs")
    frame = comparison_frame({data.name: estimates}, {data.name: data.label})
    assert frame.iloc[-1]["group"] == "sampling" and frame.iloc[-1]["quantity"] == "longest path"
    shown = all_methods.content(frame.fillna({"text": "", "note": ""})).html()
    assert f'<td title="an extreme value: it grows with the number of paths">{max(durations):.0f}</td>' in shown
    write_json(comparison_json([data], {data.name: estimates}), tmp_path / "comparison" / "comparison.json")
    same = {d.key: d.verdict for d in compare_runs.compare_runs(tmp_path, tmp_path).differences}
    assert same["longest_path"] == compare_runs.RunVerdict.EQUAL
