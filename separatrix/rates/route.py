"""Routes to a rate: one entry holds all that the rest of the library needs to know of one.

Routes of the library are the modules of :mod:`separatrix.rates.routes`; an installed package adds its own by an entry
point of the group ``separatrix.routes`` and brings a file of Snakemake rules, see :attr:`Route.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from separatrix.core.registry import Registry

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.sections.rates_keys import RatesSection
    from separatrix.core.program import Code
    from separatrix.results.stage_costs import StageCost


class RouteFile(NamedTuple):
    """A result file of a route.

    Attributes
    ----------
    path
        Below the folder of the method.
    of_surface
        Whether methods that a scan varies share it with the method they vary, as they do the potential-energy surface.
    """

    path: str
    of_surface: bool = False


@dataclass(frozen=True)
class RouteContext:
    """What a route is given besides its own files.

    Attributes
    ----------
    reactant, product
        Names of the basins.
    temperature
        Of the dynamics, K.
    quantum_factors
        By start and temperature (K), from a route that is not sampled: ``quantum_factor``, which takes a classical rate
        to quantised vibrations and tunnelling, and its parts ``quantum_vibrations`` and ``tunnelling``. Empty where
        that route is classical itself.
    """

    reactant: str
    product: str
    temperature: float
    quantum_factors: Mapping[tuple[str, float], Mapping[str, float]] = field(default_factory=dict)

    @property
    def directions(self) -> tuple[tuple[str, str, str], ...]:
        """From, to, and ``forward`` or ``backward``."""
        return (self.reactant, self.product, "forward"), (self.product, self.reactant, "backward")


@dataclass(frozen=True)
class RouteRates:
    """What a route adds to ``rates.json``.

    Attributes
    ----------
    rates
        Entries of ``routes``: ``from``, ``to``, ``temperature`` (K), ``rate`` (1/s; None: no rate), ``ln_error``
        (standard error of its logarithm, or None); where the route has them ``low`` and ``high`` (1/s, 0.95), ``how``
        and ``equilibrated`` (False: the windows are not, which excludes the rate from summaries).
    content
        Keys of ``rates.json`` with what else the report shows.
    quantum_factors
        As in :class:`RouteContext`.
    """

    rates: Sequence[Mapping[str, Any]]
    content: Mapping[str, Any]
    quantum_factors: Mapping[tuple[str, float], Mapping[str, float]] = field(default_factory=dict)


class RouteQuantity(NamedTuple):
    """A number of a route in the comparison of methods, other than its rates; `low` and `high` at 0.95.

    `id` is its name in files, unique within the route; `label` is for readers.
    """

    id: str
    label: str
    value: float | None
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    text: str = ""
    note: str = ""


class RouteRemark(NamedTuple):
    """A sentence of the table of rates; `direction` is empty where it is on both, see :func:`direction_of`."""

    text: str
    direction: str = ""


class RouteWork(NamedTuple):
    """What a route costs a method.

    Attributes
    ----------
    steps
        Steps of dynamics other than shots.
    shots
        Shots, each of two half-trajectories.
    jobs
        Jobs that are submitted.
    """

    steps: float
    shots: float
    jobs: int


def _no_quantities(content: Mapping[str, Any]) -> Iterable[RouteQuantity]:
    return ()


def _no_remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    return ()


def _no_citations(rates: RatesSection) -> Iterable[tuple[str, str]]:
    return ()


def _no_work(config: Config, method: str) -> RouteWork:
    return RouteWork(0.0, 0.0, 0)


def _no_further_files(rates: RatesSection) -> Iterable[RouteFile]:
    return ()


def _no_mistakes(config: Config) -> Iterable[tuple[str, str]]:
    return ()


@dataclass(frozen=True)
class Route:
    """A route to a rate.

    Attributes
    ----------
    name
        As ``rates.json`` and tables have it.
    title
        In the table of rates.
    summary
        In the summary of the report: "by METHOD (SUMMARY)"; its translations are ``route_NAME`` of the languages.
    trust
        Where several routes give a rate, the one with the largest number stands for the method.
    sampled
        Whether rates come from dynamics: then they are classical and have a statistical error.
    files
        Result files by the names under which the rule ``rates`` has them.
    asked
        Whether a config, given its section ``rates``, has a method take this route.
    rates
        Rates from the contents of the files (JSON, by name). It is called in the rule ``rates``.
    quantities
        Numbers for the comparison of methods, from ``rates.json``.
    remarks
        Sentences of the table of rates, from ``rates.json``: what the rates come from, and whether to trust them.
    citations
        Keys of the bibliography and what each is cited for, from the section ``rates`` of a config that takes the
        route for at least one method.
    programs
        Codes that it uses, other than those that every run does.
    work
        Cost for a method of a loaded config.
    costs
        What a job of each of its stages with an engine asks of a cluster, by the stage's name.
    further_files
        Files of its rules other than `files` that a run keeps, and makes again when they are missing.
    mistakes
        What of a loaded config this route cannot do: keys, and what is wrong with each and what would be right.
    absent
        Keys of ``rates.json`` where a method does not take the route.
    rules
        Path of a file of Snakemake rules that make `files`; empty for routes of the library, whose rules are in
        ``workflow/rules``.
    """

    name: str
    title: str
    summary: str
    trust: float
    files: Mapping[str, RouteFile]
    rates: Callable[[Mapping[str, Any], RouteContext], RouteRates]
    asked: Callable[[RatesSection, str], bool]
    sampled: bool = True
    quantities: Callable[[Mapping[str, Any]], Iterable[RouteQuantity]] = _no_quantities
    remarks: Callable[[Mapping[str, Any]], Iterable[RouteRemark]] = _no_remarks
    citations: Callable[[RatesSection], Iterable[tuple[str, str]]] = _no_citations
    programs: Sequence[Code] = ()
    work: Callable[[Config, str], RouteWork] = _no_work
    costs: Mapping[str, StageCost] = field(default_factory=dict)
    further_files: Callable[[RatesSection], Iterable[RouteFile]] = _no_further_files
    mistakes: Callable[[Config], Iterable[tuple[str, str]]] = _no_mistakes
    absent: Mapping[str, Any] = field(default_factory=dict)
    rules: str = ""


#: All routes.
ROUTES: Registry[Route] = Registry("a route to a rate", "separatrix.routes", "separatrix.rates.routes", Route, "ROUTE")


def in_order() -> list[Route]:
    """All routes in the order of ``rates.json``: those that are not sampled first, then by trust."""
    return sorted(ROUTES.entries().values(), key=lambda route: (route.sampled, -route.trust, route.name))


def by_trust() -> list[str]:
    """Names of all routes, the most trusted first."""
    return [route.name for route in sorted(ROUTES.entries().values(), key=lambda route: (-route.trust, route.name))]


def is_sampled(name: str) -> bool:
    """Whether rates of a route come from dynamics; those of a route that is not installed are taken for such."""
    return name not in ROUTES or ROUTES[name].sampled


def direction_of(rate: Mapping[str, Any]) -> str:
    """Direction of a rate or of a law of rates, as tables show it."""
    return f"{rate['from']} → {rate['to']}"


def title_of(name: str) -> str:
    """Title of a route; its name where the package that brought it is not installed."""
    return ROUTES[name].title if name in ROUTES else name


def asked_routes(rates: RatesSection, method: str) -> list[Route]:
    """Routes that a method takes, given the section ``rates`` of the config."""
    return [route for route in in_order() if route.asked(rates, method)]
