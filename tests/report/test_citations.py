"""Which papers a configuration rests on: exactly those, and each with what it needs to be found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pybtex.database import parse_string
from typer.testing import CliRunner

from separatrix import potentials
from separatrix.cli import main as cli
from separatrix.config.load import load
from separatrix.config.methods import build_method
from separatrix.config.sections.config_keys import ConfigSection
from separatrix.core.errors import ConfigError, StoreError
from separatrix.core.section import check
from separatrix.rates import routes
from separatrix.report import citations
from separatrix.report.inputs import load_with_files

ALWAYS = {
    *("molder2021", "swenson2019basics", "swenson2019ensembles", "eastman2024", "mcgibbon2015", "larsen2017"),
    *("harris2020", "virtanen2020", "hoyer2017"),
    *("banerjee1985", "peters2006likelihood", "mullen2015", "peters2006histogram", "eyring1935"),
}
DEFAULT = {"vehtari2021", "chen2008", "ribeiro2011", "wigner1932"}


@pytest.fixture
def data(root: Path) -> dict[str, Any]:
    """A comparison with nothing but what has to be there: GAFF2 at constant energy."""
    full = yaml.safe_load((root / "config/config.yaml").read_text())
    return {"system": full["system"], "methods": {"gaff2": full["methods"]["gaff2"]}}


def keys(data: dict[str, Any]) -> set[str]:
    """Of the BibTeX text, read back."""
    text = citations.bibtex(load(data))
    found = list(parse_string(text, "bibtex").entries)
    assert len(found) == len(set(found))
    return set(found)


def test_a_force_field_at_constant_energy(data: dict[str, Any]) -> None:
    assert keys(data) == ALWAYS | DEFAULT
    assert citations.unnamed(load(data)) == ["gaff2: the force field of gaff2.xml"]


def test_the_default_comparison(root: Path) -> None:
    full = yaml.safe_load((root / "config/config.yaml").read_text())
    umbrella = {"leimkuhler2013", "torrie1977", "shirts2008", "feenstra1999", "chandler1978", "vanerp2003"}
    engines = {"moussa2026", "stewart2007", "bosia2023", "elstner1998", "wang2004", "jakalian2002"}
    assert keys(full) == ALWAYS | DEFAULT | umbrella | engines | {"pedregosa2011"}
    assert citations.unnamed(load(full)) == []


@pytest.mark.parametrize(
    ("change", "more", "less"),
    [
        ({"coordinate": {"inertial": True}}, {"peters2012"}, set()),
        ({"coordinate": {"criterion": "bic"}}, set(), {"chen2008"}),
        ({"coordinate": {"nonlinear_models": ["network"]}}, {"pedregosa2011"}, set()),
        ({"sampling": {"chains": 1}}, set(), {"vehtari2021"}),
        ({"committor": {"source": "restrained"}}, {"leimkuhler2013"}, set()),
        ({"rates": {"harmonic": {"tunnelling": "eckart"}}}, {"eckart1930"}, {"wigner1932"}),
        ({"rates": {"harmonic": {"tunnelling": "none"}}}, set(), {"wigner1932"}),
        ({"rates": {"harmonic": {"low_modes": "interpolated"}}}, {"grimme2012"}, {"ribeiro2011"}),
        ({"rates": {"harmonic": {"low_modes": "harmonic"}}}, set(), {"ribeiro2011"}),
        ({"rates": {"interfaces": {"methods": ["gaff2"]}}}, {"vanerp2003", "vanerp2007", "roet2022"}, set()),
        (
            {"rates": {"umbrella": {"methods": ["gaff2"]}}},
            {"leimkuhler2013", "torrie1977", "shirts2008", "chandler1978", "vanerp2003"},
            set(),
        ),
        ({"theory": ["config/examples/theory_slow.yaml"]}, {"langer1969", "berezhkovskii2005"}, set()),
    ],
)
def test_what_an_option_adds_or_takes_away(data: dict[str, Any], change: dict, more: set, less: set) -> None:
    assert keys(data | change) == (ALWAYS | DEFAULT | more) - less


@pytest.mark.parametrize(
    ("potential", "options", "expected"),
    [
        ("mopac", {"hamiltonian": "PM7"}, {"moussa2026", "stewart2013"}),
        ("mopac", {"hamiltonian": "PM6-D3H4"}, {"moussa2026", "stewart2007", "rezac2012"}),
        ("mopac", {"hamiltonian": "RM1", "dielectric_constant": 78.4}, {"moussa2026", "rocha2006", "klamt1993"}),
        ("mopac", {"hamiltonian": "RM1", "dielectric_constant": 1}, {"moussa2026", "rocha2006"}),
        ("sparrow", {"method": "DFTB3"}, {"bosia2023", "gaus2011"}),
        ("tblite", {"method": "GFN1-xTB"}, {"bannwarth2021", "grimme2017"}),
        ("tblite", {"method": "GFN2-xTB", "solvent": "water"}, {"bannwarth2021", "bannwarth2019", "ehlert2021"}),
        (
            "dftbplus",
            {"method": "DFTB3", "dispersion": "D3BJ"},
            {"hourahine2020", "gaus2011", "gaus2013", "grimme2011"},
        ),
        ("dftbplus", {"method": "DFTB2", "dispersion": "D4"}, {"hourahine2020", "elstner1998", "caldeweyher2019"}),
        ("ase", {"calculator": "separatrix.potentials.torchani_calculator.ANI"}, {"gao2020"}),
    ],
)
def test_what_an_engine_adds(data: dict[str, Any], potential: str, options: dict, expected: set) -> None:
    spec = {"potential": potential, "options": options, "dynamics": data["methods"]["gaff2"]["dynamics"]}
    found = build_method(
        "other", check(data | {"methods": {"other": spec}}, ConfigSection, "")["methods"]["other"], 300.0, 1, ""
    )
    assert set(citations.engine_references(found)) == expected


def test_friction_is_langevins(data: dict[str, Any]) -> None:
    data["methods"]["gaff2"]["dynamics"]["friction_per_ps"] = 5
    assert keys(data) == ALWAYS | DEFAULT | {"leimkuhler2013"}


def test_a_method_of_a_scan_counts(data: dict[str, Any]) -> None:
    spec = {"methods": ["gaff2"], "setting": "dynamics.friction_per_ps", "values": [1, 10]}
    assert "leimkuhler2013" in keys(data | {"scans": {"friction": spec}})


def test_every_level_of_theory_of_an_engine_is_known() -> None:
    for engine, option in {
        "mopac": "hamiltonian",
        "sparrow": "method",
        "tblite": "method",
        "dftbplus": "method",
    }.items():
        for word in potentials.options_of(engine)[option].choices:
            assert len(potentials.ENGINES[engine].papers({option: word})) > 1, word


def test_every_paper_can_be_found_and_is_used_somewhere() -> None:
    engines = Path(potentials.__file__).parent / "engines"
    files = [Path(citations.__file__), *sorted(engines.glob("*.py")), *Path(routes.__path__[0]).glob("*.py")]
    source = "".join(path.read_text() for path in files)
    dois = []
    for key, entry in citations.every().entries.items():
        assert f'"{key}"' in source, f"{key} is cited by nothing"
        assert {"title", "journal", "pages", "year"} <= set(entry.fields) and entry.persons["author"], key
        assert key[-4:] == entry.fields["year"] or entry.fields["year"] in key
        if "doi" in entry.fields:
            dois.append(entry.fields["doi"].lower())
            assert re.fullmatch(r"10\.\d{4,5}/\S+", entry.fields["doi"]), key
    assert len(dois) == len(set(dois))
    assert len(citations.every().entries) - len(dois) == 2  # Wigner 1932, scikit-learn


def test_words_without_latex() -> None:
    entry = citations.every().entries["rezac2012"]
    assert citations.authors(entry) == ["Jan Řezáč", "Pavel Hobza"]
    assert citations.plain('{PM6} of {M{\\"u}ller}') == "PM6 of Müller"


def test_a_files_references(data: dict[str, Any], tmp_path: Path) -> None:
    mine = tmp_path / "mine.bib"
    mine.write_text("@misc{mine2020, title = {A force field}, year = {2020}}\n")
    assert keys(data | {"export": {"references": [str(mine)]}}) == ALWAYS | DEFAULT | {"mine2020"}
    mine.write_text("@misc{mullen2015, title = {Something else}, year = {2020}}\n")
    with pytest.raises(ConfigError, match="'mullen2015' is that of another paper"):
        load_with_files(data | {"export": {"references": [str(mine)]}})
    mine.write_text("@misc{mine2020, title = ")
    with pytest.raises(ConfigError, match="not valid BibTeX"):
        load_with_files(data | {"export": {"references": [str(mine)]}})


def test_the_command_takes_a_config_or_a_finished_run(root: Path, tmp_path: Path) -> None:
    found = CliRunner().invoke(cli.app, ["cite", str(root / "config/config.yaml")])
    assert "moussa2026" in parse_string(found.stdout, "bibtex").entries
    with pytest.raises(StoreError, match=r"has no export/references.bib"):
        citations.of(tmp_path)
