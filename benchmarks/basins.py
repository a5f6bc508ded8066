"""What it costs to ask at a frame whether the molecule is in a basin, measured in one run.

    python benchmarks/basins.py [--frames 2000] [--repeat 7]

Prints, for basins of several forms, microseconds per frame of `states.outside_of`, which dynamics asks at every frame,
and of the same test written by hand for these basins alone, in NumPy and in plain floats, and how many times longer
than ours each takes. Frames lie between the basins, where every box must be looked at, and in them. All ways
are compared with one another before anything is timed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from processor_time import seconds

from separatrix.core.molecule import read_geometry
from separatrix.cvs.states import Basin, Interval, outside_of
from separatrix.cvs.variable import Variable

Test = Callable[[np.ndarray], bool]

TWIST = Variable("CNNC", "dihedral", (6, 9, 10, 11))
THETA9, THETA10 = Variable("theta9", "angle", (6, 9, 10)), Variable("theta10", "angle", (9, 10, 11))
A, B = Variable("a", "distance", (6, 9)), Variable("b", "distance", (9, 11))
DIFFERENCE = Variable("difference", "difference", terms=((1.0, A), (-1.0, B)))
NUMBER = Variable("number", "coordination", (9, 6, 9, 10, 9, 11), options={"r0_A": 2.0})
#: Edges of the basins of the difference, angstrom.
LOW, HIGH = -0.73, -0.61
STRAIGHT_SINE = math.sin(math.radians(1.0))


class Form(NamedTuple):
    """Basins of one form, and the same test written by hand where it is."""

    basins: tuple[Basin, ...]
    numpy: Test | None = None
    floats: Test | None = None


def numpy_angle(x: np.ndarray, i: int, j: int, k: int) -> float:
    """Degrees, NaN where an atom lies on another."""
    u, w = x[i] - x[j], x[k] - x[j]
    if min(u @ u, w @ w) < 1e-24:
        return math.nan
    return math.degrees(math.atan2(np.linalg.norm(np.cross(u, w)), u @ w))


def numpy_dihedral(x: np.ndarray, i: int, j: int, k: int, end: int) -> float:
    """Degrees, NaN where an angle is within a degree of a straight line."""
    f, g, h = x[i] - x[j], x[k] - x[j], x[end] - x[k]
    a, b = np.cross(f, g), np.cross(h, g)
    limit = STRAIGHT_SINE**2 * (g @ g)
    if a @ a <= limit * (f @ f) or b @ b <= limit * (h @ h):
        return math.nan
    return math.degrees(math.atan2(np.linalg.norm(g) * (f @ b), a @ b))


def three_intervals_in_numpy(x: np.ndarray) -> bool:
    """Neither Z nor E of DNAB, in NumPy."""
    twist = numpy_dihedral(x, 6, 9, 10, 11)
    if not (-40.0 <= twist <= 40.0 or abs(twist) >= 140.0):
        return True
    return not (numpy_angle(x, 6, 9, 10) <= 145.0 and numpy_angle(x, 9, 10, 11) <= 145.0)


def three_intervals_in_floats(x: np.ndarray) -> bool:
    """The same in plain floats, with neither names nor bounds to look up."""
    (px, py, pz), (qx, qy, qz), (rx, ry, rz), (sx, sy, sz) = x[[6, 9, 10, 11]].tolist()
    fx, fy, fz = px - qx, py - qy, pz - qz
    gx, gy, gz = rx - qx, ry - qy, rz - qz
    hx, hy, hz = sx - rx, sy - ry, sz - rz
    ax, ay, az = fy * gz - fz * gy, fz * gx - fx * gz, fx * gy - fy * gx
    bx, by, bz = hy * gz - hz * gy, hz * gx - hx * gz, hx * gy - hy * gx
    a2, b2, g2 = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz, gx * gx + gy * gy + gz * gz
    limit = STRAIGHT_SINE**2 * g2
    if a2 <= limit * (fx * fx + fy * fy + fz * fz) or b2 <= limit * (hx * hx + hy * hy + hz * hz):
        return True
    sine = math.sqrt(g2) * (fx * bx + fy * by + fz * bz)
    twist = abs(math.degrees(math.atan2(sine, ax * bx + ay * by + az * bz)))
    if 40.0 < twist < 140.0:
        return True
    theta9 = math.atan2(math.sqrt(a2), fx * gx + fy * gy + fz * gz)
    theta10 = math.atan2(math.sqrt(b2), -(hx * gx + hy * gy + hz * gz))
    return math.degrees(theta9) > 145.0 or math.degrees(theta10) > 145.0


def difference_in_numpy(x: np.ndarray) -> bool:
    """A difference of two distances between the basins."""
    return bool(LOW < 10.0 * (np.linalg.norm(x[6] - x[9]) - np.linalg.norm(x[9] - x[11])) < HIGH)


def number_in_numpy(x: np.ndarray) -> bool:
    """A coordination number between the basins, with n = 6 and m = 12."""
    ratio = 10.0 * np.linalg.norm(x[9] - x[[6, 10, 11]], axis=1) / 2.0
    return bool(2.37 < (1.0 / (1.0 + ratio**6)).sum() < 2.49)


def forms(reference: np.ndarray) -> dict[str, Form]:
    """Each form of basins, by what it is."""
    angles = (Interval(THETA9, 0.0, 145.0), Interval(THETA10, 0.0, 145.0))
    z, e = (Basin(n, (Interval(TWIST, *b), *angles)) for n, b in (("Z", (-40.0, 40.0)), ("E", (140.0, 220.0))))
    rmsd = Variable("rmsd", "rmsd", (6, 9, 10, 11), options={"reference_nm": reference[[6, 9, 10, 11]].tolist()})

    def two(variable: Variable, low: float, high: float, edge: float = 20.0) -> tuple[Basin, ...]:
        return Basin("A", (Interval(variable, -edge, low),)), Basin("B", (Interval(variable, high, edge),))

    three = tuple((Interval(Variable(f"d{n}", "distance", (9, n)), 0.8, 1.2),) for n in (6, 10, 11))
    turns = (((6, 10), (10, 11), (11, 6)), ((6, 11), (10, 6), (11, 10)))
    return {
        "DNAB: a dihedral and two angles, twice": Form((z, e), three_intervals_in_numpy, three_intervals_in_floats),
        "a difference of two distances": Form(two(DIFFERENCE, LOW, HIGH), difference_in_numpy),
        "a coordination number of three pairs": Form(two(NUMBER, 2.37, 2.49), number_in_numpy),
        "an RMSD of four atoms": Form(two(rmsd, 0.1, 0.6)),
        "any of three boxes": Form((Basin("A", (), three),)),
        "three equivalent atoms": Form((Basin("A", three[0], permutations=turns),)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    z, e = (read_geometry(f"resources/dnab/dnab_{name}.xyz")[1] for name in "ZE")
    way = np.linspace(0.0, 1.0, arguments.frames)[:, None, None]
    frames = list((1.0 - way) * z + way * e + rng.normal(scale=0.004, size=(arguments.frames, *z.shape)))
    print(f"{'':42s}{'outside':>9s}{'ours':>10s}{'NumPy':>10s}{'':>8s}{'floats':>10s}")
    for name, form in forms(z).items():
        ours = outside_of(form.basins)
        by_hand = [test for test in (form.numpy, form.floats) if test is not None]
        answers = [ours(x) for x in frames]
        for test in by_hand:
            assert [test(x) for x in frames] == answers, name
        cost = seconds(lambda ours=ours: [ours(x) for x in frames], arguments.repeat) / len(frames)
        line = f"{name:42s}{np.mean(answers):8.0%} {cost * 1e6:7.2f} us"
        for test in by_hand:
            other = seconds(lambda test=test: [test(x) for x in frames], arguments.repeat) / len(frames)
            line += f"{other * 1e6:7.2f} us{other / cost:7.1f}x"
        print(line)


if __name__ == "__main__":
    main()
