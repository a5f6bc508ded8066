"""Where a committor puts the separatrix, and how far that is from the saddle, in three different senses.

(S1) the committor at the saddle; (S2) the way from the saddle to the separatrix; (S3) where the reactive flux crosses
the separatrix (docs/theory.md, section 5). Only S1 does not change with the units of the variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import contourpy
import numpy as np

from separatrix.theory.elements import Committor, Elements


@dataclass(frozen=True)
class Separatrix:
    """A committor's separatrix seen from the saddle.

    Attributes
    ----------
    phi_saddle
        Committor at the saddle (S1).
    nearest_point, SPA_vector, SPA_norm
        The separatrix's nearest point in the plain metric of the variables, the way there and its length (S2). With
        variables of different units only the components mean something.
    SPA_vector_Dmetric
        The way to the point that is nearest in the metric D^-1, which does not depend on units.
    x_cross_at_ysaddle, y_cross_at_xsaddle
        Where the separatrix crosses the lines through the saddle, at the crossing nearest to it; None when it does not.
    lowestU_point, lowestU_beta_dU
        Its lowest point, to half a grid spacing, and beta (U there - U at the saddle).
    flux_mean_offset, flux_rms_offset
        Mean and root mean square, by component, of the way from the saddle to where the reactive flux crosses (S3).
    flux_line_over_F
        Flux of this committor through its separatrix over F of the exact one: 1 for the exact committor, apart from the
        grid's error. A trial's flux is not conserved, so for a trial it says how good its gradient is there.
    lines
        The separatrix itself: arrays of shape (k, 2).
    """

    phi_saddle: float
    nearest_point: np.ndarray | None = None
    SPA_vector: np.ndarray | None = None
    SPA_norm: float | None = None
    SPA_vector_Dmetric: np.ndarray | None = None
    x_cross_at_ysaddle: float | None = None
    y_cross_at_xsaddle: float | None = None
    lowestU_point: np.ndarray | None = None
    lowestU_beta_dU: float | None = None
    flux_mean_offset: np.ndarray | None = None
    flux_rms_offset: np.ndarray | None = None
    flux_line_over_F: float | None = None
    lines: tuple[np.ndarray, ...] = ()


def level_lines(elements: Elements, values: np.ndarray, level: float = 0.5) -> tuple[np.ndarray, ...]:
    """Level lines of a field at the active nodes: arrays of shape (k, 2)."""
    field = np.ma.masked_invalid(elements.field(values).T)
    generator = contourpy.contour_generator(elements.grid.x, elements.grid.y, field, name="serial")
    return tuple(np.asarray(line) for line in generator.lines(level))


def separatrix(elements: Elements, trial: Committor, saddle: np.ndarray, functional: float) -> Separatrix:
    """The separatrix of a committor (docs/theory.md, section 5).

    Parameters
    ----------
    trial
        Any committor at the active nodes.
    saddle
        Shape (2,).
    functional
        F of the exact committor.
    """
    at_saddle = float(elements.interpolate(trial.value, saddle[None])[0])
    lines = level_lines(elements, trial.value)
    if not lines:
        return Separatrix(at_saddle)
    starts = np.concatenate([line[:-1] for line in lines])
    ends = np.concatenate([line[1:] for line in lines])
    long_enough = (starts != ends).any(axis=1)
    starts, ends = starts[long_enough], ends[long_enough]
    nearest = _nearest(starts, ends, saddle, np.eye(2))
    tensor = np.linalg.inv(elements.diffusion.at(saddle))
    in_metric = _nearest(starts, ends, saddle, tensor)
    middle = 0.5 * (starts + ends)
    energy = elements.surface.energy(*middle.T)
    defined = np.isfinite(energy)
    top = float(elements.surface.energy(*saddle))
    places, heights = middle, np.where(defined, energy, np.inf)
    if np.linalg.norm((nearest - saddle) / elements.grid.spacing) < 1e-6:
        places, heights = np.vstack([places, nearest]), np.append(heights, top)
    # Of points that are equally low, as symmetry makes them, the first along x.
    equal = np.flatnonzero(elements.beta * (heights - heights.min()) < 1e-6)
    low = int(equal[np.argmin(places[equal, 0])])
    flux = _flux(elements, trial, starts, ends, middle, np.where(defined, energy, np.inf))
    total = flux.sum()
    offset = middle - saddle
    return Separatrix(
        phi_saddle=at_saddle,
        nearest_point=nearest,
        SPA_vector=nearest - saddle,
        SPA_norm=float(np.linalg.norm(nearest - saddle)),
        SPA_vector_Dmetric=in_metric - saddle,
        x_cross_at_ysaddle=_crossing(starts, ends, saddle, 1),
        y_cross_at_xsaddle=_crossing(starts, ends, saddle, 0),
        lowestU_point=places[low],
        lowestU_beta_dU=float(elements.beta * (heights[low] - top)),
        flux_mean_offset=(flux @ offset) / total,
        flux_rms_offset=np.sqrt((flux @ offset**2) / total),
        flux_line_over_F=float(total / functional),
        lines=lines,
    )


def _nearest(starts: np.ndarray, ends: np.ndarray, point: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """The point of line segments that is nearest to `point` in a metric, shape (2,)."""
    way, away = ends - starts, point - starts
    share = np.einsum("ki,ij,kj->k", way, metric, away) / np.einsum("ki,ij,kj->k", way, metric, way)
    nearest = starts + np.clip(share, 0.0, 1.0)[:, None] * way
    off = nearest - point
    return nearest[np.argmin(np.einsum("ki,ij,kj->k", off, metric, off))]


def _crossing(starts: np.ndarray, ends: np.ndarray, saddle: np.ndarray, fixed: int) -> float | None:
    """Where segments cross the line through the saddle at constant variable `fixed`: the crossing nearest to it."""
    before, after = starts[:, fixed] - saddle[fixed], ends[:, fixed] - saddle[fixed]
    crosses = before * after <= 0
    if not crosses.any():
        return None
    before, after = before[crosses], after[crosses]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(before == after, 0.0, before / (before - after))
    free = 1 - fixed
    places = starts[crosses, free] + share * (ends[crosses, free] - starts[crosses, free])
    return float(places[np.argmin(np.abs(places - saddle[free]))])


def _flux(
    elements: Elements,
    trial: Committor,
    starts: np.ndarray,
    ends: np.ndarray,
    middle: np.ndarray,
    energy: np.ndarray,
) -> np.ndarray:
    """Reactive flux exp(-beta (U-Uref)) n . D . grad phi through each segment, towards growing phi."""
    # Central differences: a trial may have kinks, on which the gradient inside one element is that of one side.
    field = elements.field(trial.value)
    slope = np.stack(
        [
            elements.interpolate(part.ravel()[elements.active], middle)
            for part in np.gradient(field, *elements.grid.spacing)
        ],
        axis=1,
    )
    xx, xy, yy = elements.diffusion.components(*middle.T)
    along = np.stack([xx * slope[:, 0] + xy * slope[:, 1], xy * slope[:, 0] + yy * slope[:, 1]], axis=1)
    way = ends - starts
    normal = np.stack([way[:, 1], -way[:, 0]], axis=1)  # its length is that of the segment
    normal *= np.sign(np.einsum("ki,ki->k", normal, slope))[:, None]
    flux = np.exp(-np.clip(elements.beta * (energy - elements.reference), None, 700.0))
    return np.nan_to_num(flux * np.einsum("ki,ki->k", normal, along))
