"""Rules that the whole library keeps: sizes, names, imports between packages, docstrings, and tests beside the code."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY = ROOT / "separatrix"
TESTS = ROOT / "tests"

LONGEST_FILE = 700
"""Lines of a file of the library."""

MOST_PACKAGE_IMPORTS = 66
"""Pairs of packages of which one imports the other. A new pair needs a reason, and this number raised by hand."""

MOST_MODULE_IMPORTS = 750
"""Pairs of modules, in different packages, of which one imports the other."""

#: Tests of what no single module does, each with what it looks at.
SCENARIOS = {
    "config/test_model_system": "a system in an external field, from its file to its figures",
    "coordinate/test_coordinate": "likelihood, models, selection and resampling of one coordinate",
    "coordinate/test_fit": "the command `separatrix fit`",
    "coordinate/test_one_answer": "errors and intervals of one fit, wherever they are reported",
    "potentials/test_bad_engines": "engines of other packages that misbehave",
    "potentials/test_cross_checks": "one theory by two engines",
    "potentials/test_second_program": "engines against other programs",
    "potentials/test_spin": "charge and multiplicity in every engine",
    "rates/test_degenerate": "harmonic rates between equal ends, against counting",
    "rates/test_temperatures": "rates at several temperatures, from the free energy to the page",
    "rates/test_umbrella": "umbrella windows that are stopped and go on",
    "rates/tis/test_interface_sampling": "rates of solvable models by interface sampling",
    "report/test_citation_file": "CITATION.cff",
    "results/test_damage": "damaged files, in every format",
    "results/test_status_failed": "`separatrix status` of jobs that failed",
    "sampling/test_equivalent_basins": "shooting between basins with equivalent atoms",
    "sampling/test_shooting_exact": "the path ensemble of solvable models",
    "theory/test_theory_exact": "rates of surfaces against closed forms",
    "theory/test_theory_reference": "`separatrix theory` against the reference cases",
    "theory/test_theory_verdict": "sentences of the verdict on hard surfaces",
    "workflow/test_dag": "the workflow on real engines",
    "workflow/test_hostile_names": "names with markup through the workflow",
    "workflow/test_kill": "runs that are killed and go on",
    "workflow/test_report": "the report in a browser",
    "workflow/test_stages": "rules against the functions that they call",
    "workflow/test_ways_to_start": "how the workflow can be started",
}


@lru_cache(maxsize=1)
def trees() -> dict[Path, ast.Module]:
    """Every module of the library by its path in the repository."""
    return {file.relative_to(ROOT): ast.parse(file.read_text()) for file in sorted(LIBRARY.rglob("*.py"))}


def repeated(names: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    """Names that are given more than once -> where."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in names:
        places[name].append(place)
    return {name: where for name, where in places.items() if len(where) > 1}


def test_no_file_is_too_long_to_be_read() -> None:
    lengths = {str(file): len((ROOT / file).read_text().splitlines()) for file in trees()}
    assert {file: n for file, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_class_has_the_name_of_another() -> None:
    classes = (
        (node.name, f"{file}:{node.lineno}")
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    assert repeated(classes) == {}


def test_no_module_has_the_name_of_another() -> None:
    """Packages are modules, too; a package and a module in it may share what they are about."""
    modules = (
        (file.parent.name if file.stem == "__init__" else file.stem, str(file))
        for file in trees()
        if file.stem != "__main__"
    )
    assert repeated(modules) == {}


@pytest.mark.parametrize("file", sorted(f.relative_to(TESTS).as_posix() for f in TESTS.rglob("test_*.py")))
def test_a_test_file_has_its_module(file: str) -> None:
    name = file.removesuffix(".py")
    package, _, stem = name.rpartition("/")
    if not package or package in ("plugin", "slurm"):  # of the repository, of an example package, of a cluster
        return
    subject = stem.removeprefix("test_")
    found = [*(LIBRARY / package).rglob(f"{subject}.py"), *(LIBRARY / package).rglob(f"{subject}/__init__.py")]
    assert bool(found) != (name in SCENARIOS), f"neither a module of separatrix/{package} nor a scenario, or both"


def test_every_scenario_is_there() -> None:
    assert [name for name in SCENARIOS if not (TESTS / f"{name}.py").is_file()] == []


def package_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (LIBRARY / parts[1]).is_dir() else ""


def imports_between_packages() -> Iterator[tuple[str, str]]:
    """Pairs of a module and a module of another package that it imports, wherever in the file it does."""
    for file, tree in trees().items():
        here = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("separatrix"):
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                targets = [t if (ROOT / t.replace(".", "/")).is_dir() or _file(t) else str(node.module) for t in whole]
            elif isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names if alias.name.startswith("separatrix")]
            else:
                continue
            for target in targets:
                if package_of(here) and package_of(target) and package_of(here) != package_of(target):
                    yield here, target


def _file(module: str) -> bool:
    return (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_imports_between_packages_do_not_grow() -> None:
    modules = set(imports_between_packages())
    packages = {(package_of(a), package_of(b)) for a, b in modules}
    print(f"{len(packages)} pairs of packages, {len(modules)} pairs of modules")
    assert len(packages) <= MOST_PACKAGE_IMPORTS and len(modules) <= MOST_MODULE_IMPORTS


def test_every_package_says_what_it_is_for() -> None:
    missing = [f for f, tree in trees().items() if f.stem == "__init__" and len(ast.get_docstring(tree) or "") < 30]
    assert missing == []


def test_every_module_has_a_docstring() -> None:
    assert [f for f, tree in trees().items() if not ast.get_docstring(tree) and f.stem != "__main__"] == []


#: Headings of Google's style, and fields of Sphinx's.
OTHER_STYLES = re.compile(
    r"^\s*(?:(?:Args|Arguments|Returns|Raises|Yields|Attributes|Note|Example)s?:\s*$|:(?:param|returns?|raises?|rtype)\b)",
    re.MULTILINE,
)


def docstrings() -> Iterator[tuple[str, str]]:
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{file}:{getattr(node, 'lineno', 1)}", ast.get_docstring(node) or ""


def test_docstrings_have_one_style() -> None:
    assert [place for place, text in docstrings() if OTHER_STYLES.search(text)] == []


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Sum.\n\nArgs:\n    x: a number\n", True),
        ("Sum.\n\n:param x: a number\n", True),
        ("Sum.\n\nParameters\n----------\nx\n    A number.\n\nReturns\n-------\nThe sum: of all.\n", False),
    ],
)
def test_other_styles_are_known(text: str, other: bool) -> None:
    assert bool(OTHER_STYLES.search(text)) == other


def swallowed(tree: ast.Module) -> list[int]:
    """Lines where every error is caught and nothing is done about it."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            every = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            idle = all(isinstance(each, ast.Pass | ast.Continue) or _constant(each) for each in node.body)
            if every and idle:
                lines.append(node.lineno)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            lines += [node.lineno for each in node.args if ast.unparse(each) in ("Exception", "BaseException")]
    return lines


def _constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_no_error_is_swallowed() -> None:
    assert {str(file): lines for file, tree in trees().items() if (lines := swallowed(tree))} == {}


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("try:\n    f()\nexcept Exception:\n    pass\n", [3]),
        ("try:\n    f()\nexcept:\n    ...\n", [3]),
        ("with contextlib.suppress(OSError, Exception):\n    f()\n", [1]),
        ("try:\n    f()\nexcept OSError:\n    pass\n", []),
        ("try:\n    f()\nexcept Exception as error:\n    raise E(error)\n", []),
    ],
)
def test_swallowed_errors_are_seen(code: str, lines: list[int]) -> None:
    assert swallowed(ast.parse(code)) == lines
