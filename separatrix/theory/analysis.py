"""Everything about one surface: exact answer, trials, their combinations, geometry, and what to make of it.

Names of results are those of the reference cases: ``k_exact``, ``k_trial_erf``, ``GZ_pmf_Ky.alpha``, ``langer.k``.
Values are extrapolated from two grids (Richardson); geometry is that of the finer one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from separatrix.core.plain import json_safe
from separatrix.statistics.committor_statistics import wilson_interval
from separatrix.theory import combination, geometry, sinks, symmetry, trials, ways
from separatrix.theory import critical_points as stationary
from separatrix.theory import langer as langer_module
from separatrix.theory.diffusion import Constant
from separatrix.theory.elements import CUT, Committor, Elements, Grid, TheoryError
from separatrix.theory.geometry import Separatrix
from separatrix.theory.langer import Langer
from separatrix.theory.model_file import Case
from separatrix.theory.surfaces import GridSurface, Surface
from separatrix.theory.symmetry import Symmetry

Tell = Callable[[str], None]

#: what a trial is, in words
WORDS = {
    "exact": "exact (finite elements)",
    "erf": "KLBS, error function",
    "pmf": "KLBS direction, full potential of mean force",
    "Kx": "Kramers along x",
    "Ky": "Kramers along y",
    "rd": "reaction-diffusion, y slow",
    "rdx": "reaction-diffusion, x slow",
}
AXES = {"Kx": np.array([1.0, 0.0]), "Ky": np.array([0.0, 1.0])}
#: Langer over the best bound, from where on it is not to be trusted
UNRELIABLE = 1.2
#: spectral gap off k_AB + k_BA by more than this part: other processes are slow, too
APART = 0.02
#: relative error of the exact rate by the grid from which on there is no answer
WORST = 0.5
#: kT above the barrier that elements are kept to at least
_ABOVE_BARRIER = 25.0


@dataclass(frozen=True)
class Points:
    """The stationary points and Langer's answer from them.

    Attributes
    ----------
    saddle, min_a, min_b
        Shape (2,).
    U_saddle, barrier_a
        Energy at the saddle, and above the minimum of A.
    hessian, hessian_a, hessian_b
        Shape (2, 2).
    langer
        k from A to B, direction and width.
    """

    saddle: np.ndarray
    min_a: np.ndarray
    min_b: np.ndarray
    U_saddle: float
    barrier_a: float
    hessian: np.ndarray
    hessian_a: np.ndarray
    hessian_b: np.ndarray
    langer: Langer


@dataclass(frozen=True)
class Level:
    """What one grid says.

    Attributes
    ----------
    elements
        The generator.
    committors
        Exact (``exact``), each trial and each combination, by name.
    values
        Numbers by name.
    """

    elements: Elements
    committors: dict[str, Committor]
    values: dict[str, float]


@dataclass(frozen=True)
class Analysis:
    """The results for one surface.

    Attributes
    ----------
    case
        What was asked.
    points
        Stationary points and Langer.
    values, errors
        Extrapolated numbers by name, and their estimated relative error by the grid.
    kramers_axis
        The slow axis, whose Kramers trial is mixed first.
    separatrices
        By name of a committor: ``exact``, ``erf``, ``pmf``, ``Kx`` or ``Ky``, and the combinations.
    committor_points
        Points (shape (m, 2)) and committors there by name.
    kramers_gaussian
        Kramers' rate with parabolas by direction, and ``KLBS``.
    directions
        Local minima of the Kramers rate over directions: angle in scaled variables (degrees), k on the coarse grid.
    sink
        k_inf, 1/tau and k_TST of the sink model, if there is one.
    symmetries
        Candidates and how far each holds.
    fine
        The finer grid's elements and committors.
    way
        Saddles and minima on the lowest way from A to B.
    """

    case: Case
    points: Points
    values: dict[str, float]
    errors: dict[str, float]
    kramers_axis: str | None
    separatrices: dict[str, Separatrix]
    committor_points: tuple[np.ndarray, dict[str, np.ndarray]]
    kramers_gaussian: dict[str, float]
    directions: list[tuple[float, float]]
    sink: dict[str, float] | None
    symmetries: list[Symmetry]
    fine: Level
    way: list[ways.Stop]

    @property
    def between(self) -> list[ways.Stop]:
        """Minima on the lowest way from A to B that lie in neither."""
        return [stop for stop in self.way if stop.kind == "minimum"]

    @property
    def bounds(self) -> list[tuple[str, float]]:
        """Exact rate and upper bounds by name, lowest first."""
        found = {"exact": self.values["k_exact"]}
        for name, value in self.values.items():
            if name.startswith("k_trial_"):
                found[name.removeprefix("k_trial_")] = value
            elif name.startswith("GZ_") and name.endswith(".k"):
                found[name.removesuffix(".k")] = value
        return sorted(found.items(), key=lambda item: (item[1], item[0] != "exact"))

    @property
    def gap_share(self) -> float | None:
        """Spectral gap over k_AB + k_BA, 1 where the exchange of the two states is what relaxes slowest, or None."""
        gap = self.values.get("spectral_gap")
        return None if gap is None else gap / (self.values["k_exact"] + self.values["k_BA_exact"])

    @property
    def must_vanish(self) -> Symmetry | None:
        """The symmetry that fixes the committor at the saddle to 1/2, if there is one."""
        return next((s for s in self.symmetries if s.holds), None)

    def verdict(self) -> list[str]:
        """What the numbers mean, in sentences."""
        return _verdict(self)

    def to_dict(self) -> dict[str, Any]:
        """All results for JSON: the tree of the reference cases, and every number once more by its dotted name."""
        return _to_dict(self)


def word(name: str) -> str:
    """A trial or a combination in words."""
    if name in WORDS:
        return WORDS[name]
    if name == "GZ_all":
        return "GZ, all trials"
    first, second = name.removeprefix("GZ_").split("_")
    return f"GZ, {first} with {second}"


def prepare(case: Case, grid: Grid, cut: float | None = None) -> Elements:
    """Elements on a grid; without a cut-off, with one that lets the way over the barrier in."""
    if cut is None:
        top = float(case.surface.energy(*pass_between(case, grid)))
        energy = case.surface.on_grid(grid.x, grid.y)
        cut = max(CUT, case.beta * (top - energy[np.isfinite(energy)].min()) + _ABOVE_BARRIER)
    return Elements(grid, case.surface, case.diffusion, case.beta, _state(case.state_a), _state(case.state_b), cut)


def pass_between(case: Case, grid: Grid) -> np.ndarray:
    """The pass between the states on a grid, shape (2,)."""
    return stationary.pass_point(case.surface, grid, *_members(case, grid))


def _members(case: Case, grid: Grid) -> list[np.ndarray]:
    """Which nodes of a grid belong to A and to B, two arrays of shape (n m,)."""
    return [grid.members(_state(condition)) for condition in (case.state_a, case.state_b)]


def _state(condition: Callable[..., np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda x, y: condition(x=x, y=y)


def stationary_points(case: Case, elements: Elements) -> Points:
    """Minima, saddle and Langer's answer.

    Raises
    ------
    TheoryError
        When a minimum or the saddle is not found.
    """
    surface: Surface = case.surface
    if case.auto_patch and isinstance(surface, GridSurface):
        surface = surface.with_patch(1.5 * _widths(elements))
    spacing = elements.grid.spacing
    saddle = stationary.saddle(surface, case.saddle or pass_between(case, elements.grid), spacing)
    ends = [
        stationary.minimum(surface, stationary.lowest(elements, inside), spacing, case.domain)
        for inside in (elements.in_a, elements.in_b)
    ]
    minimum_a, minimum_b = ends
    hessian, hessian_a, hessian_b = (surface.hessian(r) for r in (saddle, minimum_a, minimum_b))
    top = float(surface.energy(*saddle))
    barrier = top - float(surface.energy(*minimum_a))
    answer = langer_module.langer(
        hessian_a, hessian, case.diffusion.at(saddle), barrier, case.beta, forward=minimum_b - minimum_a
    )
    return Points(saddle, minimum_a, minimum_b, top, barrier, hessian, hessian_a, hessian_b, answer)


def _widths(elements: Elements) -> np.ndarray:
    """Thermal standard deviations of the variables in A, shape (2,): the lengths that make them dimensionless."""
    nodes, mass = elements.nodes[elements.in_a], elements.mass[elements.in_a]
    mean = mass @ nodes / mass.sum()
    # A state of a single grid line has no width; a spacing is the least that can be told.
    return np.maximum(np.sqrt(mass @ (nodes - mean) ** 2 / mass.sum()), elements.grid.spacing)


def solve(case: Case, grid: Grid, points: Points, cut: float, *, gap: bool = True, tell: Tell | None = None) -> Level:
    """One grid: the exact committor, all trials and all combinations."""
    elements = prepare(case, grid, cut)
    if tell:
        tell(f"{len(elements.active)} nodes")
    exact = elements.exact()
    values: dict[str, float] = {"F_exact": elements.functional(exact)}
    z_a, z_b = elements.populations(exact)
    values |= {"k_exact": values["F_exact"] / z_a, "Z_A": z_a, "Z_B": z_b, "k_BA_exact": values["F_exact"] / z_b}
    if gap:
        values["spectral_gap"] = elements.spectral_gap(exact)
    found = {
        "erf": trials.klbs(elements, points.saddle, points.langer.e, points.langer.sigma),
        "pmf": trials.along(elements, points.langer.e),
        **{name: trials.along(elements, axis) for name, axis in AXES.items()},
        "rd": trials.reaction_diffusion(elements, slow=1),
        "rdx": trials.reaction_diffusion(elements, slow=0),
    }
    usable = {name: trial for name, trial in found.items() if trial is not None}
    if not usable:
        raise TheoryError("no trial parts state_A from state_B; give states that x, y or the KLBS direction parts")
    names = list(usable)
    gram = elements.gram(*usable.values())
    for i, name in enumerate(names):
        values[f"k_trial_{name}"] = gram[i, i] / z_a
    committors = {"exact": exact, **usable}
    pairs = [(a, b) for a in ("pmf", "erf") for b in AXES] + [("pmf", "rd"), ("pmf", "rdx")]
    for first, second in pairs:
        if first in usable and second in usable:
            at = [names.index(first), names.index(second)]
            best = combination.combine(gram[np.ix_(at, at)])
            key = f"GZ_{first}_{second}"
            values |= {
                f"{key}.k": best.functional / z_a,
                f"{key}.alpha": float(best.weights[0]),
                f"{key}.F11": best.gram[0, 0],
                f"{key}.F22": best.gram[1, 1],
                f"{key}.F12": best.gram[0, 1],
            }
            committors[key] = combination.mixed([usable[first], usable[second]], best.weights)
    best = combination.combine(gram)
    values["GZ_all.k"] = best.functional / z_a
    values |= {f"GZ_all.weight.{name}": float(w) for name, w in zip(names, best.weights, strict=True)}
    committors["GZ_all"] = combination.mixed(list(usable.values()), best.weights)
    return Level(elements, committors, {name: float(value) for name, value in values.items()})


def analyse(case: Case, tell: Tell | None = None, *, full: bool = True) -> Analysis:
    """All answers for one case.

    Parameters
    ----------
    case
        As :func:`separatrix.theory.model_file.read` gives it.
    tell
        Called with a few words on what is being done.
    full
        Whether to work out the spectral gap, the scan of directions and the sink model too.

    Raises
    ------
    TheoryError
        When surface, states and grid have no answer, or one that is no rate.
    """
    with _solvable():
        return _analyse(case, tell, full)


@contextmanager
def _solvable() -> Iterator[None]:
    """What linear algebra refuses to do, as an error in one line."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise TheoryError(f"the equations have no solution ({error}); smooth the surface or refine grid_h") from error


def _analyse(case: Case, tell: Tell | None, full: bool) -> Analysis:
    say = tell or (lambda _: None)
    coarse_grid, fine_grid = case.grids()
    say("saddle and minima")
    first = prepare(case, coarse_grid)
    points = stationary_points(case, first)
    levels = []
    for grid in (coarse_grid, fine_grid):
        say(f"grid of {grid.shape[0]} x {grid.shape[1]} nodes")
        levels.append(solve(case, grid, points, first.cut, gap=full))
    coarse, fine = levels
    ratio = float(coarse_grid.spacing[0] / fine_grid.spacing[0]) ** 2
    values, errors = {}, {}
    for name, value in fine.values.items():
        # A trial that exists on one grid alone cannot be extrapolated.
        if name in coarse.values:
            values[name] = (ratio * value - coarse.values[name]) / (ratio - 1.0)
            scale = abs(values[name]) or 1.0
            errors[name] = abs(value - coarse.values[name]) / (ratio - 1.0) / scale
    _believable(values, errors["k_exact"])
    say("separatrix")
    axis = _slow_axis(case, first, values)
    shown = [name for name in fine.committors if name not in ("rd", "rdx")]
    lines = {
        name: geometry.separatrix(fine.elements, fine.committors[name], points.saddle, fine.values["F_exact"])
        for name in shown
    }
    at = case.points if case.points is not None else _around(points)
    committors = {name: fine.elements.interpolate(c.value, at) for name, c in fine.committors.items()}
    directions = _directions(first) if full else []
    return Analysis(
        case=case,
        points=points,
        values=values,
        errors=errors,
        kramers_axis=axis,
        separatrices=lines,
        committor_points=(at, committors),
        kramers_gaussian=_gaussian(fine.elements, points),
        directions=directions,
        sink=_sink(fine.elements, axis) if full else None,
        symmetries=symmetry.candidates(fine.elements, points.saddle),
        fine=fine,
        way=ways.stops(case.surface, coarse_grid, _members(case, coarse_grid), case.beta, case.domain),
    )


def _believable(values: dict[str, float], error: float) -> None:
    """Refuse rates that are none, or that the grid does not settle at all.

    Parameters
    ----------
    values
        Numbers by name, extrapolated.
    error
        Relative, of k_exact by the grid.

    Raises
    ------
    TheoryError
        When a rate is not a positive number, or its grid error is of its own size.
    """
    remedy = "refine grid_h, smooth the surface, or mend its data (nodes without data must be NaN)"
    for name in ("k_exact", "k_BA_exact", "spectral_gap"):
        if name in values and not (math.isfinite(values[name]) and values[name] > 0.0):
            raise TheoryError(f"{name} comes out as {values[name]:.4g}, which is no rate; {remedy}")
    if not error < WORST:
        raise TheoryError(f"the grid's error of k_exact is {error:.2g} of its value, which says nothing; {remedy}")


def committor_points(case: Case) -> np.ndarray:
    """The points at which committors are wanted: those of the case, or seven around the saddle; shape (m, 2)."""
    if case.points is not None:
        return case.points
    return _around(stationary_points(case, prepare(case, case.grids()[0])))


def _around(points: Points) -> np.ndarray:
    """Seven points around the saddle, scaled with half the distance of the minima along x."""
    scale = 0.5 * abs(points.min_b[0] - points.min_a[0]) or 1.0
    offsets = np.array([[0.0, 0.0], [0.1, 0.0], [-0.1, 0.0], [0.0, 0.15], [0.0, -0.15], [-0.1, 0.1], [0.15, -0.2]])
    return points.saddle + scale * offsets


def _slow_axis(case: Case, elements: Elements, values: dict[str, float]) -> str | None:
    """The axis of least diffusion, in variables scaled by their width in A, of those that part A from B."""
    usable = [name for name in AXES if f"k_trial_{name}" in values]
    if case.kramers_axis in usable:
        return case.kramers_axis
    mean = case.diffusion.at(elements.nodes[elements.in_a][np.argmin(elements.energies[elements.in_a])])
    speed = dict(zip(AXES, np.diag(mean) / _widths(elements) ** 2, strict=True))
    return min(usable, key=speed.__getitem__, default=None)


def _gaussian(elements: Elements, points: Points) -> dict[str, float]:
    found = {name: trials.kramers_gaussian(elements, e) for name, e in (("KLBS", points.langer.e), *AXES.items())}
    return {name: answer[0] for name, answer in found.items() if answer is not None}


def _directions(elements: Elements, count: int = 36) -> list[tuple[float, float]]:
    """Local minima of the Kramers rate over directions: (angle in degrees in scaled variables, k)."""
    scale = 1.0 / _widths(elements)
    angles = np.arange(count) * np.pi / count
    rates = np.full(count, np.inf)
    weight = float(elements.mass @ elements.exact().rest)
    for i, angle in enumerate(angles):
        trial = trials.along(elements, np.array([np.cos(angle), np.sin(angle)]) * scale)
        if trial is not None:
            rates[i] = elements.functional(trial) / weight
    # A line has no sense: the angle after the last is the first.
    low = [
        i
        for i in range(count)
        if math.isfinite(rates[i]) and rates[i] <= rates[i - 1] and rates[i] < rates[(i + 1) % count]
    ]
    return sorted(((float(np.degrees(angles[i])), float(rates[i])) for i in low), key=lambda item: item[1])


def _sink(elements: Elements, axis: str | None) -> dict[str, float] | None:
    try:
        model = sinks.from_surface(elements, slow=0 if axis == "Kx" else 1)
    except TheoryError:
        if axis != "Kx":
            return None
        try:  # only x parts the states: then x is the coordinate of the hop, and y the slow one
            model = sinks.from_surface(elements, slow=1)
        except TheoryError:
            return None
    return {"k_inf": model.slowest, "inverse_tau": model.inverse_mean_time, "k_TST": model.transition_state}


# --- anisotropy ---------------------------------------------------------------------------------------------------


def scan(case: Case, ratios: Sequence[float], tell: Tell | None = None) -> list[dict[str, float]]:
    """Rates against the anisotropy D_yy/D_xx, D_xx and the correlation of D being kept.

    Parameters
    ----------
    ratios
        Values of D_yy/D_xx.

    Returns
    -------
    For each: ``ratio``, ``langer`` and the values of :class:`Analysis` without those of the spectral gap.

    Raises
    ------
    TheoryError
        When D depends on position, of which there is no one ratio.
    """
    if not isinstance(case.diffusion, Constant):
        raise TheoryError("anisotropy: D depends on position, so that there is no one D_yy/D_xx to scan")
    d = case.diffusion
    correlation = d.xy / math.sqrt(d.xx * d.yy)
    coarse_grid, fine_grid = case.grids()
    found: list[dict[str, float]] = []
    cut: float | None = None
    for ratio in ratios:
        if tell:
            tell(f"D_yy/D_xx = {ratio:g}")
        yy = ratio * d.xx
        this = case.with_diffusion(Constant(d.xx, correlation * math.sqrt(d.xx * yy), yy))
        first = prepare(this, coarse_grid, cut)
        if cut is None:
            cut = first.cut
            first = prepare(this, coarse_grid, cut)
        points = stationary_points(this, first)
        with _solvable():
            levels = [solve(this, grid, points, cut, gap=False) for grid in (coarse_grid, fine_grid)]
        power = float(coarse_grid.spacing[0] / fine_grid.spacing[0]) ** 2
        row = {
            name: (power * value - levels[0].values[name]) / (power - 1.0)
            for name, value in levels[1].values.items()
            if name in levels[0].values
        }
        _believable(row, abs(levels[1].values["k_exact"] / row["k_exact"] - 1.0))
        at = levels[1].elements.interpolate(levels[1].committors["exact"].value, points.saddle[None])
        found.append({"ratio": float(ratio), "langer": points.langer.k, "phi_saddle": float(at[0]), **row})
    return found


# --- beside measurements --------------------------------------------------------------------------------------------


def beside(analysis: Analysis, confidence: float = 0.95) -> list[dict[str, float]]:
    """Theory's committors beside those measured by shooting (Wilson's interval).

    Returns
    -------
    For each point: ``x``, ``y``, ``k``, ``n``, ``measured`` with ``low`` and ``high``, ``exact``, ``GZ`` (all trials),
    ``KLBS``, and ``z``, the deviation of the measured from the exact committor in standard errors of the latter.
    """
    measured = analysis.case.measured
    if measured is None:
        return []
    elements, committors = analysis.fine.elements, analysis.fine.committors
    low, high = wilson_interval(measured.k, measured.n, confidence)
    columns = {"exact": "exact", "GZ": "GZ_all", "KLBS": "erf"}
    theory = {
        shown: elements.interpolate(committors[name].value, measured.points)
        for shown, name in columns.items()
        if name in committors
    }
    p = measured.k / measured.n
    q = np.clip(theory["exact"], 1e-12, 1.0 - 1e-12)
    z = (p - q) / np.sqrt(q * (1.0 - q) / measured.n)
    rows = []
    for i, (x, y) in enumerate(measured.points):
        row = {"x": x, "y": y, "k": measured.k[i], "n": measured.n[i], "measured": p[i], "low": low[i], "high": high[i]}
        rows.append({name: float(v) for name, v in (row | {n: t[i] for n, t in theory.items()} | {"z": z[i]}).items()})
    return rows


# --- words and JSON -------------------------------------------------------------------------------------------------


def _verdict(a: Analysis) -> list[str]:
    exact = a.values["k_exact"]
    found = []
    error = a.errors["k_exact"]
    found.append(f"The grid's error of k_exact is about {error:.1g} of its value" + _grid_warning(error) + ".")
    found += _on_langer(a)
    if a.between:
        found.append(_on_the_way(a))
    best = next((name, k) for name, k in a.bounds if name != "exact")
    found.append(f"The lowest bound is {word(best[0])}, {best[1] / exact - 1:.2%} above the exact rate.")
    found += _on_mixing(a)
    q = a.separatrices["exact"].phi_saddle
    symmetric = a.must_vanish
    if symmetric:
        found.append(
            f"Surface, D and states share a symmetry ({symmetric.name} through the saddle), so that the committor at "
            f"the saddle must be 1/2; it is {q:.4f}."
        )
    else:
        broken = next((s for s in a.symmetries if s.surface_has_it), None)
        why = (
            f"the surface has a symmetry ({broken.name}) that D does not share"
            if broken
            else "no inversion, mirror or exchange about the saddle maps A to B"
        )
        found.append(f"The committor at the saddle is {q:.4f}; it need not be 1/2, for {why}.")
    way = a.separatrices["exact"].SPA_vector
    rms = a.separatrices["exact"].flux_rms_offset
    if way is not None and rms is not None:
        found.append(
            f"The separatrix passes the saddle at ({way[0]:.3g}, {way[1]:.3g}); the reactive flux crosses it at a root "
            f"mean square distance of ({rms[0]:.3g}, {rms[1]:.3g}) from the saddle."
        )
    share = a.gap_share
    if share is not None and abs(share - 1) > APART:
        found.append(
            f"The spectral gap is {share:.3f} of k_AB + k_BA: what relaxes slowest is not the exchange of these two "
            "states alone, and rates depend on how they are drawn."
        )
    return found + [f"Note: {note}." for note in a.case.notes]


def _on_langer(a: Analysis) -> list[str]:
    """Langer's rate beside the exact one, and beside the relaxation where that is another."""
    ratio, share = a.points.langer.k / a.values["k_exact"], a.gap_share

    def off(by: float) -> str:
        return f"{by:.3g} times too fast" if by > 1 else f"{1 / by:.3g} times too slow"

    if share is not None and abs(share - 1) > APART:
        beside_it = (
            f"Langer's rate is {ratio:.3g} times k_AB, and {off(ratio / share)} for the relaxation, whose spectral gap "
            f"is {share:.3f} of k_AB + k_BA"
        )
        true = max(ratio / share, share / ratio) <= UNRELIABLE
    else:
        beside_it = f"Langer's rate is {off(ratio)}"
        true = max(ratio, 1.0 / ratio) <= UNRELIABLE
        if true:
            return [f"Langer's rate is within {abs(ratio - 1):.0%} of the exact one ({ratio:.3f} of it)."]
    if true:
        return [beside_it + "."]
    saddles = len(a.way) - len(a.between)
    why = (
        f"it knows one of the {saddles} saddles on the way"
        if a.between
        else "a harmonic saddle does not describe this crossing"
    )
    return [f"{beside_it}: {why}."]


def _on_the_way(a: Analysis) -> str:
    """Saddles and minima that the lowest way from A to B goes by."""
    kt = a.case.beta
    told = [
        f"a {stop.kind} at ({stop.point[0]:.3g}, {stop.point[1]:.3g}), "
        f"{kt * (stop.energy - a.points.U_saddle + a.points.barrier_a):.2f} kT"
        for stop in a.way
    ]
    return (
        f"Between A and B lies a well that is neither; on the lowest way, with heights above the minimum of A: "
        f"{'; '.join(told)}."
    )


def _on_mixing(a: Analysis) -> list[str]:
    """Whether KLBS and Kramers along the slow axis can be mixed, and how much is left."""
    exact, axis = a.values["k_exact"], a.kramers_axis
    gz = a.values.get(f"GZ_pmf_{axis}.k")
    if axis is None:
        return ["Neither x nor y parts A from B, so that GZ has no Kramers trial to mix with KLBS."]
    if gz is None:
        mixed = f"to mix with Kramers along {axis[1]}"
        return [f"The KLBS direction does not part A from B, so that GZ has no KLBS trial {mixed}."]
    if gz / exact <= 1.05:
        return []
    words = f"GZ of KLBS and Kramers along {axis[1]} is {gz / exact - 1:.0%} above the exact rate"
    others = [a.values[key] for key in ("GZ_pmf_rd.k", "GZ_pmf_rdx.k") if key in a.values]
    if others and min(others) < exact + 0.5 * (gz - exact):
        words += f"; with the reaction-diffusion trial in place of Kramers' it is {min(others) / exact - 1:.1%}"
    return [words + "."]


def _grid_warning(error: float) -> str:
    return "; refine grid_h before using it" if error > 0.02 else ""


def _to_dict(a: Analysis) -> dict[str, Any]:
    p = a.points
    points, committors = a.committor_points
    shapes = {}
    for name, line in a.separatrices.items():
        shape = {key: value for key, value in vars(line).items() if key != "lines"}
        shape["committor_points"] = np.column_stack([points, committors[name]])
        shapes[name] = shape
    for name in ("rd", "rdx"):
        if name in committors:
            shapes[name] = {"committor_points": np.column_stack([points, committors[name]])}
    tree: dict[str, Any] = {
        "name": a.case.name,
        "beta": a.case.beta,
        "saddle": p.saddle,
        "U_saddle": p.U_saddle,
        "min_A": p.min_a,
        "min_B": p.min_b,
        "barrier_A": p.barrier_a,
        "hessian_saddle": p.hessian,
        "hessian_A": p.hessian_a,
        "hessian_B": p.hessian_b,
        "grid_spacing": a.fine.elements.grid.spacing,
        "Uref": a.fine.elements.reference,
        "langer": vars(p.langer),
        "kramers_axis": a.kramers_axis,
        "values": a.values,
        "rel_err_est": a.errors,
        "kramers_gaussian": a.kramers_gaussian,
        "way": [{"kind": stop.kind, "x": stop.point[0], "y": stop.point[1], "U": stop.energy} for stop in a.way],
        "directions": [{"angle_deg": angle, "k": k} for angle, k in a.directions],
        "sink": a.sink,
        "geometry": shapes,
        "symmetry": [{**vars(s), "surface_has_it": s.surface_has_it, "holds": s.holds} for s in a.symmetries],
        "avoidance_must_vanish": a.must_vanish is not None,
        "bounds": [{"name": name, "k": k, "k_over_exact": k / a.values["k_exact"]} for name, k in a.bounds],
        "in_order": all(one <= other * (1 + 1e-9) for (_, one), (_, other) in pairwise(a.bounds))
        and a.bounds[0][0] == "exact",
        "beside": beside(a),
        "notes": list(a.case.notes),
        "verdict": a.verdict(),
    }
    plain = json_safe(tree)
    flat = dict(plain["values"])
    for part in ("langer", "kramers_gaussian", "sink", "geometry"):
        flat |= _flat(plain[part] or {}, part)
    return plain | flat


def _flat(value: dict[str, Any], stem: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{stem}.{key}"
        found |= _flat(item, name) if isinstance(item, dict) else {name: item}
    return found
