"""What fitting a coordinate costs, and what is gained over minimising with differences, measured in one run.

    python benchmarks/fit.py [--pairs] [--repeats 5]

Planted observations of the sizes that aimless shooting makes: 6,000 with 5 variables and 15,000 with 156 variables and
their rates, committor model (1 + erf r)/2. Prints processor seconds on one core (the least of some repeats) and, as the
base, those of BFGS with gradients by differences on the same likelihood, which is how lmax.py of ATESA fits a set, with
the ln L that both reach and that of statsmodels. `--pairs` adds the exhaustive search of all pairs of the 156.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import separatrix  # noqa: F401  first: it sets the numeric libraries to one thread

# isort: split
import numpy as np
import statsmodels.api as sm
from scipy import optimize, special

from separatrix.coordinate import committor_model
from separatrix.coordinate.selection import Selection, select


def planted(n: int, m: int, active: dict[int, float], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variables with a common part, rates, and outcomes of a known coordinate."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(n, m)) + 0.5 * rng.normal(size=(n, 1))
    rates = rng.normal(size=(n, m))
    r = sum(weight * (q[:, k] + 0.5 * rates[:, k]) for k, weight in active.items())
    return q, rates, rng.random(n) < special.ndtr(np.sqrt(2.0) * r)


def seconds(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least processor time of some repeats, and the result."""
    least = np.inf
    for _ in range(repeats):
        begun = time.process_time()
        result = work()
        least = min(least, time.process_time() - begun)
    return least, result


def by_differences(q: np.ndarray, outcome: np.ndarray) -> float:
    """ln L by BFGS with gradients from differences, variables scaled to [0, 1], started at zero."""
    z = (q - q.min(axis=0)) / np.ptp(q, axis=0)

    def negative(a: np.ndarray) -> float:
        r = a[0] + z @ a[1:]
        return -float(np.log(0.5 * special.erfc(np.where(outcome, -r, r))).sum())

    return -float(optimize.minimize(negative, np.zeros(z.shape[1] + 1), method="BFGS").fun)


def one_fit(what: str, q: np.ndarray, outcome: np.ndarray, repeats: int) -> None:
    """One set of variables: this, differences, statsmodels."""
    names = [f"q{k}" for k in range(q.shape[1])]
    ours, found = seconds(lambda: committor_model.fit(q, outcome, names, model="erf"), 4 * repeats)
    base, value = seconds(lambda: by_differences(q, outcome), 1)
    reference = sm.Probit(outcome.astype(float), sm.add_constant(q)).fit(disp=0, method="newton", tol=1e-14)
    print(
        f"{what:44s} {ours * 1e3:9.2f} ms  {base * 1e3:9.1f} ms {base / ours:8.0f}x   ln L {found.log_likelihood:.6f}, "
        f"by differences {value - found.log_likelihood:+.1e}, statsmodels {reference.llf - found.log_likelihood:+.1e}"
    )


def one_search(what: str, work: Callable[[], Selection], repeats: int) -> None:
    """A search: seconds, sets fitted, seconds per set."""
    taken, found = seconds(work, repeats)
    print(
        f"{what:44s} {taken:9.3f} s   {found.n_fits:6d} sets {taken / found.n_fits * 1e3:8.3f} ms each   "
        f"best {', '.join(found.best.names)}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()

    q, _, outcome = planted(6000, 5, {0: 0.8, 3: -0.6}, 1)
    wide, rates, went = planted(15000, 156, {3: 0.6, 40: -0.5, 100: 0.4}, 2)
    three, with_rates = wide[:, [3, 40, 100]], np.hstack([wide[:, [3, 40, 100]], rates[:, [3, 40, 100]]])
    print(f"{'one fit':44s} {'here':>12s}  {'differences':>12s} {'gain':>8s}")
    one_fit("6,000 observations, 3 variables", q[:, :3], outcome, arguments.repeats)
    one_fit("15,000 observations, 3 variables", three, went, arguments.repeats)
    one_fit("15,000 observations, 3 variables with rates", with_rates, went, arguments.repeats)
    print("\nsearches, erf model, every leading set fitted exactly as well")
    names = [f"q{k}" for k in range(156)]
    one_search(
        "6,000 x 5, all sets up to three",
        lambda: select(q, outcome, names[:5], model="erf"),
        arguments.repeats,
    )
    for what, speed in (("", None), (" with rates", rates)):
        one_search(
            f"15,000 x 156{what}, greedy to six",
            lambda speed=speed: select(wide, went, names, model="erf", search="greedy", max_variables=6, rates=speed),
            1,
        )
        if arguments.pairs:
            one_search(
                f"15,000 x 156{what}, all pairs",
                lambda speed=speed: select(
                    wide, went, names, model="erf", search="exhaustive", max_variables=2, rates=speed
                ),
                1,
            )


if __name__ == "__main__":
    main()
