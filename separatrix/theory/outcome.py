"""What the theory of one surface gives: numbers, separatrices, symmetries, and what to make of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from separatrix.core.plain import json_safe
from separatrix.statistics.intervals import wilson_interval
from separatrix.theory import ways
from separatrix.theory.elements import Committor, Elements
from separatrix.theory.geometry import Separatrix
from separatrix.theory.langer import Langer
from separatrix.theory.model_file import Case
from separatrix.theory.symmetry import Symmetry

#: what a trial is, in words
NAMES = {
    "exact": "exact (finite elements)",
    "erf": "KLBS, error function",
    "pmf": "KLBS direction, full potential of mean force",
    "Kx": "Kramers along x",
    "Ky": "Kramers along y",
    "rd": "reaction-diffusion, y slow",
    "rdx": "reaction-diffusion, x slow",
}
#: Langer over the best bound, from where on it is not to be trusted
UNRELIABLE = 1.2
#: spectral gap off k_AB + k_BA by more than this part: other processes are slow, too
APART = 0.02


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
        bounds = {"exact": self.values["k_exact"]}
        for name, value in self.values.items():
            if name.startswith("k_trial_"):
                bounds[name.removeprefix("k_trial_")] = value
            elif name.startswith("GZ_") and name.endswith(".k"):
                bounds[name.removesuffix(".k")] = value
        return sorted(bounds.items(), key=lambda item: (item[1], item[0] != "exact"))

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
    if name in NAMES:
        return NAMES[name]
    if name == "GZ_all":
        return "GZ, all trials"
    first, second = name.removeprefix("GZ_").split("_")
    return f"GZ, {first} with {second}"


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


def _verdict(a: Analysis) -> list[str]:
    exact = a.values["k_exact"]
    sentences = []
    error = a.errors["k_exact"]
    sentences.append(f"The grid's error of k_exact is about {error:.1g} of its value" + _grid_warning(error) + ".")
    sentences += _on_langer(a)
    if a.between:
        sentences.append(_on_the_way(a))
    best = next((name, k) for name, k in a.bounds if name != "exact")
    sentences.append(f"The lowest bound is {word(best[0])}, {best[1] / exact - 1:.2%} above the exact rate.")
    sentences += _on_mixing(a)
    q = a.separatrices["exact"].phi_saddle
    symmetric = a.must_vanish
    if symmetric:
        sentences.append(
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
        sentences.append(f"The committor at the saddle is {q:.4f}; it need not be 1/2, for {why}.")
    way = a.separatrices["exact"].SPA_vector
    rms = a.separatrices["exact"].flux_rms_offset
    if way is not None and rms is not None:
        sentences.append(
            f"The separatrix passes the saddle at ({way[0]:.3g}, {way[1]:.3g}); the reactive flux crosses it at a root "
            f"mean square distance of ({rms[0]:.3g}, {rms[1]:.3g}) from the saddle."
        )
    share = a.gap_share
    if share is not None and abs(share - 1) > APART:
        sentences.append(
            f"The spectral gap is {share:.3f} of k_AB + k_BA: what relaxes slowest is not the exchange of these two "
            "states alone, and rates depend on how they are drawn."
        )
    return sentences + [f"Note: {note}." for note in a.case.notes]


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
    wells = [
        f"a {stop.kind} at ({stop.point[0]:.3g}, {stop.point[1]:.3g}), "
        f"{kt * (stop.energy - a.points.U_saddle + a.points.barrier_a):.2f} kT"
        for stop in a.way
    ]
    return (
        f"Between A and B lies a well that is neither; on the lowest way, with heights above the minimum of A: "
        f"{'; '.join(wells)}."
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
    sentence = f"GZ of KLBS and Kramers along {axis[1]} is {gz / exact - 1:.0%} above the exact rate"
    others = [a.values[key] for key in ("GZ_pmf_rd.k", "GZ_pmf_rdx.k") if key in a.values]
    if others and min(others) < exact + 0.5 * (gz - exact):
        sentence += f"; with the reaction-diffusion trial in place of Kramers' it is {min(others) / exact - 1:.1%}"
    return [sentence + "."]


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
    flat: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{stem}.{key}"
        flat |= _flat(item, name) if isinstance(item, dict) else {name: item}
    return flat
