"""A key is one field of one section: errors, documentation, schema and parameters of stages come from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from conftest import ROOT, write_yaml

from separatrix.config.load import load
from separatrix.config.sections.committor_keys import random_key
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.interface_keys import InterfacesSection
from separatrix.config.sections.rates_keys import RatesSection
from separatrix.config.sections.sampling_keys import SamplingSection
from separatrix.config.stage_names import ALONG_COORDINATE, GEOMETRY
from separatrix.config.stage_settings import StageSettings
from separatrix.core.errors import ConfigError
from separatrix.core.section import Number, Section, check, key, subsection
from separatrix.core.section_documents import json_schema, rows
from separatrix.report.key_tables import table

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())

#: Stages of one method, and of all methods together, as the rules name them.
RULES = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
OF_METHOD = [*re.findall(r'settings=settings(?:_of_draw)?\("(\w+)"', RULES), "saddle_search"]
OF_RUN = re.findall(r'CONFIG\.settings\("(\w+)"\)', RULES)


class Inner(Section):
    """A section with a key that had another name."""

    renamed: ClassVar[dict[str, str]] = {"old": "new"}

    new: int = key(1, "a number")


class Outer(Section):
    """Sections below others."""

    many: list[Inner] = key([], "several")
    named: dict[str, Inner] = key({}, "by name")


class LongerInterfaces(InterfacesSection):
    """With one more key."""

    delay_fs: Number = key(
        7, "delay between two paths", unit="fs", guide="a delay, for readers", stages=("interface_pilot",), gt=0, le=50
    )


class LongerRates(RatesSection):
    """With the key in it."""

    interfaces: LongerInterfaces = subsection(LongerInterfaces, "interface sampling")


class LongerConfig(ConfigSection):
    """With the key in it."""

    rates: LongerRates = subsection(LongerRates, "rates")


def with_delay(value: Any) -> dict[str, Any]:
    data = yaml.safe_load(yaml.safe_dump(CONFIG))
    data.setdefault("rates", {}).setdefault("interfaces", {})["delay_fs"] = value
    return data


class TestANewKey:
    """A field that is added to one section."""

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (99, "rates.interfaces.delay_fs: 99 must be at most 50 (delay between two paths)"),
            ("1e1", "'1e1' is not a number; give the delay between two paths (it is text to YAML; write it without"),
            (None, "rates.interfaces.delay_fs: nothing is not a number; give the delay between two paths"),
            (True, "rates.interfaces.delay_fs: True is not a number"),
        ],
    )
    def test_errors(self, tmp_path: Path, value: Any, words: str) -> None:
        file = write_yaml(with_delay(value), tmp_path / "mine.yaml")
        with pytest.raises(ConfigError) as caught:
            load(with_delay(value), [file], section=LongerConfig)
        assert "mine.yaml: " in str(caught.value) and words in str(caught.value)
        data = with_delay(1)
        data["rates"]["interfaces"]["dalay_fs"] = data["rates"]["interfaces"].pop("delay_fs")
        with pytest.raises(ConfigError, match="unknown key 'dalay_fs'; did you mean 'delay_fs'"):
            load(data, section=LongerConfig)
        with pytest.raises(ConfigError, match="unknown key 'delay_fs'"):
            load(with_delay(1))

    def test_documentation_and_schema(self) -> None:
        line = "| `rates.interfaces.delay_fs` | fs | 7 | a delay, for readers |"
        assert line in table(LongerConfig) and line not in table(ConfigSection)
        found = json_schema(LongerConfig)["properties"]["rates"]["properties"]["interfaces"]["properties"]["delay_fs"]
        expected = {"type": "number", "exclusiveMinimum": 0, "maximum": 50, "default": 7, "unit": "fs"}
        assert found == expected | {"description": "delay between two paths"}

    def test_parameters_of_the_stages_that_it_names_and_of_no_other(self) -> None:
        one, other = (load(with_delay(value), section=LongerConfig) for value in (1, 2))
        cases = [(stage, "pm6", None) for stage in OF_METHOD if stage not in ("draw", "committor_shots")]
        cases += [(stage, "pm6", "separatrix") for stage in ("draw", "committor_shots")]
        cases += [(stage, None, None) for stage in OF_RUN]
        changed = [stage for stage, *rest in cases if one.settings(stage, *rest) != other.settings(stage, *rest)]
        assert changed == ["interface_pilot"]
        assert one.settings("interface_pilot", "pm6")["rates"]["interfaces"]["delay_fs"] == 1
        assert load(CONFIG, section=LongerConfig).data["rates"]["interfaces"]["delay_fs"] == 7

    def test_a_stage_reads_it_typed(self) -> None:
        given = load(with_delay(3), section=LongerConfig).settings("interface_pilot", "pm6")
        assert LongerConfig.of_stage("interface_pilot", given).rates.interfaces.delay_fs == 3


def test_a_stage_cannot_read_what_it_does_not_depend_on() -> None:
    given = StageSettings("sample", load(CONFIG).settings("sample", "pm6"))
    assert given.config.sampling.rule == "three-point" and given.config.failures_in_a_row == 10
    assert given.config.sampling.burn_in.target_acceptance is None
    with pytest.raises(AttributeError, match=r"SamplingSection\.chains: the stage does not depend on it"):
        given.config.sampling.chains  # noqa: B018
    with pytest.raises(AttributeError, match=r"ConfigSection\.committor: "):
        given.config.committor  # noqa: B018


def test_every_stage_that_a_key_names_is_a_stage() -> None:
    from separatrix.core.section import EVERY_STAGE, extra_of, section_of

    def stages(section: type[Section]) -> set[str]:
        found = set(section.stages).union(*section.kinds.values())
        for field in section.model_fields.values():
            found |= set(extra_of(field).get("stages") or ())
            if (inner := section_of(field.annotation)) is not None:
                found |= stages(inner)
        return found

    kinds = {GEOMETRY, f"-{GEOMETRY}", ALONG_COORDINATE}
    assert stages(ConfigSection) - {*EVERY_STAGE, *OF_METHOD, *OF_RUN} - kinds == set()
    assert {"sample", "interface_chain", "report"} <= stages(ConfigSection)


def test_stages_of_geometry_do_not_depend_on_how_trajectories_are_run() -> None:
    slow = yaml.safe_load(yaml.safe_dump(CONFIG))
    slow["methods"]["pm6"]["dynamics"]["longest_half_fs"] = 900
    one, other = load(CONFIG), load(slow)
    plain = [stage for stage in OF_METHOD if stage not in ("draw", "committor_shots")]
    same = {stage for stage in plain if one.settings(stage, "pm6") == other.settings(stage, "pm6")}
    assert same == {"minimum", "guess", "saddle_search", "saddle", "harmonic"}


def test_a_stage_that_no_key_names_depends_on_the_method_and_on_dynamics_alone() -> None:
    """A stage is wired in its rule alone."""
    given = load(CONFIG).settings("a_new_stage", "pm6")
    assert given["method"]["dynamics"]["longest_half_fs"] == 400 and given["seed"] == CONFIG["seed"]
    assert {"sampling", "coordinate", "committor", "rates"} & set(given) == set()


def test_parameters_do_not_depend_on_the_order_of_keys_in_the_file() -> None:
    """Snakemake compares parameters as text."""

    def turned(value: Any) -> Any:
        return {key: turned(value[key]) for key in reversed(value)} if isinstance(value, dict) else value

    data = {key: value if key == "methods" else turned(value) for key, value in reversed(CONFIG.items())}
    one, other = load(CONFIG), load(data)
    for stage in ("sample", "harmonic", "umbrella", "assess", "minimum"):
        assert repr(one.settings(stage, "pm6")) == repr(other.settings(stage, "pm6"))


def test_every_key_says_what_it_means() -> None:
    for row in rows(ConfigSection):
        assert row.meaning and row.default
    units = {row.key: row.unit for row in rows(ConfigSection)}
    for ending, unit in (("_fs", "fs"), ("_K", "K"), ("_per_ps", "1/ps"), ("_Da", "Da"), ("_kcal_mol_A", "kcal/mol/Å")):
        for name in units:
            if name.endswith(ending):
                assert units[name] == unit, name


def test_numbers_stay_as_they_were_written() -> None:
    """Snakemake compares parameters as they are written: 300 is not 300.0."""
    full = check(CONFIG | {"temperature_K": 300}, ConfigSection, "f")
    assert repr(full["temperature_K"]) == "300"
    assert repr(check(CONFIG | {"temperature_K": 300.0}, ConfigSection, "f")["temperature_K"]) == "300.0"
    assert SamplingSection.model_validate({"chains": 3}).chains == 3


# --- former names of keys ---------------------------------------------------------------------------------------------


def test_former_names_of_keys_are_read_with_one_line_each(tmp_path: Path) -> None:
    old = {**CONFIG, "coordinate": dict(CONFIG["coordinate"]), "committor": dict(CONFIG["committor"])}
    new = {**CONFIG, "coordinate": dict(CONFIG["coordinate"]), "committor": dict(CONFIG["committor"])}
    del old["coordinate"]["compare_with"], old["coordinate"]["nonlinear_models"]
    old["coordinate"] |= {"beside": CONFIG["coordinate"]["compare_with"], "beyond": ["boosting"]}
    new["coordinate"] |= {"nonlinear_models": ["boosting"]}
    old["committor"]["naive"] = new["committor"]["baseline"] = {"configurations": 3}
    file = write_yaml(old, tmp_path / "old.yaml")
    checked, present = load(old, [file]), load(new)
    assert checked.data == present.data and present.notices == ()
    assert sorted(checked.notices) == [
        f"{file}: {key} is now called {name}; this release is the last to read the old name"
        for key, name in [
            ("committor.naive", "committor.baseline"),
            ("coordinate.beside", "coordinate.compare_with"),
            ("coordinate.beyond", "coordinate.nonlinear_models"),
        ]
    ]
    old["coordinate"]["compare_with"] = []
    with pytest.raises(ConfigError, match=r"coordinate\.beside: its present name, coordinate\.compare_with, is given"):
        load(old)


def test_former_names_inside_lists_and_mappings() -> None:
    notices: list[str] = []
    data = {"many": [{"new": 2}, {"old": 3}], "named": {"a": {"old": 4}}}
    assert check(data, Outer, "f", notices) == {"many": [{"new": 2}, {"new": 3}], "named": {"a": {"new": 4}}}
    assert [line.split(" is ")[0] for line in notices] == ["many.1.old", "named.a.old"]
    assert data["many"][1] == {"old": 3}, "what the user wrote is not changed"
    with pytest.raises(ConfigError, match="new: 'x' is not a whole number"):
        check({"named": {"a": {"old": "x"}}}, Outer, "f")


def test_the_same_seed_draws_what_it_drew_under_former_names() -> None:
    assert random_key("baseline") == "naive" and random_key("map") == "map"
