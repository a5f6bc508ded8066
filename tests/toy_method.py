"""A method of four atoms with numbers small enough to count by hand, for tests of the report."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.config.system import System
from separatrix.coordinate.fit_options import Options
from separatrix.coordinate.fitting import fit
from separatrix.coordinate.observations import Observations
from separatrix.core.molecule import Molecule
from separatrix.core.plain import json_safe
from separatrix.core.units import KCAL
from separatrix.cvs.states import Basin, Interval, MechanismClass, MechanismRule
from separatrix.cvs.variable import Variable
from separatrix.dynamics.stationary import StationaryPoint
from separatrix.report.quantities.estimate import Estimate, MethodResults, with_width
from separatrix.report.quantities.rate_quantities import rate_quantities
from separatrix.report.quantities.summary import summarise
from separatrix.results import run
from separatrix.results.run import ChainData, MethodData
from separatrix.sampling.criterion import measures
from separatrix.statistics import ranking
from separatrix.statistics.committor_statistics import analyse
from separatrix.statistics.intervals import wilson_interval

BEND = Variable("bend", "angle", (0, 1, 2))
TURN = Variable("turn", "dihedral", (0, 1, 2, 3))


def four_atoms(bend: float, turn: float) -> np.ndarray:
    """Positions in nm of four atoms with the angle 0-1-2 and the dihedral 0-1-2-3 given in degrees."""
    a, t = math.radians(bend), math.radians(turn)
    first = [0.1 * math.cos(a), 0.1 * math.sin(a), 0.0]
    return np.array([first, [0, 0, 0], [0.1, 0, 0], [0.15, 0.08 * math.cos(t), 0.08 * math.sin(t)]])


def system() -> System:
    a = Basin("A", (Interval(TURN, -40, 40),))
    b = Basin("B", (Interval(TURN, 140, 220),))
    rule = MechanismRule(TURN, 90.0, (MechanismClass("inversion", BEND, 150.0),), "rotation")
    molecule = Molecule(("C", "N", "N", "C"), ((0, 1), (1, 2), (2, 3)))
    return System("toy", "toy", molecule, (a, b), {}, "A", "B", (), rule, ())


def point(name: str, energy: float, turn: float, wavenumbers: list[float]) -> StationaryPoint:
    """A stationary point; energy in kcal/mol."""
    modes = np.zeros((len(wavenumbers), 4, 3))
    geometry = four_atoms(120.0, turn)
    return StationaryPoint(name, None, geometry, energy * KCAL, np.array(wavenumbers), modes, 0.0, 100, ())


def chain(number: int, outcome: list[str], mechanism: str = "rotation", first_length: int = 30) -> ChainData:
    """A chain whose accepted move number i has a path of 50 + 10 i frames."""
    moves = np.array(outcome)
    accepted = np.flatnonzero(moves == "accepted")
    starts = np.array([0, *accepted])
    lengths = [first_length, *(50 + 10 * i for i in accepted)]
    blank = np.array([four_atoms(120.0, 90.0 + i) for i in range(len(moves))])
    return ChainData(
        number=number,
        frame=2.0,
        outcome=moves,
        forward=np.array(["B" if i % 2 else "A" for i in range(len(moves))]),
        backward=np.array(["A" if i % 2 else "B" for i in range(len(moves))]),
        burn_in=np.zeros(len(moves), dtype=bool),
        points=blank,
        made_by=np.array([-1, *accepted]),
        multiplicity=np.diff([*starts, len(moves)]),
        mechanism=np.array(["initial", *[mechanism] * len(accepted)]),
        tracks=tuple(np.array([four_atoms(120.0, t) for t in np.linspace(30, 150, n)]) for n in lengths),
        cost=cost_of(len(moves), int((moves != "off path").sum())),
        first_path_cost={"evaluations": 300.0, "core_seconds": 1.5},
        start="saddle",
        wanted="saddle",
        shift=np.full(len(moves), 3),
    )


def cost_of(moves: int, shots: int) -> dict[str, float]:
    """What ``cost.json`` may hold. More accepted moves than the tables show: those of the burn-in are among them."""
    counts = {"moves": moves, "shots": shots, "accepted": 999, "failed": 0}
    return counts | {"evaluations": 101 * shots, "steps": 100 * shots, "core_seconds": 0.5 * shots}


def assessment(number: int, stop: bool, converged: bool = False, **other: object) -> dict:
    """What ``rounds/N.json`` may hold, `number` being N."""
    verdict = {(True, True): "converged at last", (True, False): "stopped without it"}.get((stop, converged), "goes on")
    shares = {"chains": [1], "moves": 40, "effective_moves": 12.34, "switches": 3}
    agreement = {
        "outcome": "agree",
        "verdict": "shares agree within error: inversion 0.25 from saddle, 0.20 from guess",
        "p_value": 0.5,
        "statistical_inefficiency": 3.0,
        "per_start": [
            {"start": "saddle", "shares": {"rotation": 0.75, "inversion": 0.25}, **shares},
            {"start": "guess", "shares": {"rotation": 1.0, "inversion": 0.0}, **shares, "chains": [2, 3]},
        ],
        "per_chain": [],
    }
    bounds = {"information error": 0.11, "R-hat": 1.05, "effective samples": 120.0, "stable variables": 2.0}
    criteria = [
        {"name": name, "value": None, "bound": bounds.get(name), "holds": converged, "text": f"how {name} stands"}
        for name in ("coordinate", "information error", "R-hat", "effective samples", "stable variables", "mechanisms")
    ]
    data = {
        "round": number - 1,
        "n_shots": 60 * number,
        "variables": ["angle(a,b,c)", "sin(turn)"],
        "coefficients": [1.0, 2.0],
        "information_error": 0.4 / number,
        "clustered_information_error": 0.31 / number,
        "information_error_limit": 0.42 / number,
        "interchangeable": {},
        "stable_for": number,
        "r_hat": {},
        "effective_samples": {},
        "notes": {},
        "worst_r_hat": 1.0 + 0.09 / number,
        "worst_effective_samples": 42.0 * number,
        "mechanisms": agreement,
        "criteria": criteria,
        "converged": converged,
        "stop": stop,
        "verdict": verdict,
    }
    return data | other


GIVEN = ("chosen", "all")


def fit_of(rng: np.random.Generator, n: int = 60, separable: bool = False):
    """A fit in two variables, with its data."""
    q = rng.normal(size=(n, 2)) * [3.0, 0.1] + [110.0, 0.0]
    r = 0.4 * (q[:, 0] - 110.0) + 2.0 * q[:, 1]
    went = r > 0 if separable else rng.random(n) < 1 / (1 + np.exp(-2 * r))
    names = ("angle(a,b,c)", "sin(turn)")
    seen = Observations(
        path=Path("toy.csv"),
        kind="CSV",
        names=names,
        units=("degree", "1"),
        values=q,
        rates=None,
        outcome=went,
        chain=tuple(str(k % 2) for k in range(n)),
        reactant="A",
        product="B",
        left_out=1,
    )
    options = Options(max_variables=2, size=2, bootstrap=5, each_size=True, compared=(("sin(turn)",),))
    report = fit(seen, options).to_dict()
    sets = report["sets"]
    problem = "constant variables cannot be fitted: <still>"
    sets.append({"role": "beside", "chosen": False, "units": ["1"], "variables": ["<still>"], "problem": problem})
    words = {"kind": "angle", "unit": "degree", "meaning": "angle a-b-c", "origin": "enumerated", "constant": False}
    still = {"kind": "x", "unit": "1", "meaning": "what stays", "origin": "given", "constant": True}
    twin = [{"name": "twin", "correlation": -0.99994}]
    candidates = [
        {"name": names[0], "mean": 110.0, "standard_deviation": 3.0, "near_duplicates": twin, **words},
        {"name": "<still>", "mean": 4.5, "standard_deviation": 0.0, "near_duplicates": [], **still},
    ]
    beyond = [
        {"name": "boosting", "variables": v, "mean": -0.4, "gain": 0.02, "standard_error": 0.03}
        | {"lower": -0.05, "upper": 0.09}
        for v in GIVEN
    ]
    found = report | {
        "method": "m",
        "source": "toy engine",
        "units": dict(zip(names, seen.units, strict=True)),
        "sets": sets,
        "candidates": candidates,
        "beyond_linear": beyond,
        "beats_null": True,
    }
    return json_safe(found), q, went


def committor_of(k: list[int], n: list[int]) -> dict:
    """What a method's committor shots say: on the separatrix, on the baseline, and over a map."""
    rng = np.random.default_rng(8)
    found = analyse(k, n, n_uncommitted=2, n_failed=1, n_simulations=99).to_dict()
    low, high = wilson_interval(k, n)
    entries = [
        {"r": 0.01 * i, "r_error": 0.1, "predicted": 0.4 + 0.05 * i, "to_product": a, "to_reactant": b - a}
        | {"low": low[i], "high": high[i], "chain": 1, "frame": i}
        for i, (a, b) in enumerate(zip(k, n, strict=True))
    ]
    expected = {"window": 0.03, "coefficients": 0.04, "both": 0.05}
    predicted = [e["predicted"] for e in entries]
    rivals = {"found": predicted, "baseline": predicted[::-1], "constant": [0.5] * len(k)}
    variables = {"found": ["angle(a,b,c)", "sin(turn)"], "baseline": ["cos(turn)"], "constant": []}
    return json_safe(
        {
            "product": "B",
            "evaluations": 4000,
            "draws": {
                "separatrix": {
                    "how": "drawn",
                    "configurations": entries,
                    "distribution": found,
                    "expected_spread": expected,
                },
                "baseline": {"how": "drawn at the baseline", "configurations": entries, "distribution": found},
                "map": {
                    "how": "cell by cell",
                    "map": ["sin(turn)", "cos(turn)"],
                    "configurations": [e | {"at": [0.1 * i, -0.2 * i]} for i, e in enumerate(entries)],
                },
            },
            "calibration": ranking.calibrate(k, n, predicted).to_dict(),
            "ranking": [
                r.to_dict() | {"variables": variables[r.name]} for r in ranking.rank(k, n, rivals, "found", rng=rng)
            ],
        }
    )


def method(name: str = "gfn-2", label: str = "GFN-2", separable: bool = False) -> MethodData:
    fit, q, went = fit_of(np.random.default_rng(3), separable=separable)
    outcome = ["same basin", "accepted", "off path", "accepted", "failed", "path length", "accepted", "no basin"] * 6
    return MethodData(
        name=name,
        label=label,
        source="toy engine",
        minima={"A": point("A", 5.0, 0.0, [20.0, 50.0]), "B": point("B", 1.0, 180.0, [30.0, 60.0])},
        saddle=point("rotation", 31.0, 90.0, [-400.0, 25.0]),
        chains=(chain(1, outcome), chain(2, outcome[3:] + outcome[:3], "inversion")),
        assessments=(assessment(1, False), assessment(2, False), assessment(3, True, converged=True)),
        fit=fit,
        q=q,
        to_product=went,
        committor=committor_of([1, 4, 7, 3, 0], [8, 8, 8, 7, 8]),
        seconds={stage: [2.0, 3.0] if stage == "minimum" else [1.0] for stage in run.STAGES},
    )


def broken(name: str = "broken-1") -> MethodData:
    """Awkward input: no path accepted, a separable coordinate, no benchmarks, no convergence, much not on record."""
    data = method(name, "broken", separable=True)
    nothing = {m.value: None for m in measures()} | {"variables": [], "stable_for": 0}
    rounds = (assessment(1, False, **nothing), assessment(2, True, **nothing))
    refused, failed = chain(1, ["same basin"] * 9), chain(2, ["failed"] * 9)
    fit = dict(data.fit, bootstrap=None, held_out=None)
    for key in ("sets", "candidates", "beyond_linear"):  # an older version's
        del fit[key]
    seconds = {stage: [None] for stage in run.STAGES}
    committor = committor_of([8, 8], [8, 8])
    refused = replace(refused, first_path_cost={})
    return replace(data, chains=(refused, failed), assessments=rounds, fit=fit, seconds=seconds, committor=committor)


def words(svg: str) -> list[str]:
    """Pieces of text in a figure."""
    root = ElementTree.fromstring(svg)
    # Of a text of several lines each is a piece of its own.
    return [piece.strip() for e in root.iter() if e.tag.endswith("text") for piece in e.itertext()]


def with_burn_in(c: ChainData, accepted: int = 5) -> ChainData:
    """The same chain after a burn-in of its own kind: other outcomes, points, ends, mechanism and lengths."""
    outcome = np.array(["accepted"] * accepted + ["off path", "failed"])
    n = len(outcome)
    long = np.array([four_atoms(60.0, 10.0)] * 400)
    return replace(
        c,
        outcome=np.concatenate([outcome, c.outcome]),
        forward=np.concatenate([["C"] * n, c.forward]),
        backward=np.concatenate([["C"] * n, c.backward]),
        burn_in=np.arange(n + len(c.outcome)) < n,
        points=np.concatenate([np.array([four_atoms(60.0, 10.0)] * n), c.points]),
        shift=np.concatenate([np.arange(5, 5 + n), c.shift]),
        made_by=np.concatenate([[-1], np.arange(accepted), c.made_by[1:] + n]),
        multiplicity=np.concatenate([[0] * accepted, c.multiplicity]),
        mechanism=np.concatenate([["initial"], ["burnt"] * accepted, c.mechanism[1:]]),
        tracks=(c.tracks[0], *[long] * accepted, *c.tracks[1:]),
    )


def summary(data: MethodData) -> dict[str, Estimate]:
    """All quantities of a method but its rates, by key; keys and labels are told apart."""
    estimates = summarise(data, system(), np.random.default_rng(1))
    for names in ([q.key for q in estimates], [(q.group, q.label) for q in estimates]):
        assert len(set(names)) == len(names)
    return {q.key: q for q in estimates}


def rate_estimates(content: Mapping[str, Any]) -> list[Estimate]:
    """Quantities of the content of a ``rates.json``, as the comparison has them."""
    results = MethodResults(method(), system(), np.random.default_rng(1), content)
    return [with_width(estimate) for estimate in rate_quantities(results)]
