"""What the methods say, side by side: numbers with their uncertainty, and the tables behind the figures.

One function reads the files of a method (:func:`read_method`); all others work on what it returns. The burn-in of a
chain counts as cost and as nothing else.

Intervals have confidence 0.95. Successive moves of a chain are correlated, and three things follow.

* A fraction (acceptance, share of a mechanism) has the Wilson interval of N / g trials instead of N (N where nothing
  varied). The statistical
  inefficiency g = 1 + 2 sum_t (1 - t/N) rho(t) is summed up to the first lag at which the autocorrelation rho is not
  positive (Chodera, Swope, Pitera, Seok and Dill, J. Chem. Theory Comput. 2007, 3, 26). Deviations are taken from the
  mean of all chains, so chains that disagree make g, and the interval, larger. A share never counts more trials than
  there are different paths.
* A quantile of the path length has an interval from a bootstrap over consecutive segments of the chains (Carlstein,
  Ann. Stat. 1986, 14, 1171), with Student's t for the number of segments.
* The cost of an accepted path is the whole cost over the number of accepted paths; only that number is taken as
  random, with the interval of the acceptance.
* Shares of mechanisms are given where some chain has changed its mechanism: chains that stay where they were started
  say which starts there were, not how much of the ensemble each mechanism has.
* Where the data cannot tell (nothing varied, too few segments) no interval is given, and a note says so. An interval
  always has a width, and holds its value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from separatrix.config.system import System
from separatrix.coordinate import reaction_coordinate
from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.reaction_coordinate import ReactionCoordinate
from separatrix.coordinate.shot_observations import committor_observations
from separatrix.core.errors import StoreError
from separatrix.core.files import read_dataset, read_json
from separatrix.core.units import KCAL
from separatrix.cvs.states import Basin
from separatrix.cvs.variable import Variable
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.results.path_files import split_paths
from separatrix.results.stationary_files import read_stationary
from separatrix.statistics import no_basin
from separatrix.statistics.calibration import calibration_table
from separatrix.statistics.committor_statistics import binomial_expectation, wilson_interval

CONFIDENCE = 0.95
Z = float(scipy.special.ndtri(0.5 + 0.5 * CONFIDENCE))

OUTCOMES = ("accepted", "same basin", "path length", "label off path", "no basin", "failed", "off path")
"""What can become of a move, as in :class:`separatrix.results.moves.Move`."""

STAGES = ("minimum", "saddle_search", "variables", "coordinate", "restrained", "draw", "committor_shots", "committor")
"""Rules that Snakemake times, in their order; first paths and sampling keep a record of their own."""


class Measure(NamedTuple):
    """One number by which the convergence is judged.

    Attributes
    ----------
    name
        In an assessment.
    title
        For readers.
    criterion
        Name of the criterion that it is judged by.
    side
        ``at most`` or ``at least`` the bound.
    """

    name: str
    title: str
    criterion: str
    side: str


MEASURES = (
    Measure("information_error", "information error", "information error", "at most"),
    Measure("clustered_information_error", "information error, clustered by chain", "information error", "at most"),
    Measure("worst_r_hat", "worst R-hat", "R-hat", "at most"),
    Measure("worst_effective_samples", "smallest effective sample size", "effective samples", "at least"),
    Measure("stable_for", "rounds with the same variables", "stable variables", "at least"),
)
"""Numbers of :class:`separatrix.sampling.convergence.Assessment` that are shown."""

SEGMENT_MOVES = 10  # moves in a bootstrap segment, or twice the statistical inefficiency if that is more
MIN_SEGMENTS = 6
MIN_TRIALS = 5  # effective trials below which a share gets no interval
MIN_CHAINS = 10  # for standard errors clustered by chain; they are far too small for a few clusters
_RESAMPLES = 1000
_NO_RECORD = "not on record"


# --- what is read ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChainData:
    """Moves and paths of one chain.

    Attributes
    ----------
    number
        Of the chain.
    frame
        Time between frames in fs.
    outcome, forward
        Of each move, shape (n_moves,): one of :data:`OUTCOMES`; the basin that the forward half reached.
    backward
        The basin that the backward half reached, ``none`` or ``failed``; empty where nothing was run.
    burn_in
        Whether each move belongs to the burn-in, shape (n_moves,).
    points
        Shooting points, nm, shape (n_moves, n_atoms, 3); NaN where nothing was run.
    made_by
        Move that made each path, shape (n_paths,); -1 for the initial path.
    multiplicity
        Weight of each path, shape (n_paths,): moves after which it was the present one.
    mechanism
        Of each path, shape (n_paths,).
    tracks
        Positions along each path, nm, each of shape (n_frames, n_atoms, 3).
    cost
        Content of ``cost.json``: what all moves have cost, burn-in included.
    first_path_cost
        ``evaluations`` and ``core_seconds`` of the first path; empty when they are not on record.
    start, wanted
        Geometry that the first path was shot from, and the one that the config asks for.
    shift
        Distance of neighbouring shooting-point candidates in each move, frames, shape (n_moves,).
    """

    number: int
    frame: float
    outcome: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    burn_in: np.ndarray
    points: np.ndarray
    made_by: np.ndarray
    multiplicity: np.ndarray
    mechanism: np.ndarray
    tracks: tuple[np.ndarray, ...]
    cost: Mapping[str, float]
    first_path_cost: Mapping[str, float]
    start: str
    wanted: str
    shift: np.ndarray

    @property
    def shots(self) -> np.ndarray:
        """Whether halves were run in each move and it came after the burn-in, shape (n_moves,)."""
        return (self.outcome != "off path") & ~self.burn_in

    @property
    def burn_in_shots(self) -> int:
        """Shots of the burn-in."""
        return int(((self.outcome != "off path") & self.burn_in).sum())

    @property
    def accepted(self) -> np.ndarray:
        """1.0 for an accepted shot, 0.0 for a refused one, after the burn-in, shape (n_shots,)."""
        return (self.outcome[self.shots] == "accepted").astype(float)

    @property
    def sampled(self) -> np.ndarray:
        """Whether each path was drawn by the chain (the initial one was not) and has weight, shape (n_paths,)."""
        return (self.made_by >= 0) & (self.multiplicity > 0)

    @property
    def duration(self) -> np.ndarray:
        """Length of each path in fs, shape (n_paths,)."""
        return np.array([(len(t) - 1) * self.frame for t in self.tracks])

    def series(self, of_path: np.ndarray) -> np.ndarray:
        """A property of the paths as a series over the moves; the initial path is left out."""
        return np.repeat(of_path[self.sampled], self.multiplicity[self.sampled])


@dataclass(frozen=True, eq=False)
class MethodData:
    """All that one method has given.

    Attributes
    ----------
    name, label, source
        Key and label in the config; the engine's description of itself.
    minima, saddle
        Stationary points; `minima` by basin.
    chains
        Aimless-shooting chains.
    assessments
        Content of ``rounds/N.json``: the judgement after each round, in order; the last one ended the sampling.
    fit
        Content of ``coordinate.json``.
    q, to_product
        Variables of the coordinate at the observations that were fitted to, shape (n, k), and whether the half went
        to the product, shape (n,).
    committor
        Content of ``committor.json``.
    seconds
        Wall time of each job of :data:`STAGES`; None for a job whose record is missing.
    reaction
        The fitted coordinate, to be evaluated on frames.
    """

    name: str
    label: str
    source: str
    minima: Mapping[str, StationaryPoint]
    saddle: StationaryPoint
    chains: tuple[ChainData, ...]
    assessments: tuple[Mapping[str, Any], ...]
    fit: Mapping[str, Any]
    q: np.ndarray
    to_product: np.ndarray
    committor: Mapping[str, Any]
    seconds: Mapping[str, Sequence[float | None]]
    reaction: ReactionCoordinate | None = None

    @property
    def coordinate(self) -> Coordinate:
        """The fitted reaction coordinate."""
        return Coordinate.from_dict(self.fit["coordinate"])


def read_chain(folder: Path | str) -> ChainData:
    """One chain from the files in its folder."""
    folder = Path(folder)
    table, ways = read_dataset(folder / "shots.nc"), read_dataset(folder / "paths.nc")
    first = read_dataset(folder / "first_path.nc").attrs
    return ChainData(
        number=int(table.chain.values[0]),
        frame=float(table.attrs["frame_fs"]),
        outcome=table.outcome.values.astype(str),
        forward=table.forward.values.astype(str),
        backward=table.backward.values.astype(str),
        burn_in=table.burn_in.values == 1,
        points=table.positions.values,
        made_by=ways.move.values,
        multiplicity=ways.multiplicity.values,
        mechanism=ways.mechanism.values.astype(str),
        tracks=tuple(track[0] for track in split_paths(ways)),
        cost=read_json(folder / "cost.json"),
        first_path_cost={key: float(first[key]) for key in ("evaluations", "core_seconds") if key in first},
        start=str(first["start"]),
        wanted=str(first.get("wanted", first["start"])),
        shift=table["shift"].values,
    )


def read_assessments(folder: Path | str) -> tuple[dict[str, Any], ...]:
    """Assessments of a method up to the one that says stop; those of a longer run, made before, may lie behind it."""
    found: list[dict[str, Any]] = []
    while not found or not found[-1]["stop"]:
        found.append(read_json(Path(folder) / "rounds" / f"{len(found) + 1}.json"))
    return tuple(found)


def read_method(
    folder: Path | str,
    name: str,
    label: str,
    *,
    surface: Path | str,
    basins: Sequence[str],
    chains: int,
    draws: Sequence[str],
    batches: int,
    restrained: bool = False,
    guesses: int = 0,
) -> MethodData:
    """All files of one method's folder.

    Parameters
    ----------
    folder
        Of the method, in the results directory.
    name, label
        The method's key and label.
    surface
        Folder of the method that it has its stationary points from.
    basins
        Names of the basins.
    chains, batches
        Numbers of chains, and of batches of each set of committor shots.
    draws
        Names of these sets.
    restrained
        Whether an ensemble was held at the separatrix.
    guesses
        Number of saddle guesses.

    Raises
    ------
    StoreError
        When a file is missing or damaged. A missing benchmark is no error.
    """
    folder, surface = Path(folder), Path(surface)
    own = {"restrained": restrained, "minimum": surface == folder, "saddle_search": surface == folder}
    fit = read_json(folder / "coordinate.json")
    table = read_dataset(folder / "variables.nc")
    row, to_product, _ = committor_observations(table, fit["observations"])
    variables = [str(v) for v in table.variable.values]
    try:
        columns = [variables.index(n) for n in fit["coordinate"]["names"]]
    except ValueError as error:
        raise StoreError(f"{folder}: coordinate.json does not belong to variables.nc; run again") from error
    suffixes: dict[str, Iterable[Any]] = {
        "minimum": basins,
        "saddle_search": range(1, 1 + guesses),
        "draw": draws,
        "committor_shots": [f"{draw}_{batch}" for draw in draws for batch in range(batches)],
    }
    return MethodData(
        name=name,
        label=label,
        source=table.attrs["source"],
        minima={b: read_stationary(surface / f"minimum_{b}.nc") for b in basins},
        saddle=read_stationary(surface / "saddle.nc"),
        chains=tuple(read_chain(folder / f"chain_{k}") for k in range(1, chains + 1)),
        assessments=read_assessments(folder),
        fit=fit,
        q=table.value.values[row][:, columns],
        to_product=to_product,
        committor=read_json(folder / "committor.json"),
        seconds={
            stage: [
                seconds_of(folder / "benchmarks" / f"{stage}{end}.tsv")
                for end in ([f"_{s}" for s in suffixes[stage]] if stage in suffixes else [""])
            ]
            for stage in STAGES
            if own.get(stage, True)
        },
        reaction=reaction_coordinate.from_results(fit),
    )


def seconds_of(path: Path) -> float | None:
    """Wall time in a benchmark file of Snakemake, or None."""
    try:
        value = pd.to_numeric(pd.read_csv(path, sep="\t")["s"], errors="coerce").mean()
    except (OSError, KeyError, ValueError):
        return None
    return float(value) if math.isfinite(value) else None


# --- statistics -----------------------------------------------------------------------------------------------------


def statistical_inefficiency(series: Sequence[np.ndarray]) -> float | None:
    """Number of successive values that carry as much as one independent value, at least 1.

    Parameters
    ----------
    series
        One array per chain. Deviations are taken from the mean of all chains.

    Returns
    -------
    g of the module's head, or None when nothing varies.
    """
    values = [np.asarray(s, dtype=float) for s in series if len(s)]
    if not values:
        return None
    mean = np.concatenate(values).mean()
    deviations = [v - mean for v in values]
    total = sum(len(d) for d in deviations)
    variance = sum(float(d @ d) for d in deviations) / total
    if variance <= 1e-12 * max(mean * mean, 1e-300):
        return None
    longest = max(len(d) for d in deviations)
    g = 1.0
    for lag in range(1, longest):
        pairs = sum(max(len(d) - lag, 0) for d in deviations)
        rho = sum(float(d[:-lag] @ d[lag:]) for d in deviations) / (pairs * variance)
        if rho <= 0.0:
            break
        g += 2.0 * (1.0 - lag / longest) * rho
    return g


def fraction_interval(series: Sequence[np.ndarray], most: float = math.inf) -> tuple[float, float, float] | None:
    """Interval of the fraction of ones in correlated series of zeros and ones.

    Parameters
    ----------
    series
        One array per chain.
    most
        Largest number of independent trials that may be counted.

    Returns
    -------
    Lower end, upper end and effective number of trials; None without values. Where nothing varies no correlation is
    to be seen, and each value counts.
    """
    values = np.concatenate(series) if len(series) else np.empty(0)
    if not values.size:
        return None
    trials = min(len(values) / (statistical_inefficiency(series) or 1.0), most)
    low, high = wilson_interval(values.mean() * trials, trials, CONFIDENCE)
    return float(low), float(high), trials


def segments(series: Sequence[np.ndarray], length: int) -> list[np.ndarray]:
    """Each chain cut into consecutive pieces of `length` moves or slightly more; chains are never joined."""
    return [part for s in series if len(s) for part in np.array_split(s, max(len(s) // length, 1))]


@dataclass(frozen=True)
class QuantileEstimate:
    """A weighted quantile with its interval, where there is one (else None), and how it was found."""

    value: float
    low: float | None
    high: float | None
    note: str


def quantiles(
    series: Sequence[np.ndarray], at: Sequence[float], rng: np.random.Generator, resolution: float = 0.0
) -> list[QuantileEstimate]:
    """Quantiles of a positive quantity over the moves of all chains, with intervals from a segment bootstrap.

    The standard error of the logarithm comes from resampled segments, is corrected by sqrt(B / (B - 1)), and is
    multiplied by Student's t for B - 1 degrees of freedom (B segments).

    Parameters
    ----------
    series
        One array per chain, shape (n_moves,), values above 0.
    at
        Probabilities.
    rng
        Source of random numbers.
    resolution
        Step in which the quantity comes: no interval is narrower.
    """
    values = np.concatenate([np.asarray(s, dtype=float) for s in series]) if len(series) else np.empty(0)
    if values.size == 0:
        return [QuantileEstimate(math.nan, None, None, "no path was accepted") for _ in at]
    found = np.quantile(values, at)
    g = statistical_inefficiency(series) or 1.0
    length = max(SEGMENT_MOVES, math.ceil(2.0 * g))
    parts = segments(series, length)
    if len(parts) < MIN_SEGMENTS:
        note = f"no interval: {len(parts)} segments of {length} moves, fewer than {MIN_SEGMENTS}"
        return [QuantileEstimate(float(v), None, None, note) for v in found]
    count = len(parts)
    draws = np.array(
        [np.quantile(np.concatenate([parts[i] for i in rng.integers(0, count, count)]), at) for _ in range(_RESAMPLES)]
    )
    error = np.log(draws).std(axis=0) * math.sqrt(count / (count - 1))
    # Resamples that are all alike have an error of rounding.
    if not (error > 1e-12).all():
        note = "no interval: the resamples do not vary"
        return [QuantileEstimate(float(v), None, None, note) for v in found]
    factor = np.exp(float(scipy.stats.t.ppf(0.5 + 0.5 * CONFIDENCE, count - 1)) * error)
    note = f"interval: bootstrap over {count} segments of about {length} moves"
    # Of a discrete quantity nearly all resamples may have the same quantile.
    half = 0.5 * resolution
    return [
        QuantileEstimate(float(v), float(min(v / f, v - half)), float(max(v * f, v + half)), note)
        for v, f in zip(found, factor, strict=True)
    ]


# --- quantities -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantity:
    """One number, or one word, of one method.

    Attributes
    ----------
    group, name
        Where it stands in the tables.
    value
        In `unit`; None for words and for what the data cannot give.
    error
        Standard error, or None.
    low, high
        Interval of confidence 0.95, or None.
    text
        The word or sentence, for a quantity that is no number; else what is to stand beside the number.
    note
        How the uncertainty was found, or why there is none.
    """

    group: str
    name: str
    value: float | None = None
    unit: str = "1"
    error: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""
    note: str = ""


POINTS, GEOMETRY, SAMPLING, CHAINS, CONVERGENCE, COORDINATE, COMMITTOR, RATES, COST = (
    "Stationary points",
    "Geometry",
    "Sampling",
    "Chain by chain",
    "Convergence",
    "Reaction coordinate",
    "Committor",
    "Rates",
    "Cost",
)


def stationary_quantities(data: MethodData, system: System) -> list[Quantity]:
    """Energies, wavenumbers and named coordinates of the minima and the saddle."""
    energy = {b: p.energy / KCAL for b, p in data.minima.items()}
    top, r, p = data.saddle.energy / KCAL, system.reactant, system.product
    found = [
        Quantity(POINTS, f"{r} above {p}", energy[r] - energy[p], "kcal/mol"),
        Quantity(POINTS, f"saddle above {r}", top - energy[r], "kcal/mol"),
        Quantity(POINTS, f"saddle above {p}", top - energy[p], "kcal/mol"),
        Quantity(POINTS, "mechanism at the saddle", text=data.saddle.name, note="by the geometry of the saddle"),
        Quantity(POINTS, "imaginary wavenumber", float(-data.saddle.wavenumbers.min()), "cm-1"),
    ]
    for name, point in {**data.minima, "saddle": data.saddle}.items():
        real = point.wavenumbers[point.wavenumbers > 0]
        for c in named_coordinates(system).values():
            value = c.deciding(point.positions)
            words = {"text": "undefined", "note": "three atoms in a line"} if math.isnan(value) else {"value": value}
            found.append(Quantity(GEOMETRY, f"{c.name} at {name}", unit=c.unit, **words))
        if real.size:  # the saddle of a single coordinate has none
            found.append(Quantity(GEOMETRY, f"lowest real wavenumber at {name}", float(real.min()), "cm-1"))
    return found


def named_coordinates(system: System) -> dict[str, Variable]:
    """The system's coordinates by name; those that its basins and its mechanism rule use come first."""
    rule = system.mechanism
    used = [i.coordinate for b in system.basins for i in b.bounded]
    used += [c for c in (rule.crossing, *(m.coordinate for m in rule.classes)) if c is not None]
    return {c.name: c for c in (*used, *system.coordinates)}


#: Why shares of mechanisms are not given.
STUCK = "not determined: no chain changed its mechanism"
ON_START = "not determined: the shares depend on where the chains were started"


def sampling_quantities(
    chains: Sequence[ChainData],
    rng: np.random.Generator,
    ends: tuple[str, str],
    *,
    one_way: bool = False,
    on_start: bool = False,
) -> list[Quantity]:
    """Acceptance, outcomes, path lengths and mechanisms of a method's chains, after the burn-in.

    Parameters
    ----------
    chains
        Of one method.
    rng
        Of the bootstrap.
    ends
        Reactant and product.
    one_way
        Whether the system knows of one mechanism alone, which then has all paths.
    on_start
        Whether the shares are known to depend on where the chains were started.
    """
    outcome = np.concatenate([c.outcome[~c.burn_in] for c in chains])
    shots, burnt = int(sum(c.shots.sum() for c in chains)), sum(c.burn_in_shots for c in chains)
    found = [
        Quantity(SAMPLING, "chains", len(chains)),
        Quantity(SAMPLING, "burn-in shots", burnt, note="left out of all statistics; what they cost is counted"),
        Quantity(SAMPLING, "moves", len(outcome), note="shots, and moves whose candidate lay off the path"),
        Quantity(SAMPLING, "shots", shots, note="moves whose halves were run, after the burn-in"),
        _acceptance_quantity(chains),
    ]
    found += [Quantity(SAMPLING, f"moves: {word}", int((outcome == word).sum())) for word in OUTCOMES]
    found.append(_lost_quantity(chains, ends))
    paths = int(sum(c.sampled.sum() for c in chains))
    found.append(
        Quantity(
            SAMPLING, "different paths", paths, note="with weight after the burn-in; the initial ones are left out"
        )
    )
    names = ("path length, lower quartile", "path length, median", "path length, upper quartile")
    frame = max((c.frame for c in chains), default=0.0)
    estimates = quantiles([c.series(c.duration) for c in chains], (0.25, 0.5, 0.75), rng, frame)
    for name, q in zip(names, estimates, strict=True):
        found.append(Quantity(SAMPLING, name, _finite(q.value), "fs", low=q.low, high=q.high, note=q.note))
    if one_way:
        return [
            *found,
            *_only_way(SAMPLING, "", chains),
            *(q for chain in chains for q in _of_chain(chain, chains, True)),
        ]
    untold = STUCK if not any(map(_switches, chains)) else ON_START if on_start else ""
    found += [_share(SAMPLING, f"share: {word}", chains, word, paths, untold) for word in mechanisms_of(chains)]
    return [*found, *(q for chain in chains for q in _of_chain(chain, chains, False))]


def _only_way(group: str, of: str, chains: Sequence[ChainData]) -> list[Quantity]:
    """The share of the one mechanism that a system knows of."""
    note = "exact: the system knows of one mechanism"
    return [Quantity(group, f"share: {word}{of}", 1.0, note=note) for word in mechanisms_of(chains)]


def _of_chain(chain: ChainData, chains: Sequence[ChainData], one_way: bool) -> list[Quantity]:
    """What one of the chains says alone."""
    who = f"chain {chain.number}"
    length = chain.series(chain.duration)
    median = float(np.median(length)) if len(length) else None
    note = "" if len(length) else "no path was accepted"
    found = [
        _start_quantity(chain, who),
        _shift_quantity(chain, who),
        _fraction(CHAINS, f"acceptance per shot, {who}", [chain.accepted]),
        Quantity(CHAINS, f"path length, median, {who}", median, "fs", note=note),
    ]
    if one_way:
        return found + _only_way(CHAINS, f", {who}", chains)
    paths, untold = int(chain.sampled.sum()), "" if _switches(chain) else STUCK
    words = mechanisms_of(chains)
    return found + [_share(CHAINS, f"share: {word}, {who}", [chain], word, paths, untold) for word in words]


def _switches(chain: ChainData) -> int:
    """Moves of a chain that changed the mechanism."""
    kinds = chain.mechanism[chain.sampled]
    return int((kinds[1:] != kinds[:-1]).sum())


def _lost_quantity(chains: Sequence[ChainData], ends: tuple[str, str]) -> Quantity:
    """Share of the half-trajectories that were given up."""
    halves = [str(end) for c in chains for half in (c.forward, c.backward) for end in half[c.shots]]
    lost = no_basin.counted(halves, *ends)
    if not lost.halves:
        return Quantity(SAMPLING, LOST, note="no half-trajectory was run, or all failed")
    note = f"{lost.count()}; Wilson interval"
    return Quantity(
        SAMPLING, LOST, lost.share, low=lost.low, high=lost.high, text=lost.remedy if lost.matters else "", note=note
    )


#: Names of the quantities that say how many halves were given up; their text is empty where it does not matter.
LOST, LOST_SHOTS = "half-trajectories in no basin", "share of uncommitted shots"


def _start_quantity(chain: ChainData, who: str) -> Quantity:
    """What the chain's first path was shot from."""
    text = chain.start
    if chain.start != chain.wanted:
        text += f" (instead: no path of the wanted mechanism from {chain.wanted})"
    return Quantity(CHAINS, f"started from, {who}", text=text)


def _shift_quantity(chain: ChainData, who: str) -> Quantity:
    """The shift of the moves that count; the first move of a burn-in has that of the config."""
    name, kept = f"shift, {who}", chain.shift[~chain.burn_in]
    if not len(kept):
        return Quantity(CHAINS, name, unit="fs", note="no move after the burn-in")
    given, shift = (float(frames) * chain.frame for frames in (chain.shift[0], kept[0]))
    text = "" if given == shift else f"tuned from {given:g}"
    return Quantity(CHAINS, name, shift, "fs", text=text, note="between neighbouring shooting-point candidates")


def _acceptance_quantity(chains: Sequence[ChainData]) -> Quantity:
    return _fraction(SAMPLING, "acceptance per shot", [c.accepted for c in chains])


def mechanisms_of(chains: Sequence[ChainData]) -> list[str]:
    """Mechanisms of the sampled paths of all chains, in alphabetical order."""
    return sorted({str(m) for c in chains for m in c.mechanism[c.sampled]})


def _fraction(group: str, name: str, series: Sequence[np.ndarray], most: float = math.inf) -> Quantity:
    values = np.concatenate(series) if len(series) else np.empty(0)
    if values.size == 0:
        return Quantity(group, name, note="no data")
    value = float(values.mean())
    low, high, trials = fraction_interval(series, most) or (math.nan, math.nan, 0.0)
    if trials < MIN_TRIALS:
        note = f"no interval: worth {trials:.1f} independent trials, fewer than {MIN_TRIALS}"
        return Quantity(group, name, value, note=note)
    note = f"Wilson interval of {trials:.1f} effective trials ({values.size} counted)"
    return Quantity(group, name, value, low=low, high=high, note=note)


def _share(group: str, name: str, chains: Sequence[ChainData], word: str, paths: int, untold: str = "") -> Quantity:
    """Share of a mechanism, weighted by multiplicity; none for the reason `untold`."""
    if untold:
        mine = sum(int((c.mechanism[c.sampled] == word).sum()) for c in chains)
        return Quantity(group, name, note=f"{untold} ({mine} of {paths} paths)")
    return _fraction(group, name, [c.series((c.mechanism == word).astype(float)) for c in chains], paths)


def convergence_quantities(assessments: Sequence[Mapping[str, Any]]) -> list[Quantity]:
    """Why sampling stopped, and the measures that it was judged by in its last round."""
    last = assessments[-1]
    agreement = last["mechanisms"]
    found = [
        Quantity(CONVERGENCE, "converged", text="yes" if last["converged"] else "no"),
        Quantity(CONVERGENCE, "sampling stopped", text=why_stopped(assessments)),
        Quantity(CONVERGENCE, "rounds", len(assessments)),
        Quantity(CONVERGENCE, "verdict of the last round", text=last["verdict"]),
    ]
    for measure in MEASURES:
        criterion = _criterion(last, measure.criterion)
        wanted = f"wanted: {measure.side} {criterion['bound']:g}"
        value = _finite(last[measure.name])
        text = "" if value is None else wanted
        found.append(Quantity(CONVERGENCE, measure.title, value, text=text, note=criterion["text"]))
    found.append(Quantity(CONVERGENCE, "mechanisms and starts", text=agreement["verdict"]))
    found += [
        Quantity(CONVERGENCE, f"mechanisms of chains started from: {row['start']}", text=_shares_of_start(row))
        for row in agreement["per_start"]
    ]
    return found


def why_stopped(assessments: Sequence[Mapping[str, Any]]) -> str:
    """Why sampling stopped after the last of some assessments."""
    rounds = f"{len(assessments)} round{'' if len(assessments) == 1 else 's'}"
    if assessments[-1]["converged"]:
        return f"because it converged, after {rounds}"
    return f"because max_rounds was reached, after {rounds}, without convergence"


def _criterion(assessment: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(c for c in assessment["criteria"] if c["name"] == name)


def _shares_of_start(row: Mapping[str, Any]) -> str:
    """Shares of the mechanisms in the chains of one start."""
    seen = {name: share for name, share in row["shares"].items() if share > 0}
    # Where no chain ever switched, shares are those of the starts.
    shares = ", ".join(f"{name} {share:.0%}" if row["switches"] else name for name, share in seen.items())
    worth = "" if row["effective_moves"] is None else f" (worth {row['effective_moves']:.1f})"
    chains = ", ".join(map(str, row["chains"]))
    return f"{shares}; moves: {row['moves']}{worth}, switches: {row['switches']}, chains: {chains}"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


@dataclass(frozen=True, eq=False)
class CoefficientErrors:
    """Standard errors of a coordinate's parameters, intercept first (None where there are none), and their kind."""

    values: tuple[float | None, ...]
    note: str


def coefficient_errors(model: Coordinate, n_chains: int) -> CoefficientErrors:
    """Standard errors: clustered by chain where there are chains enough, else those of independent observations."""
    size = len(model.names) + 1
    if model.separable:
        return CoefficientErrors((None,) * size, "no error: the coordinate separates the outcomes without a mistake")
    if not model.converged:
        return CoefficientErrors((None,) * size, "no error: the maximum was not verified")
    covariance, note = model.covariance, "standard error: observations taken as independent (few chains)"
    if model.clustered_covariance is not None and n_chains >= max(MIN_CHAINS, 2 * size):
        covariance, note = (
            model.clustered_covariance,
            f"standard error: clustered by chain ({n_chains} chains)",
        )
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.diag(covariance))
    return CoefficientErrors(tuple(_finite(float(e)) for e in errors), note)


def formula(model: Coordinate, units: Mapping[str, str], errors: CoefficientErrors) -> str:
    """The coordinate in one line; each variable is divided by its unit, so that all coefficients are numbers."""
    terms = [_term(model.intercept, errors.values[0])]
    for name, value, error in zip(model.names, model.coefficients, errors.values[1:], strict=True):
        unit = units.get(name, "1")
        variable = name if unit in ("1", "") else f"{name}/{unit}"
        terms.append(f"{_term(float(value), error)}·{variable}")
    return "r = " + " + ".join(terms)


def _term(value: float, error: float | None) -> str:
    if error is None:
        return f"({value:.3g})"
    shown, spread = rounded(value, error)
    return f"({shown} ± {spread})"


def rounded(value: float, error: float) -> tuple[str, str]:
    """A number and its error, both to the place of the error's second significant digit."""
    if not (math.isfinite(error) and error > 0.0):
        return f"{value:.4g}", f"{error:.2g}"
    place = 1 - math.floor(math.log10(error))
    if math.floor(math.log10(round(error, place))) > math.floor(math.log10(error)):
        place -= 1  # 0.0996 rounds up to 0.10
    digits = max(place, 0)
    return f"{round(value, place):.{digits}f}", f"{round(error, place):.{digits}f}"


def coordinate_quantities(data: MethodData) -> list[Quantity]:
    """The coordinate as a formula, its likelihoods and how often its variables are chosen in resamples."""
    model, fit = data.coordinate, data.fit
    errors = coefficient_errors(model, len(data.chains))
    n = model.n_observations
    independent = "taken as independent"
    found = [
        Quantity(COORDINATE, "coordinate", text=formula(model, fit["units"], errors), note=errors.note),
        Quantity(COORDINATE, "observations", n, note=f"{model.n_success} to {fit['product']}"),
        Quantity(COORDINATE, "left out of the fit", fit["n_left_out"], note="half reached neither basin"),
        Quantity(COORDINATE, "ln L", model.log_likelihood, note=f"{n} observations {independent}"),
        Quantity(COORDINATE, "ln L of a constant", fit["null_log_likelihood"]),
        Quantity(
            COORDINATE,
            "better than a constant by the criterion",
            text="yes" if fit["beats_null"] else "no",
            note=CRITERIA.get(fit.get("criterion", "ebic"), ""),
        ),
        Quantity(COORDINATE, "ln L per observation", model.log_likelihood / n),
    ]
    held = fit.get("held_out")
    if held:
        note = "each chain in turn predicted from the others; the choice of variables is not repeated"
        if held["skipped"]:
            note += f"; chains that could not be left out: {', '.join(held['skipped'])}"
        few = "" if len(held["groups"]) >= MIN_CHAINS else f"; error from {len(held['groups'])} chains only"
        found += [
            Quantity(
                COORDINATE,
                "held-out ln L per observation",
                held["mean"],
                error=held["standard_error"],
                note=note + few,
            ),
            Quantity(COORDINATE, "held-out ln L per observation of a constant", held["null_mean"]),
        ]
    else:
        found.append(Quantity(COORDINATE, "held-out ln L per observation", note="not computed: needs two chains"))
    found += _beyond_quantities(fit)
    frequency = fit.get("bootstrap")
    for name in model.names:
        if frequency and frequency["n_boot"]:
            value = _finite(frequency["frequency"][frequency["names"].index(name)])
            note = f"{frequency['n_boot']} resamples of {frequency['blocks']}"
        else:
            value, note = None, "no bootstrap was run"
        found.append(Quantity(COORDINATE, f"chosen in resamples: {name}", value, note=note))
    return found


CRITERIA = {"ebic": "extended BIC, which charges for the search", "bic": "BIC", "aic": "AIC"}
"""What may choose the number of variables, by their names in ``coordinate.json``."""

BEYOND = {"boosting": "gradient boosting", "network": "a neural network"}
"""Committor models that are not linear, by their names in ``coordinate.json``."""


def _beyond_quantities(fit: Mapping[str, Any]) -> list[Quantity]:
    """How much better models predict that are not linear, on observations that neither they nor the coordinate saw."""
    beyond = fit.get("beyond_linear")
    if not beyond:
        return []
    folds = len(beyond["held_out"]["groups"])
    note = f"over the coordinate, on the same {folds} folds; its own is {beyond['held_out']['mean']:.4f}"
    if folds < MIN_CHAINS:
        note += f"; error from {folds} folds only"
    given = {"chosen": "its variables", "all": "all variables"}
    return [
        Quantity(
            COORDINATE,
            f"held-out gain of {BEYOND[m['name']]}, {given[m['variables']]}",
            _finite(m["gain"]),
            error=_finite(m["standard_error"]),
            note=note,
        )
        for m in beyond["models"]
    ]


def committor_quantities(data: MethodData) -> list[Quantity]:
    """Committor distribution on the predicted separatrix."""
    return [
        *_distribution_quantities(data, "separatrix", ""),
        *(_distribution_quantities(data, "naive", "naive coordinate: ") if "naive" in data.committor["draws"] else []),
        *_calibration_quantities(data),
    ]


def _distribution_quantities(data: MethodData, draw: str, of: str) -> list[Quantity]:
    """The committor distribution on a predicted separatrix; `of` begins the name of each quantity."""
    drawn = data.committor["draws"][draw]
    d = drawn["distribution"]
    low, high = d["intrinsic_sd_interval"]
    found = [
        Quantity(COMMITTOR, "configurations", d["n_configurations"], note=drawn["how"]),
        Quantity(COMMITTOR, "committed shots", d["n_shots"], note=f"{d['n_success']} to {data.committor['product']}"),
        Quantity(COMMITTOR, "uncommitted shots", d["n_uncommitted"]),
        *_uncommitted_quantities(data, d),
        Quantity(COMMITTOR, "failed shots", d["n_failed"]),
        _mean_quantity(d),
        Quantity(
            COMMITTOR,
            "intrinsic standard deviation",
            d["intrinsic_sd"],
            low=low,
            high=high,
            note="binomial noise taken out; profile-likelihood interval of the beta-binomial",
        ),
    ]
    if expected := drawn.get("expected_spread"):
        found.append(
            Quantity(
                COMMITTOR,
                "spread to be expected",
                expected["both"],
                note=f"{expected['window']:.3f} from the width of the draw, {expected['coefficients']:.3f} from the "
                "errors of the coefficients; more than this means that the coordinate lacks something",
            )
        )
    found += [
        Quantity(
            COMMITTOR,
            "p-value against pure binomial",
            d["p_value_binomial"],
            note="one committor for all, whatever it is",
        ),
        Quantity(COMMITTOR, "verdict", text=d["verdict"]),
    ]
    return [replace(q, name=of + q.name) for q in found] if of else found


def _mean_quantity(d: Mapping[str, Any]) -> Quantity:
    """The mean committor; where uncommitted shots matter its interval reaches as far as they could take it."""
    name, (low, high) = "mean committor", d["mean_interval"]
    note = "error between configurations; Student's t interval"
    if not d.get("uncommitted_matters") or low is None:
        return Quantity(COMMITTOR, name, d["mean"], error=d["mean_standard_error"], low=low, high=high, note=note)
    to_a, to_b = d["mean_bounds"]
    low, high = max(to_a - (d["mean"] - low), 0.0), min(to_b + (high - d["mean"]), 1.0)
    note += "; as far as uncommitted shots could take it, had they all gone to the one basin or all to the other"
    return Quantity(COMMITTOR, name, d["mean"], low=low, high=high, note=note)


def _uncommitted_quantities(data: MethodData, d: Mapping[str, Any]) -> list[Quantity]:
    """What shots that reached no basin could change; nothing where there are none."""
    if not d.get("n_uncommitted") or "uncommitted_share" not in d:
        return []
    low, high = d["uncommitted_interval"]
    text = f"give a larger {no_basin.KEY}" if d["uncommitted_matters"] else ""
    basins = (data.fit["reactant"], data.fit["product"])
    return [
        Quantity(COMMITTOR, LOST_SHOTS, d["uncommitted_share"], low=low, high=high, text=text, note="Wilson interval"),
        *(
            Quantity(COMMITTOR, f"mean committor had uncommitted shots gone to {basin}", bound, note="a bound")
            for basin, bound in zip(basins, d["mean_bounds"], strict=True)
        ),
    ]


def _calibration_quantities(data: MethodData) -> list[Quantity]:
    """Predicted against measured committors, over all configurations that were shot from."""
    found = data.committor.get("calibration")
    if not found:
        return []
    over = f"{found['n_shots']} shots from {found['n_configurations']} configurations, none used in the fit"
    ranked = data.committor["ranking"]
    own = next(r for r in ranked if r["name"] == "found")
    quantities = [
        Quantity(
            COMMITTOR,
            "slope of the calibration",
            _finite(found["slope"]),
            low=_finite(found["slope_interval"][0]),
            high=_finite(found["slope_interval"][1]),
            note=f"of logit measured against logit predicted; 1 is right; {over}",
        ),
        Quantity(
            COMMITTOR,
            "root mean square error of the prediction",
            _finite(own["rms_error"]),
            low=_finite(own["rms_error_interval"][0]),
            high=_finite(own["rms_error_interval"][1]),
            note=f"of the committor, binomial noise taken out; {over}; bootstrap over configurations",
        ),
        Quantity(COMMITTOR, "Brier score", own["brier"], note=f"1/4 of a coin; {over}"),
        Quantity(COMMITTOR, "ln L per committor shot", own["log_likelihood_per_shot"], note=over),
    ]
    words = {"naive": "the naive coordinate", "constant": "a constant"}
    for rival in ranked:
        if rival["name"] in words:
            of = f" ({', '.join(rival['variables'])})" if rival["variables"] else ""
            quantities.append(
                Quantity(
                    COMMITTOR,
                    f"ln L per committor shot, gain over {words[rival['name']]}",
                    rival["behind"],
                    low=_finite(rival["behind_interval"][0]),
                    high=_finite(rival["behind_interval"][1]),
                    note=f"paired bootstrap over configurations{of}",
                )
            )
    quantities.append(Quantity(COMMITTOR, "calibration", text=found["verdict"]))
    if words := data.committor.get("explanation"):
        quantities.append(Quantity(COMMITTOR, "what the shots say", text="; ".join(words)))
    return quantities


def cost_quantities(data: MethodData) -> list[Quantity]:
    """Force evaluations and times; those of sampling hold the burn-in."""
    evaluations, seconds = evaluations_of(data), core_seconds_of(data)
    steps, shots = (sum(int(c.cost[key]) for c in data.chains) for key in ("steps", "shots"))
    forces, time = evaluations["sampling"], seconds["sampling"]
    spent = "time in the shots, times threads; the start of the job is left out"
    return [
        *(
            Quantity(COST, f"force evaluations, {part}", n, note=_NO_RECORD if n is None else "")
            for part, n in evaluations.items()
        ),
        Quantity(
            COST, "force evaluations per step, sampling", forces / steps if steps else None, note=f"{steps} steps"
        ),
        per_accepted_path(data.chains, "force evaluations per accepted path", evaluations, "1"),
        *(
            Quantity(COST, f"core time, {part}", t, "s", note=_NO_RECORD if t is None else spent)
            for part, t in seconds.items()
        ),
        Quantity(COST, "core time per shot, sampling", time / shots if shots else None, "s"),
        Quantity(COST, "core time per force evaluation, sampling", 1000.0 * time / forces if forces else None, "ms"),
        per_accepted_path(data.chains, "core time per accepted path", seconds, "s"),
        *_wall_time_quantities(data),
    ]


def _wall_time_quantities(data: MethodData) -> list[Quantity]:
    others = stage_seconds(data)
    found = [
        Quantity(COST, f"wall time, {stage.replace('_', ' ')}", value, "s", note=note)
        for stage, (value, note) in others.items()
    ]
    total = [v for v, _ in others.values() if v is not None]
    note = f"summed over the jobs of {', '.join(others).replace('_', ' ')}; job start included"
    found.append(Quantity(COST, "wall time, other stages", sum(total) if total else None, "s", note=note))
    return found


def per_accepted_path(chains: Sequence[ChainData], name: str, cost: Mapping[str, float | None], unit: str) -> Quantity:
    """What an accepted path has cost: first paths, burn-in and all, over the accepted paths after the burn-in.

    Parameters
    ----------
    chains
        Of one method.
    name, unit
        Of the cost.
    cost
        Of the parts ``sampling`` and ``first paths``; None where it is not on record, and then left out.
    """
    acceptance = _acceptance_quantity(chains)
    if not acceptance.value:
        return Quantity(COST, name, unit=unit, note="no path was accepted")
    each = sum(cost[part] or 0.0 for part in ("first paths", "sampling")) / sum(len(c.accepted) for c in chains)
    note = "sampling with its burn-in, and first paths"
    if cost["first paths"] is None:
        note = f"sampling with its burn-in; first paths are {_NO_RECORD}"
    value = each / acceptance.value
    if acceptance.low is None or acceptance.high is None:
        return Quantity(COST, name, value, unit, note=f"{acceptance.note}; {note}")
    note += f"; accepted paths after the burn-in only, with the interval of the acceptance: {acceptance.note}"
    return Quantity(COST, name, value, unit, low=each / acceptance.high, high=each / acceptance.low, note=note)


def evaluations_of(data: MethodData) -> dict[str, float | None]:
    """Force evaluations by part of the work; None where they are not on record."""
    return {
        "stationary points": sum(p.evaluations for p in (*data.minima.values(), data.saddle)),
        **_of_shooting(data.chains, "evaluations"),
        "committor": data.committor["evaluations"],
    }


def core_seconds_of(data: MethodData) -> dict[str, float | None]:
    """Core-seconds of first paths and sampling; None where they are not on record."""
    return _of_shooting(data.chains, "core_seconds")


def _of_shooting(chains: Sequence[ChainData], key: str) -> dict[str, float | None]:
    """A cost of all chains: of their first paths, None unless it is known of each, and of their moves."""
    first = [c.first_path_cost.get(key) for c in chains]
    return {
        "first paths": None if None in first else sum(first),  # type: ignore[arg-type]
        "sampling": sum(c.cost[key] for c in chains),
    }


def stage_seconds(data: MethodData) -> dict[str, tuple[float | None, str]]:
    """Wall time of each stage in s, summed over its jobs, and a note on jobs without a record."""
    result = {}
    for stage, values in data.seconds.items():
        known = [v for v in values if v is not None]
        note = f"{len(known)} of {len(values)} jobs" if len(known) < len(values) else f"{len(known)} job(s)"
        result[stage] = (sum(known) if known else None, note)
    return result


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by method; where two methods share one, the method's key is added."""
    every = list(labels.values())
    return {name: label if every.count(label) == 1 else f"{label} ({name})" for name, label in labels.items()}


def summarise(data: MethodData, system: System, rng: np.random.Generator) -> list[Quantity]:
    """All quantities of one method."""
    agreement = data.assessments[-1]["mechanisms"]["outcome"]
    found = [
        Quantity(POINTS, "level of theory", text=data.source),
        *stationary_quantities(data, system),
        *sampling_quantities(
            data.chains,
            rng,
            (system.reactant, system.product),
            one_way=len(system.mechanism.names) == 1,
            on_start=agreement == "depend on the start",
        ),
        *convergence_quantities(data.assessments),
        *coordinate_quantities(data),
        *committor_quantities(data),
        *cost_quantities(data),
    ]
    return [with_width(q) for q in found]


def with_width(q: Quantity) -> Quantity:
    """The same quantity, whose interval holds its value and has a width; else it has none, and the note says so.

    Value and interval may come from two statistics, as moment and likelihood of the committors' spread do.
    """
    if q.low is None or q.high is None or q.value is None:
        return replace(q, low=None, high=None)
    low, high = min(q.low, q.value), max(q.high, q.value)
    if not (math.isfinite(low) and math.isfinite(high)):
        return replace(q, low=None, high=None)
    if high <= low:
        return replace(q, low=None, high=None, note=f"no interval: the resamples do not vary; {q.note}")
    return replace(q, low=low, high=high)


def comparison_frame(summaries: Mapping[str, Sequence[Quantity]], labels: Mapping[str, str]) -> pd.DataFrame:
    """One row per method and quantity: method, label, group, quantity, value, error, low, high, unit, text, note."""
    rows = [{"method": m, "label": labels[m], **asdict(q)} for m, quantities in summaries.items() for q in quantities]
    frame = pd.DataFrame(rows).rename(columns={"name": "quantity"})
    columns = [
        "method",
        "label",
        "group",
        "quantity",
        "value",
        "error",
        "low",
        "high",
        "unit",
        "text",
        "note",
    ]
    return frame[columns].astype(dict.fromkeys(("value", "error", "low", "high"), float))


def comparison_json(data: Sequence[MethodData], summaries: Mapping[str, Sequence[Quantity]]) -> dict[str, Any]:
    """The same as nested mappings: method, group, quantity."""
    result: dict[str, Any] = {"confidence": CONFIDENCE, "methods": {}}
    for method in data:
        groups: dict[str, Any] = {}
        for q in summaries[method.name]:
            entry = {k: v for k, v in asdict(q).items() if k not in ("group", "name") and v not in (None, "")}
            groups.setdefault(q.group, {})[q.name] = {"value": q.value, **entry}
        result["methods"][method.name] = {"label": method.label, "source": method.source, "groups": groups}
    return result


# --- tables behind the figures --------------------------------------------------------------------------------------


def figure_frames(
    data: Sequence[MethodData], summaries: Mapping[str, Sequence[Quantity]], system: System
) -> dict[str, pd.DataFrame]:
    """One table per figure, or per HTML table without one, by name.

    Each has the columns `method` and `label`, methods in the config's order.
    """
    plane = projection(data, system)
    makers = {
        "energy_profile": lambda d: _levels(d, system),
        "acceptance": lambda d: _acceptance(d, summaries[d.name]),
        "convergence": _convergence,
        "path_lengths": lambda d: _path_lengths(d, summaries[d.name]),
        "mechanisms": lambda d: _mechanisms(d, summaries[d.name]),
        "shooting_points": lambda d: _plane_rows(d, plane) + _basin_rows(system, plane),
        "coefficients": _coefficients,
        "sets": _sets,
        "candidates": _candidates,
        "calibration": _calibration,
        "selection": _selection,
        "committor_histogram": _committor_histogram,
        "committor_points": _committor_points,
        "committor_calibration": _committor_calibration,
        "committor_map": _committor_map,
        "ranking": _ranking,
        "cost": lambda d: _cost(d, summaries[d.name]),
    }
    frames = {}
    for name, make in makers.items():
        rows = [{"method": d.name, "label": d.label, **row} for d in data for row in make(d)]
        frames[name] = pd.DataFrame(rows, columns=None if rows else ["method", "label"])
    return frames


def projection(data: Sequence[MethodData], system: System) -> tuple[Variable, Variable | None]:
    """Two named coordinates to show the paths in, the second None where there is but one.

    They are that of the commonest mechanism class and the crossing; without classes another coordinate and the
    crossing; without a crossing the first two.
    """
    rule = system.mechanism
    named = list(named_coordinates(system).values())
    if rule.crossing is None:
        return named[0], named[1] if len(named) > 1 else None
    if rule.classes:
        seen = [str(m) for d in data for c in d.chains for m in c.series(c.mechanism)] + [d.saddle.name for d in data]
        best = max(rule.classes, key=lambda c: seen.count(c.name))  # the first one of equals
        return best.coordinate, rule.crossing
    others = [c for c in named if c != rule.crossing]
    return (others[0], rule.crossing) if others else (rule.crossing, None)


def _axis(coordinate: Variable | None) -> str:
    """Axis title; dihedrals are shown without their sign, because mirror images are the same crossing."""
    if coordinate is None:
        return "move"
    name = coordinate.name if coordinate.period is None else f"|{coordinate.name}|"
    return name if coordinate.unit == "1" else f"{name} ({coordinate.unit})"


def _plane_values(coordinate: Variable | None, positions: np.ndarray, moves: Iterable[int]) -> list[float]:
    """Values of a coordinate, or the moves that the frames belong to where there is no coordinate."""
    if coordinate is None:
        return [float(m) for m in moves]
    return [round(float(coordinate.unsigned(x)), 2 if coordinate.unit == "degree" else 4) for x in positions]


def _named(summary: Sequence[Quantity], group: str, name: str) -> Quantity:
    return next(q for q in summary if q.group == group and q.name == name)


def _levels(data: MethodData, system: System) -> list[dict[str, Any]]:
    zero = data.minima[system.product].energy
    points = [(system.reactant, data.minima[system.reactant], ""), ("saddle", data.saddle, data.saddle.name)]
    points.append((system.product, data.minima[system.product], ""))
    return [
        {
            "place": i,
            "point": name,
            "mechanism": word,
            "energy": round((p.energy - zero) / KCAL, 4),
            "zero": system.product,
        }
        for i, (name, p, word) in enumerate(points)
    ]


def _acceptance(data: MethodData, summary: Sequence[Quantity]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for chain in data.chains:
        running = np.cumsum(chain.accepted) / np.arange(1, len(chain.accepted) + 1)
        rows += [
            {"kind": "chain", "chain": chain.number, "shot": i + 1, "acceptance": float(a)}
            for i, a in enumerate(running)
        ]
    q = _named(summary, SAMPLING, "acceptance per shot")
    last = max((len(c.accepted) for c in data.chains), default=0)
    return [*rows, {"kind": "all", "shot": last, "acceptance": q.value, "low": q.low, "high": q.high}]


def _convergence(data: MethodData) -> list[dict[str, Any]]:
    rows = []
    for number, a in enumerate(data.assessments, start=1):
        row: dict[str, Any] = {"round": number, "shots": a["n_shots"], "variables": "; ".join(a["variables"])}
        for m in MEASURES:
            row |= {m.name: a[m.name], f"{m.name}_bound": _criterion(a, m.criterion)["bound"]}
        stopped = why_stopped(data.assessments) if number == len(data.assessments) else ""
        rows.append(
            row | {"mechanisms": a["mechanisms"]["outcome"], "verdict": a["verdict"], "sampling_stopped": stopped}
        )
    return rows


def _path_lengths(data: MethodData, summary: Sequence[Quantity]) -> list[dict[str, Any]]:
    total = sum(int(c.multiplicity[c.sampled].sum()) for c in data.chains)
    rows: list[dict[str, Any]] = [
        {"kind": "path", "chain": c.number, "length": float(d), "share": float(w) / total}
        for c in data.chains
        for d, w in zip(c.duration[c.sampled], c.multiplicity[c.sampled], strict=True)
    ]
    for kind in ("lower quartile", "median", "upper quartile"):
        q = _named(summary, SAMPLING, f"path length, {kind}")
        rows.append({"kind": kind, "length": q.value, "low": q.low, "high": q.high})
    return rows


def _mechanisms(data: MethodData, summary: Sequence[Quantity]) -> list[dict[str, Any]]:
    rows = []
    for word in mechanisms_of(data.chains):
        q = _named(summary, SAMPLING, f"share: {word}")
        paths = int(sum((c.mechanism[c.sampled] == word).sum() for c in data.chains))
        # NaN where shares are not determined: a column of nothing else is still one of numbers.
        share, low, high = (math.nan if v is None else v for v in (q.value, q.low, q.high))
        rows.append({"kind": "all", "mechanism": word, "share": share, "low": low, "high": high, "paths": paths})
        for chain in data.chains:
            one = _named(summary, CHAINS, f"share: {word}, chain {chain.number}")
            if one.value is not None:
                rows.append({"kind": "chain", "chain": chain.number, "mechanism": word, "share": one.value})
    return rows


def _plane_rows(data: MethodData, plane: tuple[Variable, Variable | None]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    axes = dict(zip(("x_axis", "y_axis"), map(_axis, plane), strict=True))
    for chain in data.chains:
        for i in np.flatnonzero(chain.sampled):
            track = chain.tracks[i]
            line = f"{data.name} {chain.number} {chain.made_by[i]}"
            moves = [chain.made_by[i]] * len(track)
            pairs = zip(*(_plane_values(c, track, moves) for c in plane), strict=True)
            pairs = list(pairs)
            rows += [
                {"kind": "path", "path": line, "frame": f, "x": a, "y": b, **axes} for f, (a, b) in enumerate(pairs)
            ]
            for f in _crossings(data.reaction, track):
                rows.append({"kind": "separatrix", "x": pairs[f][0], "y": pairs[f][1], **axes})
    for chain in data.chains:
        run, moves = chain.points[chain.shots], np.flatnonzero(chain.shots)
        values = zip(*(_plane_values(c, run, moves) for c in plane), chain.forward[chain.shots], strict=True)
        rows += [{"kind": "point", "x": a, "y": b, "reached": str(end), **axes} for a, b, end in values]
    return rows


def _crossings(reaction: ReactionCoordinate | None, track: np.ndarray) -> list[int]:
    """Frames next to which a path crosses r = 0, the nearer of each two."""
    if reaction is None:
        return []
    r = reaction.evaluate(track).r
    before = np.flatnonzero(np.sign(r[:-1]) * np.sign(r[1:]) < 0)
    return [int(i if abs(r[i]) <= abs(r[i + 1]) else i + 1) for i in before]


def _basin_rows(system: System, plane: tuple[Variable, Variable | None]) -> list[dict[str, Any]]:
    """Basins as rectangles in the plane; without an end where the basin has no bound on a coordinate."""
    if plane[1] is None:
        return []
    axes = dict(zip(("x_axis", "y_axis"), map(_axis, plane), strict=True))
    rows = []
    for basin in system.basins:
        bounds = {}
        for axis, coordinate in zip(("x", "y"), plane, strict=True):
            low, high = _bounds(basin, coordinate)
            bounds |= {axis: low, f"{axis}2": high}
        if any(math.isfinite(v) for v in bounds.values()):
            rows.append({"kind": "basin", "reached": basin.name, **bounds, **axes})
    return rows


def _bounds(basin: Basin, coordinate: Variable) -> tuple[float, float]:
    """Range of a coordinate in a basin, as :func:`_plane_values` shows it; NaN where it has none."""
    for interval in basin.bounded:
        if interval.coordinate == coordinate:
            if coordinate.period is None:
                return interval.low, interval.high
            shown = [
                v
                for v in np.arange(0.0, coordinate.period / 2.0 + 0.5, 0.5)
                if interval.contains(v) or interval.contains(-v)
            ]
            return (min(shown), max(shown)) if shown else (math.nan, math.nan)
    return math.nan, math.nan


def _coefficients(data: MethodData) -> list[dict[str, Any]]:
    model = data.coordinate
    errors = coefficient_errors(model, len(data.chains))
    spread = data.q.std(axis=0)
    frequency = {row["variable"]: row["frequency"] for row in _selection(data)}
    intervals = next((_intervals(s) for s in data.fit.get("sets", []) if s["chosen"]), [{}] * (len(model.names) + 1))
    rows = [
        {
            "variable": "intercept",
            "unit": "1",
            "coefficient": model.intercept,
            "error": errors.values[0],
            "note": errors.note,
            **intervals[0],
        }
    ]
    for k, name in enumerate(model.names):
        error, value = errors.values[k + 1], float(model.coefficients[k])
        half = None if error is None else Z * error * spread[k]
        rows.append(
            {
                "variable": name,
                "unit": data.fit["units"].get(name, "1"),
                "coefficient": value,
                "error": error,
                "note": errors.note,
                "spread": float(spread[k]),
                "standardised": value * spread[k],
                "low": None if half is None else value * spread[k] - half,
                "high": None if half is None else value * spread[k] + half,
                "frequency": frequency.get(name),
                **intervals[k + 1],
            }
        )
    return rows


def _intervals(judged: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Both intervals of each coefficient of a set, intercept first: by clustered errors, and resampled."""
    clustered, drawn = judged["interval"], judged["bootstrap"] or {}
    blocks = judged["blocks"]["what"]
    return [
        {
            "lower": clustered["lower"][k],
            "upper": clustered["upper"][k],
            "resampled_lower": drawn["lower"][k] if drawn else None,
            "resampled_upper": drawn["upper"][k] if drawn else None,
            "blocks": blocks,
        }
        for k in range(len(judged["coefficients"]))
    ]


def _sets(data: MethodData) -> list[dict[str, Any]]:
    """The best sets of each size and those beside them: a row for each variable."""
    fit, rows = data.fit, []
    n = fit["coordinate"]["n_observations"]
    for number, judged in enumerate(fit.get("sets", [])):
        names = judged["variables"]
        head = {
            "set": number,
            "role": f"best of {len(names)}" if judged["role"] == "best" else "for comparison",
            "chosen": judged["chosen"],
            "observations": n,
            "constant_per_observation": fit["null_log_likelihood"] / n,
        }
        if "problem" in judged:
            units, extra = judged["units"], {"problem": judged["problem"]}
            rows += [head | extra | {"variable": v, "unit": u} for v, u in zip(names, units, strict=True)]
            continue
        held = judged["held_out"] or {"mean": None, "standard_error": None, "null_mean": None}
        head |= {
            "per_observation": judged["log_likelihood_per_observation"],
            "held_out": held["mean"],
            "held_out_error": held["standard_error"],
            "held_out_constant": held["null_mean"],
            "separable": judged["separable"],
            "problem": "",
        }
        both = _intervals(judged)
        for k, (name, unit) in enumerate(zip(names, judged["units"], strict=True), start=1):
            rows.append(head | {"variable": name, "unit": unit, "coefficient": judged["coefficients"][k], **both[k]})
    return rows


def _candidates(data: MethodData) -> list[dict[str, Any]]:
    """Every candidate variable: what it is, how far it varies, and which others the data hardly tell from it."""
    chosen = set(data.fit["coordinate"]["names"])
    return [
        {
            "variable": c["name"],
            "kind": c["kind"],
            "unit": c["unit"],
            "meaning": c["meaning"],
            "origin": c["origin"],
            "mean": c["mean"],
            "spread": c["standard_deviation"],
            "chosen": c["name"] in chosen,
            "constant": c["constant"],
            "near_duplicates": "; ".join(f"{t['name']} ({t['correlation']:+.5f})" for t in c["near_duplicates"]),
        }
        for c in data.fit.get("candidates", [])
    ]


def _calibration(data: MethodData) -> list[dict[str, Any]]:
    p = data.coordinate.committor(data.q)
    # Bins of about equal number; ties (a separable coordinate predicts only 0 and 1) merge bins.
    bins = int(np.clip(len(p) // 12, 2, 8))
    edges = np.unique([0.0, *np.quantile(p, np.arange(1, bins) / bins), 1.0])
    table = calibration_table(p, data.to_product, edges, CONFIDENCE)
    return [
        {
            "predicted": float(table.predicted[i]),
            "observed": float(table.observed[i]),
            "low": float(table.lower[i]),
            "high": float(table.upper[i]),
            "shots": int(table.count[i]),
            "to": data.fit["product"],
        }
        for i in np.flatnonzero(table.count)
    ]


def _selection(data: MethodData) -> list[dict[str, Any]]:
    frequency = data.fit.get("bootstrap")
    if not frequency or not frequency["n_boot"]:
        return []
    pairs = sorted(zip(frequency["frequency"], frequency["names"], strict=True), key=lambda p: (-(p[0] or 0), p[1]))
    chosen = set(data.fit["coordinate"]["names"])
    return [
        {"variable": n, "frequency": f, "chosen": n in chosen, "resamples": frequency["n_boot"]}
        for f, n in pairs
        if f or n in chosen
    ]


def _committed(data: MethodData) -> tuple[np.ndarray, np.ndarray, list[Mapping[str, Any]]]:
    """k to the product, n committed, and the entries, of the configurations with a committed shot."""
    drawn = data.committor["draws"]["separatrix"]["configurations"]
    entries = [c for c in drawn if c["to_product"] + c["to_reactant"] > 0]
    k = np.array([c["to_product"] for c in entries], dtype=int)
    return k, k + np.array([c["to_reactant"] for c in entries], dtype=int), entries


def _committor_histogram(data: MethodData) -> list[dict[str, Any]]:
    k, n, _ = _committed(data)
    if k.size == 0:
        return []
    most = int(n.max())
    count = most + 1 if most <= 12 else 11
    # Bins are centred on the possible fractions 0, 1/n, ... 1, so that none falls on an edge.
    edges = (np.arange(count + 1) - 0.5) / (count - 1) if count > 1 else np.array([-0.5, 0.5, 1.5])
    observed = np.histogram(k / n, bins=edges)[0]
    binomial, _ = binomial_expectation(n, 0.5, edges)
    beta = data.committor["draws"]["separatrix"]["distribution"]["beta"]
    fitted = None if beta is None else beta_binomial_expectation(n, beta, edges)
    return [
        {
            "low": float(edges[i]),
            "high": float(edges[i + 1]),
            "centre": float(0.5 * (edges[i] + edges[i + 1])),
            "configurations": int(observed[i]),
            "binomial": float(binomial[i]),
            "beta_binomial": None if fitted is None else float(fitted[i]),
            "to": data.committor["product"],
        }
        for i in range(len(observed))
    ]


def beta_binomial_expectation(n: ArrayLike, beta: Sequence[float], edges: ArrayLike) -> np.ndarray:
    """Expected histogram of k/n when the committors are beta distributed.

    Parameters
    ----------
    n
        Shots of each configuration, shape (m,).
    beta
        Parameters (a, b) of the beta distribution.
    edges
        Of the bins, shape (bins + 1,).

    Returns
    -------
    Expected number of configurations in each bin, shape (bins,).
    """
    expected = np.zeros(len(np.asarray(edges)) - 1)
    for shots, count in zip(*np.unique(np.asarray(n, dtype=int), return_counts=True), strict=True):
        k = np.arange(shots + 1)
        weights = count * scipy.stats.betabinom.pmf(k, shots, *beta)
        expected += np.histogram(k / shots, bins=edges, weights=weights)[0]
    return expected


def _committor_points(data: MethodData) -> list[dict[str, Any]]:
    k, n, entries = _committed(data)
    return [
        {
            "r": entry["r"],
            "committor": float(k[i] / n[i]),
            "low": entry["low"],
            "high": entry["high"],
            "shots": int(n[i]),
            "to": data.committor["product"],
        }
        for i, entry in enumerate(entries)
    ]


def _measured(data: MethodData, draw: str) -> list[dict[str, Any]]:
    """Measured beside predicted committor of every configuration of a set that shots were committed from."""
    found = []
    for c in data.committor["draws"][draw]["configurations"]:
        n = c["to_product"] + c["to_reactant"]
        if n:
            found.append(
                {
                    "predicted": c["predicted"],
                    "committor": c["to_product"] / n,
                    "low": c["low"],
                    "high": c["high"],
                    "shots": n,
                    "draw": DRAWS[draw],
                    "frame": c["frame"],
                    "at": c.get("at"),
                    "to": data.committor["product"],
                }
            )
    return found


DRAWS = {
    "separatrix": "on the separatrix",
    "naive": "on the naive separatrix",
    "calibration": "at all predictions",
    "path": "along a path",
    "map": "over the map",
}
"""Sets of committor shots in words."""


def _committor_calibration(data: MethodData) -> list[dict[str, Any]]:
    rows = [row for draw in data.committor["draws"] for row in _measured(data, draw)]
    return [{k: v for k, v in row.items() if k != "at"} for row in rows]


def _committor_map(data: MethodData) -> list[dict[str, Any]]:
    drawn = data.committor["draws"].get("map")
    if not drawn:
        return []
    x_axis, y_axis = drawn["map"]
    return [
        {k: v for k, v in row.items() if k != "at"} | {"x": x, "y": y, "x_axis": x_axis, "y_axis": y_axis}
        for row in _measured(data, "map")
        for x, y in [row["at"]]
    ]


def _ranking(data: MethodData) -> list[dict[str, Any]]:
    return [
        {
            "role": rank["name"],
            "variable": ", ".join(rank["variables"]),
            "per_shot": rank["log_likelihood_per_shot"],
            "brier": rank["brier"],
            "rms_error": rank["rms_error"],
            "rms_low": rank["rms_error_interval"][0],
            "rms_high": rank["rms_error_interval"][1],
            "behind": rank["behind"],
            "behind_low": rank["behind_interval"][0],
            "behind_high": rank["behind_interval"][1],
        }
        for rank in data.committor.get("ranking", [])
    ]


def _cost(data: MethodData, summary: Sequence[Quantity]) -> list[dict[str, Any]]:
    wall = {stage.replace("_", " "): value for stage, (value, _) in stage_seconds(data).items()}
    # In the order of the work: what comes before the first paths, they and the sampling, and what comes after.
    before = {part: wall.pop(part, None) for part in ("minimum", "saddle search")}
    totals = {"seconds": {**before, **core_seconds_of(data), **wall}, "evaluations": evaluations_of(data)}
    rows: list[dict[str, Any]] = [
        {"kind": kind, "part": part, "value": value}
        for kind, parts in totals.items()
        for part, value in parts.items()
        if value
    ]
    for kind, name in (("evaluations", "force evaluations"), ("seconds", "core time")):
        q = _named(summary, COST, f"{name} per accepted path")
        if q.value:
            rows.append({"kind": f"{kind} per path", "part": "", "value": q.value, "low": q.low, "high": q.high})
    return rows
