"""Registries: own entries of a folder, entries of installed packages, one line for what is broken."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from separatrix.core.errors import ConfigError
from separatrix.core.registry import Registry

ENTRY = "from dataclasses import dataclass\nfrom kitchen_base import Dish\n"


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A library with two dishes in its folder `kitchen`, and a place among installed packages."""
    (tmp_path / "kitchen_base.py").write_text(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Dish:\n    name: str\n    price: int = 1\n"
    )
    folder = tmp_path / "kitchen"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "soup.py").write_text(f"{ENTRY}DISH = Dish('soup', 3)\n")
    (folder / "apple_pie.py").write_text(f"{ENTRY}DISH = Dish('apple-pie', 5)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("kitchen", "kitchen_base", "kitchen.soup", "kitchen.apple_pie"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import kitchen_base

    yield Registry("a dish", "separatrix.test_dishes", "kitchen", kitchen_base.Dish, "DISH", one_per_module=True)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("kitchen", "kitchen_base", "guest")]:
        del sys.modules[name]


def install(where: Path, monkeypatch, name: str, points: str, source: str, module: str = "guest") -> None:
    """A package as pip leaves it: its module, and a folder with its entry points."""
    site = where / f"site-{name}"
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[separatrix.test_dishes]\n{points}\n")
    (site / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(str(site))


def test_names_are_known_without_an_import(registry):
    assert registry.names() == registry.own() == ["apple-pie", "soup"]
    assert "kitchen.soup" not in sys.modules
    assert registry["soup"].price == 3
    assert "kitchen.soup" in sys.modules and "kitchen.apple_pie" not in sys.modules
    assert [entry.price for entry in registry.entries().values()] == [5, 3]
    assert "soup" in registry and "bread" not in registry


def test_a_module_may_hold_several_entries_or_none(registry, tmp_path):
    (tmp_path / "kitchen" / "soup.py").write_text(f"{ENTRY}DISH = (Dish('clear'), Dish('thick', 2))\n")
    (tmp_path / "kitchen" / "pots.py").write_text("")
    several = Registry("a dish", "separatrix.test_dishes", "kitchen", registry.entry, "DISH")
    assert several.names() == ["apple-pie", "clear", "thick"]
    assert several["thick"].price == 2


def test_two_modules_with_one_name_are_refused(registry, tmp_path):
    (tmp_path / "kitchen" / "stew.py").write_text(f"{ENTRY}DISH = Dish('soup')\n")
    with pytest.raises(ValueError, match="'soup' is a dish of two modules, soup and stew"):
        Registry("a dish", "separatrix.test_dishes", "kitchen", registry.entry, "DISH").names()


def test_an_unknown_name_says_which_is_near(registry):
    with pytest.raises(ConfigError, match=r"'soop' is not a dish; did you mean 'soup'\? \(known: apple-pie, soup\)"):
        registry["soop"]


@pytest.mark.parametrize("target", ["guest", "guest:DISH", "guest:ALL"])
def test_a_package_brings_an_entry(registry, tmp_path, monkeypatch, target):
    source = f"{ENTRY}DISH = Dish('bread', 7)\nALL = [Dish('cake'), DISH]\n"
    install(tmp_path, monkeypatch, "bakery", f"bread = {target}", source)
    assert registry.names() == ["apple-pie", "bread", "soup"]
    assert registry.plugins() == {"bread": "bakery"}
    assert "guest" not in sys.modules
    assert registry["bread"].price == 7
    assert list(registry.entries()) == ["apple-pie", "soup", "bread"]


@pytest.mark.parametrize(
    ("points", "source", "message"),
    [
        ("bread = guest", "raise RuntimeError('no\\nflour')", r"cannot be imported \(RuntimeError: no flour\)"),
        ("bread = guest", "import no_such_module", r"cannot be imported \(ModuleNotFoundError"),
        ("bread = guest", "raise SystemExit(3)", "cannot be imported"),
        ("bread = guest", "DISH = 'bread'", "which has not DISH, an object of kitchen_base.Dish"),
        ("bread = guest", "", "which has not DISH"),
        ("bread = guest:BREAD", "", "cannot be imported"),
        (
            "bread = guest",
            f"{ENTRY}DISH = Dish('cake')",
            "calls itself 'cake'; its entry point must have",
        ),
        ("soup = guest", f"{ENTRY}DISH = Dish('soup')", "'soup' is a dish of Separatrix, and the package bakery"),
    ],
)
def test_a_broken_package_is_one_line(registry, tmp_path, monkeypatch, points, source, message):
    install(tmp_path, monkeypatch, "bakery", points, source)
    name = points.partition(" ")[0]
    assert name in registry.names()
    for ask in (lambda: registry[name], registry.entries):
        with pytest.raises(ConfigError, match=message) as error:
            ask()
        assert "\n" not in str(error.value) and "bakery" in str(error.value)
    assert registry["apple-pie"].price == 5


def test_two_packages_with_one_name_are_refused(registry, tmp_path, monkeypatch):
    source = f"{ENTRY}DISH = Dish('bread')\n"
    install(tmp_path, monkeypatch, "bakery", "bread = guest", source)
    install(tmp_path, monkeypatch, "mill", "bread = other", source, "other")
    with pytest.raises(ConfigError, match=r"two packages, bakery \(guest\) and mill \(other\); uninstall one"):
        registry["bread"]


def test_a_module_that_is_not_named_as_its_entry_is_a_mistake_of_the_library(registry, tmp_path):
    (tmp_path / "kitchen" / "stew.py").write_text(f"{ENTRY}DISH = Dish('goulash')\n")
    fresh = Registry("a dish", "separatrix.test_dishes", "kitchen", registry.entry, "DISH", one_per_module=True)
    with pytest.raises(ValueError, match=r"kitchen\.stew holds 'goulash'; it must be named as its module"):
        fresh["stew"]

    @dataclass(frozen=True)
    class Pot:
        name: str

    wrong = Registry("a pot", "separatrix.test_dishes", "kitchen", Pot, "DISH", one_per_module=True)
    with pytest.raises(TypeError, match=r"kitchen\.soup\.DISH holds a Dish"):
        wrong["soup"]
