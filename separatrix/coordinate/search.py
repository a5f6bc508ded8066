"""Search for subsets of variables: exhaustive, greedy, or greedy with exchanges, many fits at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from separatrix.coordinate.likelihood import (
    MAX_NEWTON,
    RIDGE,
    WARM,
    FloatArray,
    IntArray,
    constant_columns,
    log_terms,
)

Progress = Callable[[int, int, int], None]
"""Progress callback: (size, subsets fitted, subsets in all)."""

MAX_SUBSETS = 100_000
"""Subsets per size that an exhaustive search examines; beyond, it keeps to the top-scoring variables."""

REFITTED = 20  # leaders of the scan that are refitted exactly, so that the ridge cannot decide the order
CRITERIA = ("ebic", "bic", "aic")
_SEARCHES = ("auto", "exhaustive", "greedy", "exchange")


def checked_rates(rates: ArrayLike | None, values: FloatArray, labels: tuple[str, ...]) -> FloatArray | None:
    """Validated rates, of the shape of the values."""
    if rates is None:
        return None
    speed = np.asarray(rates, dtype=float)
    if speed.shape != values.shape:
        raise ValueError(f"rates must have the shape of q, {values.shape}, got {speed.shape}")
    broken = ~np.isfinite(speed).all(axis=0)
    if bool(broken.any()):
        raise ValueError(f"rates not finite: {', '.join(np.array(labels)[broken])}")
    return speed


def rate_name(name: str) -> str:
    """Name of the rate of a variable, in fits and in files."""
    return f"{name}_rate"


@dataclass(frozen=True)
class Columns:
    """Variables of a search, followed by their rates if these take part."""

    raw: FloatArray  # (n, m) or (n, 2 m)
    mean: FloatArray
    spread: FloatArray
    z: FloatArray
    m: int
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """Columns, and so parameters, per variable."""
        return self.z.shape[1] // self.m

    def of(self, subsets: IntArray) -> IntArray:
        """Columns of subsets of variables (s, k), rates last; (s, k * width)."""
        return np.hstack([subsets + part * self.m for part in range(self.width)])


def standardised(values: FloatArray, rates: FloatArray | None, columns: IntArray, labels: tuple[str, ...]) -> Columns:
    """The columns of the variables `columns`, which must vary, and of their rates."""
    parts = [values] if rates is None else [values, rates]
    raw = values[:, columns] if rates is None else np.hstack([part[:, columns] for part in parts])
    mean = np.concatenate([part.mean(axis=0)[columns] for part in parts])
    spread = np.concatenate([part.std(axis=0)[columns] for part in parts])
    names = [labels[column] for column in columns]
    if rates is not None:
        still = constant_columns(raw, spread)[columns.size :]
        if bool(still.any()):
            raise ValueError(f"constant rates cannot be fitted: {', '.join(np.array(names)[still])}")
        names += [rate_name(name) for name in names]
    return Columns(raw, mean, spread, (raw - mean) / spread, columns.size, tuple(names))


def null_log_likelihood(sign: FloatArray) -> float:
    """ln L of the best constant committor, whatever the model."""
    n = sign.size
    to_b = int(np.count_nonzero(sign > 0.0))
    return float(special.xlogy(to_b, to_b / n) + special.xlogy(n - to_b, 1.0 - to_b / n))


def _scan(
    z: FloatArray, sign: FloatArray, subsets: IntArray, model: str, tell: Callable[[int], None] | None = None
) -> FloatArray:
    """Penalised maximum of ln L (ridge RIDGE) for each row of column indices in subsets (s, k); shape (s,).

    Newton's method on many subsets at once. The start is the linear discriminant, which needs only the Gram
    matrix shared by all subsets. A subset is done when its predicted gain is below 1e-6, or 1e-3 for many
    observations (the prediction is off by about gain^(3/2)/sqrt(n)); the leaders are refitted exactly by the
    caller. The ridge lowers a maximum by at most (RIDGE/2) |b|^2, which shows only for nearly dependent
    variables (|b| of hundreds). `tell` hears how many are done, from time to time.
    """
    n = z.shape[0]
    size = subsets.shape[1]
    signed = np.ascontiguousarray((z * sign[:, None]).T)
    gram = z.T @ z
    to_b = np.count_nonzero(sign > 0.0) / n
    b0 = float(special.logit(to_b) if model == "logistic" else special.ndtri(to_b))
    _, slope, weight = log_terms(sign * b0, model)
    pull = signed @ slope
    mean_weight = float(weight.mean())
    ridge = np.full(size + 1, RIDGE)
    ridge[0] = 1e-12  # keeps the intercept solvable if every weight underflows; far below any real weight
    ridge_matrix = np.diag(ridge)
    enough = 1e-6 if n < WARM else 1e-3
    result = np.empty(subsets.shape[0])
    chunk = max(1, 200_000 // (n * (size + 1)))
    for first in range(0, subsets.shape[0], chunk):
        columns = subsets[first : first + chunk]
        count = columns.shape[0]
        x = np.empty((count, size + 1, n))
        x[:, 0] = sign
        x[:, 1:] = signed[columns]
        local = mean_weight * gram[columns[:, :, None], columns[:, None, :]] + RIDGE * np.eye(size)
        accepted = np.zeros((count, size + 1))
        accepted[:, 0] = b0
        step = np.zeros_like(accepted)
        step[:, 1:] = np.linalg.solve(local, pull[columns][..., None])[..., 0]
        start_value = null_log_likelihood(sign)
        objective = np.full(count, start_value)
        values = np.full(count, start_value)
        index = np.arange(count)
        for _ in range(MAX_NEWTON):
            trial = accepted + step
            u = np.matmul(trial[:, None, :], x)[:, 0]
            value, slope, weight = log_terms(u, model)
            new = value.sum(axis=1) - 0.5 * (trial[:, 1:] ** 2).sum(axis=1) * RIDGE
            better = new >= objective - 1e-10 * (1.0 + np.abs(objective))
            # A step too long is halved and tried again; the others take their next Newton step.
            step[~better] *= 0.5
            stalled = ~better & (np.abs(step).max(axis=1) < 1e-9)
            accepted[better] = trial[better]
            objective[better] = new[better]
            gradient = np.matmul(x, slope[..., None])[..., 0] - ridge * trial
            hessian = np.matmul(x * weight[:, None, :], x.transpose(0, 2, 1)) + ridge_matrix
            newton = np.linalg.solve(hessian, gradient[..., None])[..., 0]
            gain = np.einsum("si,si->s", gradient, newton)
            longest = np.abs(newton).max(axis=1, keepdims=True)
            newton *= np.minimum(1.0, 10.0 / np.maximum(longest, 1e-300))
            step[better] = newton[better]
            done = (better & (gain < enough)) | stalled
            if bool(done.any()):
                values[index[done]] = objective[done] + np.where(better, 0.5 * gain, 0.0)[done]
                keep = ~done
                index, x = index[keep], x[keep]
                accepted, step, objective = accepted[keep], step[keep], objective[keep]
                if index.size == 0:
                    break
        values[index] = objective  # whatever has not converged keeps the best value reached: a lower bound
        result[first : first + count] = values
        if tell is not None:
            tell(first + count)
    return result


def _order(values: FloatArray, subsets: IntArray) -> IntArray:
    """Indices from best to worst; ties (to 1e-6 in ln L) go to the variables that come first."""
    keys = [subsets[:, column] for column in reversed(range(subsets.shape[1]))]
    return np.lexsort([*keys, -np.round(values, 6)])


@dataclass(frozen=True)
class _Size:
    """Subsets of one size, best first, with their scanned ln L."""

    subsets: IntArray
    values: FloatArray
    examined: int
    note: str
    greedy: tuple[tuple[int, ...], float] | None  # what addition alone finds, where the size was searched exhaustively


def _combinations(pool: IntArray, size: int) -> IntArray:
    flat = itertools.chain.from_iterable(itertools.combinations(pool.tolist(), size))
    return np.fromiter(flat, dtype=np.int64).reshape(-1, size)


@dataclass(frozen=True)
class Task:
    """What a search needs to know throughout."""

    columns: Columns
    sign: FloatArray
    model: str
    max_subsets: int
    progress: Progress | None = None

    def scan(self, subsets: IntArray) -> FloatArray:
        """ln L of subsets of variables (s, k); shape (s,)."""
        size, count = subsets.shape[1], subsets.shape[0]
        tell = None
        if self.progress is not None:
            progress = self.progress

            def tell(done: int) -> None:
                progress(size, done, count)

        return _scan(self.columns.z, self.sign, self.columns.of(subsets), self.model, tell)


def exhaustive(task: Task, size: int, score: FloatArray, base: tuple[int, ...] | None) -> tuple[_Size, FloatArray]:
    """All subsets of `size`, or of as many top-scoring variables as max_subsets allows; and the new scores.

    `score` (m,): the best ln L of a smaller subset that held the variable. `base`: the subset one smaller that
    addition alone has reached, None where it is not known.
    """
    m = task.columns.m
    pool_size = m
    while pool_size > size and math.comb(pool_size, size) > task.max_subsets:
        pool_size -= 1
    pool = np.sort(np.lexsort([np.arange(score.size), -np.round(score, 6)])[:pool_size])
    subsets = _combinations(pool, size)
    values = task.scan(subsets)
    order = _order(values, subsets)
    scores = np.full(m, -np.inf)
    for column in range(size):
        np.maximum.at(scores, subsets[:, column], values)
    note = f"size {size}: all {len(subsets)} subsets of "
    if pool_size == m:
        note += f"{pool_size} variables"
    else:
        note += f"the {pool_size} of {m} variables that did best at size {size - 1}"
    leaders = order[:REFITTED]
    greedy = None
    if base is not None:
        larger = np.flatnonzero((subsets[:, :, None] == np.array(base, dtype=np.int64)).any(axis=1).all(axis=1))
        if larger.size:  # none where the pool lacks a variable of the base
            best = larger[_order(values[larger], subsets[larger])[0]]
            greedy = (tuple(subsets[best].tolist()), float(values[best]))
    return _Size(subsets[leaders], values[leaders], len(subsets), note, greedy), scores


def _greedy(task: Task, size: int, base: tuple[int, ...], exchange: bool) -> _Size:
    """The best addition to `base`, then, if wanted, exchanges of one variable for another until none helps."""
    scores: dict[tuple[int, ...], float] = {}

    def best_of(candidates: set[tuple[int, ...]]) -> tuple[tuple[int, ...], float]:
        fresh = np.array(sorted(candidates - scores.keys()), dtype=np.int64).reshape(-1, size)
        scores.update(zip(map(tuple, fresh.tolist()), task.scan(fresh).tolist(), strict=True))
        ranked = sorted(candidates, key=lambda subset: (-round(scores[subset], 6), subset))
        return ranked[0], scores[ranked[0]]

    others = set(range(task.columns.m))
    current, value = best_of({tuple(sorted((*base, new))) for new in others - set(base)})
    exchanges = 0
    while exchange:
        swapped = {tuple(sorted((set(current) - {old}) | {new})) for old in current for new in others - set(current)}
        if not swapped:
            break
        rival, rival_value = best_of(swapped)
        if rival_value <= value + 1e-6:
            break
        current, value = rival, rival_value
        exchanges += 1
    subsets = np.array(list(scores), dtype=np.int64)
    values = np.array(list(scores.values()))
    leaders = _order(values, subsets)[:REFITTED]
    how = f"greedy addition and {exchanges} exchanges" if exchange else "greedy addition"
    return _Size(
        subsets[leaders], values[leaders], len(scores), f"size {size}: {how}, {len(scores)} subsets tried", None
    )


def search_sizes(task: Task, max_variables: int, search: str) -> dict[int, _Size]:
    """The leading subsets of each size from 1 to max_variables."""
    score = np.zeros(task.columns.m)
    sizes: dict[int, _Size] = {}
    added: tuple[int, ...] | None = ()
    for size in range(1, min(max_variables, task.columns.m) + 1):
        if size == 1 or search == "exhaustive" or (search == "auto" and size <= 3):
            sizes[size], score = exhaustive(task, size, score, added)
            greedy = sizes[size].greedy
            added = None if greedy is None else greedy[0]
        else:
            base = tuple(sizes[size - 1].subsets[0].tolist())
            sizes[size] = _greedy(task, size, base, search != "greedy")
    return sizes


def check_search(search: str, max_variables: int) -> None:
    if search not in _SEARCHES:
        raise ValueError(f"search must be one of {', '.join(_SEARCHES)}, got {search!r}")
    if max_variables < 1:
        raise ValueError(f"max_variables must be at least 1, got {max_variables}")


def charge(size: int, m: int, n: int, criterion: str, width: int = 1) -> float:
    """What a subset of `size` of `m` variables pays: (width size + 1) ln n, 2 ln C(m, size) for having been searched.

    AIC charges 2 per parameter instead, and nothing for the search. width: parameters per variable.
    """
    parameters = width * size + 1
    if criterion == "aic":
        return 2.0 * parameters
    bic = parameters * math.log(n)
    if criterion == "bic":
        return bic
    return bic + 2.0 * (math.lgamma(m + 1) - math.lgamma(size + 1) - math.lgamma(m - size + 1))


def check_criterion(criterion: str) -> None:
    if criterion not in CRITERIA:
        raise ValueError(f"criterion must be one of {', '.join(CRITERIA)}, got {criterion!r}")
