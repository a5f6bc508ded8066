"""Everything about one surface: exact answer, trials, their combinations, geometry, and what to make of it.

Names of results are those of the reference cases: ``k_exact``, ``k_trial_erf``, ``GZ_pmf_Ky.alpha``, ``langer.k``.
Values are extrapolated from two grids (Richardson); geometry is that of the finer one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from separatrix.theory import combination, geometry, sinks, symmetry, trials, ways
from separatrix.theory import critical_points as stationary
from separatrix.theory import langer as langer_module
from separatrix.theory.diffusion import Constant
from separatrix.theory.elements import CUT, Elements, Grid, TheoryError
from separatrix.theory.model_file import Case
from separatrix.theory.outcome import Analysis, Level, Points
from separatrix.theory.surfaces import GridSurface, Surface

Tell = Callable[[str], None]

AXES = {"Kx": np.array([1.0, 0.0]), "Ky": np.array([0.0, 1.0])}
#: relative error of the exact rate by the grid from which on there is no answer
WORST = 0.5
#: kT above the barrier that elements are kept to at least
_ABOVE_BARRIER = 25.0


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
    # A state of a single grid line has no width; a spacing is the least that the grid resolves.
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
    rates = {
        "erf": trials.klbs(elements, points.saddle, points.langer.e, points.langer.sigma),
        "pmf": trials.along(elements, points.langer.e),
        **{name: trials.along(elements, axis) for name, axis in AXES.items()},
        "rd": trials.reaction_diffusion(elements, slow=1),
        "rdx": trials.reaction_diffusion(elements, slow=0),
    }
    usable = {name: trial for name, trial in rates.items() if trial is not None}
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
    rates = {name: trials.kramers_gaussian(elements, e) for name, e in (("KLBS", points.langer.e), *AXES.items())}
    return {name: answer[0] for name, answer in rates.items() if answer is not None}


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
    rows: list[dict[str, float]] = []
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
        rows.append({"ratio": float(ratio), "langer": points.langer.k, "phi_saddle": float(at[0]), **row})
    return rows
