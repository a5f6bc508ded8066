"""Half-trajectories that were given up because they reached no basin in time: what they can change, and how to say so.

Which of them are long is not independent of where they go, so committors, acceptance and path lengths of the others are
biased. Nothing is known of where a lost one would have gone; what is known are bounds, had all gone to the one basin
or to the other (Manski, Am. Econ. Rev. 1990, 80, 319).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from separatrix.core.plain import Plain
from separatrix.statistics.intervals import Z, wilson_interval

#: Share of lost half-trajectories above which they are named whatever else is known.
MANY = 0.05

#: Name of the criterion of convergence that judges lost half-trajectories, as assessments have it.
CRITERION = "halves in no basin"

#: Key of a method's dynamics that says how long a half-trajectory is followed.
KEY = "longest_half_fs"


@dataclass(frozen=True)
class Lost(Plain):
    """Halves that reached no basin, among all that did not fail.

    Attributes
    ----------
    lost, halves
        Their number, and that of all.
    share, low, high
        Share of the lost ones, with its Wilson interval; NaN where there are none.
    shift
        Most that the share of those that reach the product could change, had all lost ones gone to one basin.
    error
        Standard error of that share among those that reached a basin.
    matters
        Whether the lost ones are more than :data:`MANY` of all, or could change the result by more than its error.
    """

    lost: int
    halves: int
    share: float
    low: float
    high: float
    shift: float
    error: float
    matters: bool

    def sentence(self, what: str = "half-trajectories", limit: float | None = None) -> str:
        """How many, and the remedy; `limit` is the present one in fs."""
        return f"{self.count(what)} reached no basin within {KEY}{_of(limit)}: {self.remedy}"

    def count(self, what: str = "half-trajectories") -> str:
        """How many of how many, as a share with its interval."""
        return f"{self.lost} of {self.halves} {what} ({self.share:.0%}, {self.low:.0%} to {self.high:.0%})"

    @property
    def remedy(self) -> str:
        """What to do, and why."""
        return (
            f"committors and paths are biased towards what is quick, by up to {self.shift:.2g}; give a larger {KEY}, "
            "several times the median path length"
        )


def _of(limit: float | None) -> str:
    return "" if limit is None else f" ({limit:g} fs)"


def lost_halves(to_reactant: int, to_product: int, lost: int) -> Lost:
    """What lost half-trajectories can change.

    Parameters
    ----------
    to_reactant, to_product, lost
        Halves that reached the one basin, the other, and none. Those that failed or reached a third basin count as
        neither.
    """
    ended = to_reactant + to_product
    halves = ended + lost
    if not halves:
        return Lost(0, 0, math.nan, math.nan, math.nan, math.nan, math.nan, False)
    share = lost / halves
    low, high = (float(v) for v in wilson_interval(lost, halves))
    product = to_product / ended if ended else 0.0
    shift = share * max(product, 1.0 - product)
    # By Wilson's interval: where all went to one basin the binomial error is zero, and wrong.
    width = wilson_interval(to_product, ended)
    error = float(width[1] - width[0]) / (2.0 * Z)
    return Lost(lost, halves, share, low, high, shift, error, bool(lost) and (share > MANY or shift > error))


def lost_of_mean(mean: float, error: float | None, ended: int, lost: int) -> Lost:
    """The same of a mean over values between -1 and 1, such as a transmission coefficient over pairs.

    Parameters
    ----------
    mean, error
        Over those kept, and its standard error; None: not known.
    ended, lost
        Their numbers.
    """
    number = ended + lost
    if not number:
        return lost_halves(0, 0, 0)
    share = lost / number
    low, high = (float(v) for v in wilson_interval(lost, number))
    shift = share * (1.0 + abs(mean))
    spread = math.nan if error is None else float(error)
    return Lost(lost, number, share, low, high, shift, spread, bool(lost) and (share > MANY or shift > spread))


def counted(ends: Sequence[str], reactant: str, product: str) -> Lost:
    """The same from the names of what half-trajectories reached: a basin, ``none``, ``failed``, or nothing."""
    ends = list(ends)
    return lost_halves(ends.count(reactant), ends.count(product), ends.count("none"))
