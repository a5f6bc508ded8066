"""Configuration: the shipped files are good, and every mistake ends in one line with file, key and remedy."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from conftest import ROOT, snakemake, write_yaml

from separatrix.config.configuration import Config
from separatrix.config.load import load
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import build_system
from separatrix.core.errors import ConfigError
from separatrix.core.section import Section, check
from separatrix.core.section_documents import json_schema
from separatrix.core.yaml_file import read_yaml

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
SYSTEM = yaml.safe_load((ROOT / "config/systems/dnab.yaml").read_text())

Change = Callable[[dict[str, Any]], Any]


def test_shipped_config_loads() -> None:
    loaded = load(CONFIG, ["config/config.yaml"])
    assert list(loaded.methods) == ["gaff2", "pm6", "dftb2"]
    assert loaded.system.molecule.n_atoms == 34
    assert len(loaded.system.molecule.bonds) == 35
    assert (loaded.system.reactant, loaded.system.product) == ("Z", "E")
    assert loaded.methods["gaff2"].dynamics.steps_per_frame == 10
    assert loaded.methods["gaff2"].shift == 2


def test_defaults_are_filled_in() -> None:
    minimal = {"system": CONFIG["system"], "methods": CONFIG["methods"]}
    loaded = load(minimal)
    assert loaded.data["temperature_K"] == 300
    assert loaded.data["committor"]["configurations"] == 15
    assert loaded.data["methods"]["gaff2"]["options"] == {"file": "resources/dnab/gaff2.xml"}


def _leaves(rules: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, sub in rules.get("properties", {}).items():
        found += [(*path, key), *_leaves(sub, (*path, key))]
    for part in ("additionalProperties", "items"):
        if isinstance(rules.get(part), dict):
            found += _leaves(rules[part], path)
    return found


@pytest.mark.parametrize("section", [ConfigSection, SystemSection])
def test_every_key_of_the_schema_is_documented(section: type[Section]) -> None:
    text = (ROOT / "config/README.md").read_text()
    missing = [".".join(p) for p in _leaves(json_schema(section)) if f"{p[-1]}" not in text]
    assert not missing


@pytest.mark.parametrize("section", [ConfigSection, SystemSection])
def test_schema_is_valid_and_closed(section: type[Section]) -> None:
    rules = json_schema(section)
    jsonschema.Draft202012Validator.check_schema(rules)
    assert rules["additionalProperties"] is False


def _scan(**changed: Any) -> Change:
    spec = {"methods": ["pm6"], "setting": "dynamics.friction_per_ps", "values": [1]}
    return _put("scans", {"s": {**spec, **changed}})


def _all(*changes: Change) -> Change:
    def change(data: dict[str, Any]) -> None:
        for each in changes:
            each(data)

    return change


def _put(*path: Any) -> Change:
    *where, key, value = path

    def change(data: dict[str, Any]) -> None:
        for step in where:
            data = data[step]
        data[key] = value

    return change


def _drop(*path: Any) -> Change:
    *where, key = path

    def change(data: dict[str, Any]) -> None:
        for step in where:
            data = data[step]
        del data[key]

    return change


PM6 = ("methods", "pm6")

#: a change to the config, then words that the message must hold: the key, and the remedy
BAD_CONFIGS: list[tuple[str, Change, list[str]]] = [
    ("unknown key", _put("temprature_K", 300), ["temprature_K", "did you mean 'temperature_K'"]),
    ("wrong unit", _put("temperature_C", 27), ["temperature_C", "did you mean 'temperature_K'"]),
    ("wrong unit of time", _put(*PM6, "dynamics", "time_step_ps", 0.001), ["pm6.dynamics", "'time_step_fs'"]),
    ("missing system", _drop("system"), ["'system' is missing"]),
    ("no methods", _put("methods", {}), ["methods", "at least 1"]),
    ("text for a number", _put("sampling", "chains", "two"), ["sampling.chains", "not a whole number"]),
    ("fraction of a chain", _put("sampling", "chains", 1.5), ["sampling.chains", "not a whole number"]),
    ("true for a number", _put("seed", True), ["seed", "not a whole number"]),
    ("negative temperature", _put("temperature_K", -300), ["temperature_K", "more than 0"]),
    ("unknown potential", _put(*PM6, "potential", "mopak"), ["pm6.potential", "did you mean 'mopac'"]),
    ("unknown Hamiltonian", _put(*PM6, "options", "hamiltonian", "PM9"), ["pm6.options.hamiltonian", "PM7"]),
    ("unknown option", _put(*PM6, "options", "hamilton", "PM6"), ["pm6.options.hamilton", "'hamiltonian'"]),
    ("missing option", _drop(*PM6, "options", "hamiltonian"), ["pm6.options.hamiltonian", "missing"]),
    ("no such force field", _put("methods", "gaff2", "options", "file", "no.xml"), ["no.xml does not exist"]),
    ("no such system", _put("system", "config/systems/no.yaml"), ["no.yaml does not exist"]),
    (
        "name with a space",
        _put("methods", "pm 6", CONFIG["methods"]["pm6"]),
        ["'pm 6' cannot be used as a name"],
    ),
    ("shift off the grid", _put(*PM6, "dynamics", "shift_fs", 2.5), ["shift_fs", "multiple of the frame"]),
    ("frame off the grid", _put(*PM6, "dynamics", "frame_fs", 1.5), ["frame_fs", "multiple of time_step_fs"]),
    ("short halves", _put(*PM6, "dynamics", "longest_half_fs", 3), ["longest_half_fs", "too short"]),
    ("unknown model", _put("coordinate", "model", "logit"), ["coordinate.model", "did you mean 'logistic'"]),
    (
        "a map of what is no variable",
        _put("committor", "map", {"variables": ["cos(C6,N9,N10,C11)", "sin(C6,N9,N10,C1)"]}),
        ["committor.map.variables.1", "not a candidate variable", "did you mean 'sin(C6,N9,N10,C11)'"],
    ),
    (
        "fewer adaptive shots than fixed ones",
        _put("committor", "adaptive", {"half_width": 0.1, "most_shots": 4}),
        ["committor.adaptive.most_shots", "less than shots_per_configuration"],
    ),
    ("an unknown source", _put("committor", "source", "path"), ["committor.source", "paths", "restrained"]),
    ("too many batches", _put("committor", "batches", 99), ["committor.batches", "at most"]),
    ("too few shots", _put("sampling", "shots_per_round", 2), ["shots_per_round", "at least 5"]),
    ("old key", _put("sampling", "shots_per_chain", 60), ["shots_per_chain", "did you mean 'shots_per_round'"]),
    ("unknown rule", _put("sampling", "rule", "three point"), ["sampling.rule", "did you mean 'three-point'"]),
    ("unknown start", _put("sampling", "starts", ["sadle"]), ["sampling.starts.0", "did you mean 'saddle'"]),
    ("more rounds than the most", _put("sampling", "min_rounds", 9), ["sampling.min_rounds", "max_rounds, 3"]),
    ("impossible R-hat", _put("sampling", "convergence", {"r_hat": 1}), ["convergence.r_hat", "more than 1"]),
    ("all accepted", _put("sampling", "burn_in", {"target_acceptance": 1}), ["target_acceptance", "less than 1"]),
    ("negative friction", _put(*PM6, "dynamics", "friction_per_ps", -1), ["friction_per_ps", "at least 0"]),
    ("scan of no method", _scan(methods=["pm7"]), ["scans.s.methods.0", "did you mean 'pm6'"]),
    ("scan of no key", _scan(setting="dynamics.friction"), ["scans.s.setting", "did you mean 'friction_per_ps'"]),
    (
        "scan of no option",
        _scan(setting="options.solvent"),
        ["scans.s.setting", "'solvent'", "a key of options of pm6"],
    ),
    ("scan of a label", _scan(setting="label"), ["scans.s.setting", "'label'"]),
    ("scan of what cannot be", _scan(values=[-1]), ["pm6-s--1.dynamics.friction_per_ps", "at least 0"]),
    (
        "scan of a name that is taken",
        _all(_put("methods", "pm6-s-2", CONFIG["methods"]["pm6"]), _scan(values=[1, 2])),
        ["scans.s.values.1", "is taken"],
    ),
    ("scan of nothing", _scan(values=[None]), ["scans.s.values.0", "nothing is not a number or text"]),
    ("scan of a list", _scan(values=[[1, 2]]), ["scans.s.values.0", "[1, 2] is not a number or text"]),
    (
        "scan of a word for a number",
        _scan(setting="options.dielectric_constant", values=["water"]),
        ["scans.s.values.0", "dielectric_constant", "'water' is not a int or float"],
    ),
    (
        "scan of an unknown potential",
        _all(_put(*PM6, "potential", "mopak"), _scan(setting="options.hamiltonian", values=["PM7"])),
        ["methods.pm6.potential", "did you mean 'mopac'"],
    ),
    (
        "scan twice",
        _all(_scan(), lambda data: data["scans"].update(t=data["scans"]["s"])),
        ["scans.t", "the label 'PM6, friction 1/ps' of pm6-t-1 is also that of pm6-s-1"],
    ),
    ("one label twice", _put(*PM6, "label", "GAFF2"), ["methods.pm6.label", "'GAFF2' is also the label of gaff2"]),
    (
        "a label that is a name",
        _all(_put(*PM6, "label", "dftb2"), _drop("methods", "dftb2", "label")),
        ["methods.dftb2.label", "'dftb2' is also the label of pm6"],
    ),
    ("list for a mapping", _put("committor", [1]), ["committor", "not a mapping"]),
    ("too many variables", _put("coordinate", "max_variables", 9), ["max_variables", "at most 4"]),
    (
        "unknown variable",
        _put("coordinate", "compare_with", [["angle(N9,N10)"]]),
        ["coordinate.compare_with.0.0", "did you mean 'angle(C6,N9,N10)'"],
    ),
    ("empty set", _put("coordinate", "compare_with", [[]]), ["coordinate.compare_with.0", "at least 1"]),
    (
        "unknown check",
        _put("coordinate", "nonlinear_models", ["boost"]),
        ["coordinate.nonlinear_models.0", "did you mean 'boosting'"],
    ),
]

BAD_SYSTEMS: list[tuple[str, Change, list[str]]] = [
    ("unknown atom", _put("coordinates", "CNNC", "atoms", 0, "C7x"), ["coordinates.CNNC.atoms", "'C7x'", "C6"]),
    ("index too large", _put("atoms", "C6", 99), ["atoms.C6", "0 to 33"]),
    ("one atom, two names", _put("atoms", "C6", 9), ["atoms", "two names"]),
    ("atoms missing", _put("coordinates", "theta9", "atoms", ["C6", "N9"]), ["theta9", "needs 3 atoms"]),
    ("atom twice", _put("coordinates", "theta9", "atoms", ["C6", "N9", "C6"]), ["theta9", "twice"]),
    ("overlap", _put("basins", "E", "within", 0, "range_deg", [30, 220]), ["basins.Z", "overlaps basin E"]),
    ("upside down", _put("basins", "Z", "within", 1, "range_deg", [145, 0]), ["within.1", "not below"]),
    ("distance range for an angle", _put("basins", "Z", "within", 1, {"coordinate": "theta9", "range_A": [0, 2]}),
     ["within.1", "range_deg"]),
    ("unknown coordinate", _put("basins", "Z", "within", 0, "coordinate", "CNN"), ["'CNN'", "did you mean 'CNNC'"]),
    ("geometry elsewhere", _put("basins", "Z", "geometry", "resources/dnab/dnab_E.xyz"), ["lies in E, not in Z"]),
    ("no geometry", _put("basins", "Z", "geometry", "nowhere.xyz"), ["nowhere.xyz"]),
    ("not a geometry", _put("basins", "Z", "geometry", "LICENSE"), ["LICENSE", "not a readable geometry"]),
    ("one basin", _drop("basins", "Z"), ["basins", "at least 2"]),
    ("to itself", _put("reaction", "to", "Z"), ["reaction", "same basin"]),
    ("unknown product", _put("reaction", "to", "F"), ["reaction.to", "'F'"]),
    ("unknown kind", _put("variables", "extra", 0, "kind", "angel"), ["variables.extra.0", "angle"]),
    ("variable of an unknown atom", _put("variables", "extra", 0, "atoms", 0, "X1"), ["variables.extra.0", "X1"]),
    ("name taken", _put("variables", "extra", 0, "name", "angle(N9,N10,C11)"), ["is taken"]),
    ("pull on nothing", _put("saddle_guesses", 0, "pull", 0, "coordinate", "theta"), ["saddle_guesses.0", "theta"]),
    ("crossing of nothing", _put("mechanism", "crossing", {"coordinate": "theta9", "at_deg": 170}),
     ["mechanism.crossing", "same side"]),
    ("crossing in a basin", _put("mechanism", "crossing", "at_deg", 150),
     ["mechanism.crossing", "CNNC of 150 lies in basin E", "without its sign", "outside both"]),
    ("start nowhere", _put("saddle_guesses", 0, "start", "Q"), ["saddle_guesses.0.start", "'Q'"]),
]  # fmt: skip


def _one_line(error: ConfigError, file: str, words: list[str]) -> None:
    message = str(error)
    assert "\n" not in message
    assert file in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(("change", "words"), [b[1:] for b in BAD_CONFIGS], ids=[b[0] for b in BAD_CONFIGS])
def test_bad_config_is_one_clear_line(tmp_path: Path, change: Change, words: list[str]) -> None:
    data = copy.deepcopy(CONFIG)
    change(data)
    file = write_yaml(data, tmp_path / "mine.yaml")
    with pytest.raises(ConfigError) as caught:
        load(read_yaml(file), [file])
    _one_line(caught.value, "mine.yaml", words)


@pytest.mark.parametrize(("change", "words"), [b[1:] for b in BAD_SYSTEMS], ids=[b[0] for b in BAD_SYSTEMS])
def test_bad_system_is_one_clear_line(tmp_path: Path, change: Change, words: list[str]) -> None:
    system = copy.deepcopy(SYSTEM)
    change(system)
    data = {**CONFIG, "system": str(write_yaml(system, tmp_path / "molecule.yaml"))}
    with pytest.raises(ConfigError) as caught:
        load(data, [write_yaml(data, tmp_path / "mine.yaml")])
    # A geometry file that cannot be read is named itself.
    _one_line(caught.value, words[0] if words[0] in ("nowhere.xyz", "LICENSE") else "molecule.yaml", words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed: 1\nseed: 2\n", ["line 2", "'seed'", "second time"]),
        ("seed: [1\n", ["not valid YAML"]),
        ("- 1\n- 2\n", ["no mapping"]),
        ("seed: !!python/object/apply:os.system ['true']\n", ["not valid YAML"]),
    ],
    ids=["key twice", "syntax", "list", "python object"],
)
def test_bad_yaml_is_one_clear_line(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(file)
    _one_line(caught.value, "mine.yaml", words)


def test_error_names_the_file_that_holds_the_key(tmp_path: Path) -> None:
    first = write_yaml(CONFIG, tmp_path / "first.yaml")
    second = write_yaml({"sampling": {"chains": 0}}, tmp_path / "second.yaml")
    data = copy.deepcopy(CONFIG)
    data["sampling"]["chains"] = 0
    with pytest.raises(ConfigError, match=r"second\.yaml: sampling\.chains"):
        load(data, [first, second])


def test_snakemake_stops_with_one_line_before_anything_runs(tmp_path: Path) -> None:
    data = copy.deepcopy(CONFIG) | {"results_directory": str(tmp_path / "results")}
    data["methods"]["pm6"]["potential"] = "mopak"
    file = write_yaml(data, tmp_path / "mine.yaml")
    run = snakemake("--configfile", str(file), "--nolock")
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    assert run.returncode != 0
    assert any("mine.yaml: methods.pm6.potential: 'mopak' is not a potential" in line for line in lines)
    assert "Traceback" not in run.stderr
    assert len(lines) <= 3, run.stderr
    assert not (tmp_path / "results").exists()


def test_a_name_that_another_atom_goes_by(tmp_path: Path) -> None:
    """C7, which has no name, goes by that one: a variable of C7 would be of one or the other."""
    for around in (SYSTEM["variables"]["around"], []):
        data = copy.deepcopy(SYSTEM)
        data["atoms"]["C7"] = 0
        data["variables"]["around"] = around
        data["variables"]["extra"].append({"name": "d", "kind": "distance", "atoms": ["C7", "C6"]})
        with pytest.raises(ConfigError, match=r"atoms.C7: atom 7 has no name of its own and goes by that one"):
            load(CONFIG | {"system": str(write_yaml(data, tmp_path / "system.yaml"))})


def test_files_that_variables_are_measured_against(tmp_path: Path) -> None:
    """By path and by basin, also within a compound, each once; other variables have none."""
    assert load(CONFIG).system.reference_files == ()
    shutil.copy(ROOT / "resources/dnab/dnab_E.xyz", tmp_path / "other.xyz")
    other = {"kind": "rmsd", "reference": str(tmp_path / "other.xyz"), "name": "other"}
    z = {"kind": "rmsd", "reference": "Z", "atoms": ["C6", "N9", "N10", "C11"]}
    extra = [other, {"kind": "difference", "terms": [z, {"kind": "rmsd", "reference": "E", "weight": -1}]}, z]
    data = copy.deepcopy(SYSTEM)
    data["variables"]["extra"] = extra
    found = load(CONFIG | {"system": str(write_yaml(data, tmp_path / "system.yaml"))}).system
    names = [str(tmp_path / "other.xyz"), "resources/dnab/dnab_Z.xyz", "resources/dnab/dnab_E.xyz"]
    assert found.reference_files == tuple(names)


class TestSettings:
    """A stage's parameters hold what it depends on and nothing else."""

    @staticmethod
    def _changed(change: Change, stage: str, method: str, draw: str | None = None) -> bool:
        draw = draw or ("separatrix" if stage in ("draw", "committor_shots") else None)
        data = copy.deepcopy(CONFIG)
        before = load(data).settings(stage, method, draw)
        change(data)
        return load(data).settings(stage, method, draw) != before

    def test_a_method_does_not_see_another(self) -> None:
        change = _put(*PM6, "dynamics", "shift_fs", 4)
        assert self._changed(change, "sample", "pm6")
        for stage in ("minimum", "saddle_search", "first_path", "sample", "committor_shots", "committor"):
            assert not self._changed(change, stage, "gaff2")

    def test_geometries_do_not_see_the_dynamics(self) -> None:
        assert not self._changed(_put(*PM6, "dynamics", "shift_fs", 4), "saddle_search", "pm6")

    def test_sampling_does_not_see_the_committor_or_the_label(self) -> None:
        assert not self._changed(_put("committor", "configurations", 20), "sample", "pm6")
        assert not self._changed(_put(*PM6, "label", "PM6 (MOPAC)"), "sample", "pm6")
        assert self._changed(_put("committor", "configurations", 20), "draw", "pm6")

    def test_a_set_of_committor_shots_does_not_see_another(self) -> None:
        more = _put("committor", "calibration", {"configurations": 30, "shots_per_configuration": 9})
        for stage in ("draw", "committor_shots"):
            assert self._changed(more, stage, "pm6", "calibration")
            assert not self._changed(more, stage, "pm6", "separatrix")
        for change in (_put("committor", "source", "shooting points"), _put("committor", "tolerance", 0.1)):
            assert self._changed(change, "draw", "pm6", "separatrix")
            assert not self._changed(change, "draw", "pm6", "calibration")
        shots = _put("committor", "shots_per_configuration", 12)
        assert self._changed(shots, "committor", "pm6") and not self._changed(shots, "draw", "pm6")

    def test_sets_of_committor_shots(self) -> None:
        data = copy.deepcopy(CONFIG)
        sizes = {"separatrix": (10, 6), "calibration": (6, 6)}
        assert load(data).draws() == sizes
        pair = ["sin(theta10)cos(CNNC)", "cos(C6,N9,N10,C11)"]
        data["committor"] |= {
            "calibration": {"configurations": 0},
            "baseline": {"configurations": 5},
            "map": {"variables": pair, "bins": 3},
            "source": "restrained",
        }
        found = load(data)
        assert found.draws() == {"separatrix": (10, 6), "baseline": (5, 8), "map": (9, 4)}
        assert [found.source(d) for d in found.draws()] == ["restrained", "paths", "paths"]

    def test_everything_sees_the_seed(self) -> None:
        for stage in ("minimum", "sample", "committor_shots"):
            assert self._changed(_put("seed", 7), stage, "gaff2")


class TestScans:
    """Methods that come of varying a key of another."""

    @staticmethod
    def _loaded(**scans: Any) -> Config:
        data = copy.deepcopy(CONFIG)
        data["scans"] = scans
        return load(data)

    def test_a_method_for_each_value(self) -> None:
        friction = {"methods": ["gaff2", "pm6"], "setting": "dynamics.friction_per_ps", "values": [0.1, 10]}
        found = self._loaded(friction=friction)
        names = ["gaff2-friction-0.1", "gaff2-friction-10", "pm6-friction-0.1", "pm6-friction-10"]
        assert list(found.methods) == [*CONFIG["methods"], *names]
        method, parent = found.methods[names[0]], found.methods["gaff2"]
        assert (method.dynamics.friction, parent.dynamics.friction) == (0.1, 0.0)
        assert replace(method.dynamics, friction=0.0) == parent.dynamics and method.options == parent.options
        assert method.label == "GAFF2, friction 0.1/ps"
        # The routes of what is varied, and its geometries.
        assert found.data["rates"]["umbrella"]["methods"] == ["gaff2", *names[:2]]
        assert [found.surface_of(n) for n in ("gaff2", *names)] == ["gaff2", "gaff2", "gaff2", "pm6", "pm6"]
        members = found.scan("friction")["members"]
        assert [m["value"] for m in members] == [0, 0.1, 10] * 2
        assert found.scan("friction")["quantity"] == "friction (/ps)"

    def test_a_solvent_has_stationary_points_of_its_own(self) -> None:
        water = {"methods": ["pm6"], "setting": "options.dielectric_constant", "values": [78.4]}
        found = self._loaded(solvent=water)
        assert found.methods["pm6-solvent-78.4"].options == {"hamiltonian": "PM6", "dielectric_constant": 78.4}
        assert found.methods["pm6-solvent-78.4"].label == "PM6, ε = 78.4"
        assert found.surface_of("pm6-solvent-78.4") == "pm6-solvent-78.4"
        assert [m["value"] for m in found.scan("solvent")["members"]] == [1.0, 78.4]

    @pytest.mark.parametrize(
        ("setting", "value", "own"),
        [
            ("options.solvent", "water", "none"),
            ("options.solvation", "gbsa", "alpb"),
            ("options.electronic_temperature_K", 1000, "default"),
            ("options.method", "GFN1-xTB", "GFN2-xTB"),
            ("dynamics.friction_per_ps", 1, 0),
            ("dynamics.frame_fs", 2, 1),
        ],
    )
    def test_what_is_varied_stands_with_what_holds_in_it(self, setting: str, value: Any, own: Any) -> None:
        """A setting that the config leaves out is not none of it."""
        data = copy.deepcopy(CONFIG)
        dynamics = {"time_step_fs": 1, "shift_fs": 4, "longest_half_fs": 500}
        data["methods"] = {"gfn": {"potential": "tblite", "options": {"method": "GFN2-xTB"}, "dynamics": dynamics}}
        data["rates"]["umbrella"]["methods"] = []
        data["scans"] = {"s": {"methods": ["gfn"], "setting": setting, "values": [value]}}
        assert [m["value"] for m in load(data).scan("s")["members"]] == [own, value]

    def test_a_value_given_again_stands_once(self) -> None:
        found = self._loaded(f={"methods": ["pm6"], "setting": "dynamics.friction_per_ps", "values": [0, 1]})
        assert [m["method"] for m in found.scan("f")["members"]] == ["pm6-f-0", "pm6-f-1"]

    def test_the_methods_themselves_do_not_change(self) -> None:
        friction = {"methods": ["pm6"], "setting": "dynamics.friction_per_ps", "values": [1]}
        with_scan, without = self._loaded(f=friction), self._loaded()
        for stage in ("minimum", "sample", "harmonic", "committor"):
            assert with_scan.settings(stage, "pm6") == without.settings(stage, "pm6")
        # Harmonic rates do not see a friction.
        one, other = (with_scan.settings("harmonic", n) for n in ("pm6", "pm6-f-1"))
        assert {**other, "name": "pm6"} == one


@pytest.mark.parametrize(
    "file", sorted(f.relative_to(ROOT) for f in (ROOT / "config/examples").glob("*.yaml")), ids=lambda f: f.stem
)
def test_every_example_is_right(file: Path) -> None:
    data = read_yaml(file)
    if "system" not in data:  # a model of `separatrix theory`, or what another file completes
        assert "theory" in file.stem
        return
    loaded = load(data, [file])
    # Each has results of its own, and says how it is run.
    assert loaded.data["results_directory"] != "results"
    assert f"--configfile {file}" in file.read_text() or "theory" in data


def test_bonds_that_a_reaction_forms_are_among_the_variables(tmp_path: Path) -> None:
    """Vinyl alcohol to acetaldehyde: the C-H bond is in no list of the reactant's bonds."""
    heavy = "C 0 0 0\nC 1.33 0 0\nO 2.0 1.19 0\nH -0.56 0.93 0\nH -0.5 -0.93 0.6\nH 1.85 -0.95 0\n"
    for name, extra in (("enol", [1.45, 1.98, 0.0]), ("keto", [-0.6, -0.5, -0.8])):
        (tmp_path / f"{name}.xyz").write_text(f"7\n{name}\n{heavy}H {' '.join(map(str, extra))}\n")
    system = {
        "name": "vinyl alcohol",
        "atoms": {"C0": 0, "C1": 1, "O": 2, "H": 6},
        "coordinates": {
            "OH": {"kind": "distance", "atoms": ["O", "H"]},
            "CH": {"kind": "distance", "atoms": ["C0", "H"]},
        },
        "basins": {
            name: {
                "geometry": str(tmp_path / f"{name}.xyz"),
                "within": [
                    {"coordinate": "OH", "range_A": [0.8, 1.25] if name == "enol" else [1.7, 4.0]},
                    {"coordinate": "CH", "range_A": [1.7, 4.0] if name == "enol" else [0.9, 1.35]},
                ],
            }
            for name in ("enol", "keto")
        },
        "reaction": {"from": "enol", "to": "keto"},
        "saddle_guesses": [
            {
                "name": "shift",
                "start": "enol",
                "pull": [{"coordinate": "OH", "target_A": 1.3, "strength_kcal_mol_A2": 500}],
            }
        ],
        "variables": {"around": ["C0", "C1", "O"], "bonds": 1, "hydrogens": False},
    }
    built = build_system(check(system, SystemSection, "here"), "here")
    names = [v.name for v in built.variables]
    assert names[:2] == ["distance(C0,C1)", "distance(C1,O)"]
    assert names[-3:] == ["distance(C0,H)", "distance(O,H)", "d(O,H)-d(C0,H)"]
    # With hydrogens, the angles and dihedrals about the bond that forms, too; each once.
    system["variables"]["hydrogens"] = True
    built = build_system(check(system, SystemSection, "here"), "here")
    names = [v.name for v in built.variables]
    assert {"distance(C0,H)", "angle(C1,C0,H)", "angle(C1,O,H)", "d(O,H)-d(C0,H)"} <= set(names)
    assert len(set(names)) == len(names)


def test_a_label_of_a_scan_may_be_longer_than_one_that_is_given() -> None:
    data = read_yaml("config/config.yaml")
    data["methods"]["pm6"]["label"] = "L" * 100
    data["scans"] = {"s": {"methods": ["pm6"], "setting": "dynamics.friction_per_ps", "values": [5]}}
    config = load(data)
    assert len(config.methods["pm6-s-5"].label) > 100
    assert {"pm6", "pm6-s-5"} <= set(config.sections.methods) and config.sections.methods["pm6"].label == "L" * 100
