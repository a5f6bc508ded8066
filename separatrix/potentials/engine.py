"""What an engine says of itself: one object with all that the library asks of it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from separatrix.core.errors import ConfigError
from separatrix.core.molecule import Molecule
from separatrix.potentials import trust
from separatrix.potentials.potential import Option, Potential

Options = Mapping[str, Any]
"""A method's engine options, as the config has them."""


def _text_of(value: Any) -> Iterator[str]:
    """All strings in a value of an option."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _text_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _text_of(item)


def graphics_cards_named(options: Options) -> int:
    """1 where the option `platform`, or an argument of a calculator, names a graphics card; else 0."""
    texts = [str(options.get("platform", "")), *_text_of(options.get("arguments", {}))]
    return int(any(text.lower().partition(":")[0] in ("cuda", "opencl", "hip") for text in texts))


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine. Only `name` and `build` must be given; the defaults suit an engine of which nothing is known.

    Attributes
    ----------
    name
        The config's word, after ``potential:``.
    build
        Gives the Potential of a molecule.
    options
        Keywords that ``methods.NAME.options`` may hold.
    summary
        What it computes, in a few words.
    code, url, licence
        The program behind it: name as its authors write it, home page, SPDX expression. Empty where OpenMM or ASE
        computes.
    papers
        Keys of the papers that a method with these options rests on, in ``references.bib`` or `bibtex`.
    bibtex
        Papers that ``references.bib`` does not hold, as BibTeX.
    unreferenced
        What of a method with these options has no paper here, such as a force field that a file holds; empty if
        nothing.
        None: the engine itself, unless `papers` names some.
    seconds_per_gradient
        Seconds of one core per energy and gradient of a few dozen atoms, generous: what jobs ask for until `check` has
        measured it.
    memory_MB
        Of one process with the engine in it, a few dozen atoms.
    environment
        Conda environment: NAME of ``envs/NAME.yaml``, or the absolute path of a file.
    graphics_cards
        Graphics cards that a method with these options needs.
    multiplicities
        Spin multiplicities that it can do, None for all.
    describes
        Raises ConfigError for a molecule that it cannot do.
    check
        Raises ConfigError for options that cannot be used together, before anything runs.
    foreign
        What the options name that acts, so that a person has to allow it, see :mod:`.trust`.
    settle
        The options as a worker process gets them, which runs in another folder.
    needs_worker
        Whether a method with these options always runs in a process of its own.
    in_openmm
        Whether OpenMM itself computes, so that there is nothing to put into another process.
    is_molecular
        Whether it describes molecules; else charge and multiplicity mean nothing.
    """

    name: str
    build: Callable[[Molecule, Options], Potential]
    options: Mapping[str, Option] = field(default_factory=dict)
    summary: str = ""
    code: str = ""
    url: str = ""
    licence: str = ""
    papers: Callable[[Options], tuple[str, ...]] | None = None
    bibtex: str = ""
    unreferenced: Callable[[Options], str] | None = None
    seconds_per_gradient: float = 1.0
    memory_MB: int = 400
    environment: str = "separatrix"
    graphics_cards: Callable[[Options], int] = graphics_cards_named
    multiplicities: Callable[[Options], Container[int] | None] | None = None
    describes: Callable[[Molecule, Options], None] | None = None
    check: Callable[[Options], None] | None = None
    foreign: Callable[[Options], trust.Foreign | None] | None = None
    settle: Callable[[Molecule, Options], dict[str, Any]] | None = None
    needs_worker: Callable[[Options], bool] | None = None
    in_openmm: bool = False
    is_molecular: bool = True

    def __post_init__(self) -> None:
        if not callable(self.build):
            raise ConfigError("its build must be a function build(molecule, options)")
        if not all(isinstance(option, Option) for option in self.options.values()):
            raise ConfigError("its options must be a mapping of their names to Option")

    def missing(self) -> list[str]:
        """What a reader of the results would want to know and the engine leaves out."""
        fields = {"papers": self.papers, "code": self.code, "url": self.url, "licence": self.licence}
        return [name for name, value in fields.items() if not value]
