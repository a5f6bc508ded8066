"""What a run rests on: the papers of its engines, methods and codes, as BibTeX.

``resources/references.bib`` holds every paper; this module says which of them a configuration has used, and for what.
Each engine names its own (``separatrix.potentials.engine.Engine.papers``), and may bring them. Force fields
and calculators that a config names by a file or a class are not known here: the key
``export.references`` names BibTeX files with their papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pybtex.backends.plaintext import Backend
from pybtex.database import BibliographyData, Entry, parse_file, parse_string
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

from separatrix import potentials
from separatrix.config.keys import named_files
from separatrix.core.errors import ConfigError, StoreError
from separatrix.rates.route import in_order

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.methods import Method

REFERENCES = Path(__file__).resolve().parents[2] / "resources" / "references.bib"

BIBLIOGRAPHY = "references.bib"
"""Name of the file in a run's export."""

CODES = {
    "molder2021": "Snakemake, which ran the workflow",
    "swenson2019basics": "OpenPathSampling, which drove the trajectories",
    "swenson2019ensembles": "OpenPathSampling, which drove the trajectories",
    "eastman2024": "OpenMM, which integrated the equations of motion",
    "mcgibbon2015": "MDTraj, trajectories",
    "larsen2017": "ASE, geometries and masses",
    "harris2020": "NumPy, arrays",
    "virtanen2020": "SciPy, optimisation and statistics",
    "hoyer2017": "xarray, files",
}
"""Of every run."""

SAMPLING = {
    "banerjee1985": "search for saddles",
    "peters2006likelihood": "aimless shooting; the reaction coordinate by likelihood maximisation",
    "mullen2015": "aimless shooting with paths of flexible length",
    "peters2006histogram": "test of the predicted separatrix by committors",
    "eyring1935": "transition-state theory",
}
"""Of every run: minima, saddles, paths, coordinate, committors and harmonic rates are always there."""


def used(config: Config) -> dict[str, str]:
    """Papers that a run of this configuration rests on.

    Returns
    -------
    Key in ``references.bib`` -> what it was used for, in the order of a methods section.
    """
    papers = CODES | SAMPLING | dict(_options(config))
    for method in config.methods.values():
        for key in engine_references(method):
            before = papers.get(key, "")
            papers[key] = f"{before}, {method.label}" if before else f"level of theory {method.label}"
    return papers


def _of_routes(config: Config) -> Iterator[tuple[str, str]]:
    """What the routes to a rate rest on; a key that several cite is cited for all of it."""
    rates = config.sections.rates
    reasons: dict[str, list[str]] = {}
    for route in in_order():
        if any(route.asked(rates, method) for method in config.methods):
            for key, reason in route.citations(rates):
                reasons.setdefault(key, []).append(reason)
    for key, all_reasons in reasons.items():
        yield key, "; ".join(all_reasons)


def _options(config: Config) -> Iterator[tuple[str, str]]:
    """What depends on the config, other than the engines."""
    sections = config.sections
    langevin = any(m.dynamics.friction > 0.0 for m in config.methods.values())
    if langevin or sections.committor.source == "restrained":
        yield "leimkuhler2013", "Langevin dynamics"
    if sections.sampling.chains > 1:
        yield "vehtari2021", "R-hat, by which chains are compared"
    if sections.coordinate.criterion == "ebic":
        yield "chen2008", "number of variables in the coordinate"
    if sections.coordinate.inertial:
        yield "peters2012", "inertial likelihood maximisation"
    if sections.coordinate.nonlinear_models:
        yield "pedregosa2011", "scikit-learn, committor models that are not linear"
    yield from _of_routes(config)
    if sections.theory:
        yield "langer1969", "theory of the surfaces: Langer's rate"
        yield "berezhkovskii2005", "theory of the surfaces: variational principle"


def engine_references(method: Method) -> list[str]:
    """Keys of the papers of a method's engine and level of theory, as the engine names them."""
    papers = potentials.ENGINES[method.potential].papers
    return [] if papers is None else list(papers(method.options))


def engine_bibliography(method: Method) -> Mapping[str, Entry]:
    """Papers that a method's engine brings itself.

    Raises
    ------
    ConfigError
        When its BibTeX cannot be read, repeats another's key with another paper, or lacks a paper that it names.
    """
    engine, at = potentials.ENGINES[method.potential], f"potential {method.potential!r}"
    try:
        brought = dict(parse_string(engine.bibtex, "bibtex").entries)
    except PybtexError as error:
        raise ConfigError(f"{at}: its bibtex is not valid BibTeX: {' '.join(str(error).split())}") from error
    own = every().entries
    for key, entry in brought.items():
        if key in own and own[key] != entry:
            raise ConfigError(f"{at}: its bibtex: the key {key!r} is that of another paper already; give another key")
    for key in engine_references(method):
        if key not in brought and key not in own:
            raise ConfigError(f"{at}: its papers name {key!r}, which its bibtex does not hold; add the entry")
    return brought


def unnamed(config: Config) -> list[str]:
    """What a run has used and no reference names: force fields, calculators, plug-in engines.

    Where ``export.references`` names BibTeX files, these are taken to say it.
    """
    if config.sections.export.references:
        return []
    without = {name: _unnamed(method) for name, method in config.methods.items()}
    return [f"{name}: {what}" for name, what in without.items() if what]


def _unnamed(method: Method) -> str:
    """What of a method no reference names; empty if nothing."""
    engine = potentials.ENGINES[method.potential]
    if engine.unreferenced is not None:
        return engine.unreferenced(method.options)
    return "" if engine_references(method) else f"the engine {method.potential}"


def check_files(paths: Sequence[str], where: str) -> None:
    """Check that BibTeX files can be read, and that none repeats another's key with another paper.

    Parameters
    ----------
    paths
        The key ``export.references`` of a config.
    where
        The config file, which errors name.

    Raises
    ------
    ConfigError
        At the first mistake, in one line.
    """
    own = every()
    for at, path in named_files(paths, where, "export.references", "a BibTeX file"):
        try:
            parsed = parse_file(path, bib_format="bibtex")
        except (PybtexError, UnicodeDecodeError) as error:
            raise ConfigError(f"{at}: {path} is not valid BibTeX: {' '.join(str(error).split())}") from error
        for key, entry in parsed.entries.items():
            if key in own.entries and own.entries[key] != entry:
                raise ConfigError(f"{at}: {path}: the key {key!r} is that of another paper already; give another key")
            own.entries[key] = entry


def bibliography(config: Config) -> BibliographyData:
    """Entries of everything a run of this configuration has used, with those of ``export.references``."""
    entries = dict(every().entries)
    for method in config.methods.values():
        entries |= engine_bibliography(method)
    chosen = {key: entries[key] for key in used(config)}
    for path in config.sections.export.references:
        chosen |= dict(parse_file(path, bib_format="bibtex").entries)
    return BibliographyData(chosen)


def bibtex(config: Config) -> str:
    """The same as text; what has no reference is named in a comment ahead of them."""
    head = "".join(f"% no reference is known here: {name}\n" for name in unnamed(config))
    return head + bibliography(config).to_string("bibtex")


def of(source: Path | str) -> str:
    """BibTeX of a finished run, by its results folder, or of a config file.

    Raises
    ------
    StoreError
        When the run has written no references yet.
    ConfigError
        When the config cannot be used.
    """
    from separatrix.config.load import load
    from separatrix.core.yaml_file import read_yaml

    source = Path(source)
    if not source.is_dir():
        config = load(read_yaml(source), [source])
        check_files(config.sections.export.references, str(source))
        return bibtex(config)
    file = source / "export" / BIBLIOGRAPHY
    try:
        return file.read_text()
    except OSError as error:
        raise StoreError(
            f"{source}: has no export/{BIBLIOGRAPHY}; let the run finish, or give its config file"
        ) from error


def every() -> BibliographyData:
    """All papers that are known here."""
    return parse_file(str(REFERENCES), bib_format="bibtex")


_PLAIN = Backend()  # by its name it would be looked up among all installed packages, every time


def plain(latex: str) -> str:
    """A field of an entry without its LaTeX."""
    return Text.from_latex(latex).render(_PLAIN)


def authors(entry: Entry) -> list[str]:
    """Authors of an entry, family name last."""
    people = entry.persons.get("author", [])
    return [plain(" ".join([*p.first_names, *p.middle_names, *p.prelast_names, *p.last_names])) for p in people]
