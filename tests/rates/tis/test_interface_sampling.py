"""Interface sampling: rates of solvable models, errors that hold, moves that keep the ensemble, and faults."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rate_models import Walker

from separatrix.core.seeds import stream
from separatrix.core.units import BOLTZMANN
from separatrix.rates.tis import chain as chain_module
from separatrix.rates.tis import flux, path_moves, placing
from separatrix.rates.tis import pilot as pilot_module
from separatrix.rates.tis.chain import InterfaceChain, run_chain
from separatrix.rates.tis.flux import PhasePoint
from separatrix.rates.tis.interface_rate import InterfaceRate, rate_of_chains, round_trips
from separatrix.rates.tis.pilot import Rules, place_from_seeds, place_interfaces
from separatrix.rates.tis.placing import Seeds
from separatrix.rates.tis.transition_paths import PRODUCT, REACTANT, Path, TrajectorySegment

KT = BOLTZMANN * 300.0
RULES = Rules(crossing=0.25, pilot_moves=40, cycles=1000, burn_in=50, refresh=2, segment_frames=200)


def done(make):
    return make()


def sampled(walker, seed: int, rules: Rules = RULES, chains: int = 2) -> InterfaceRate:
    start = np.array([-walker.a, 0.0]) if isinstance(walker, Plane) else np.asarray(-walker.a)
    found = place_interfaces(walker, start, 0.0 * start, rules, lambda *w: stream(seed, "pilot", *w), done)
    runs = [
        run_chain(walker, start, found, rules, lambda *w, c=c: stream(seed, "chain", c, *w), done)
        for c in range(chains)
    ]
    return rate_of_chains(runs, found.interfaces, walker.frame)


def off(found: InterfaceRate, known: float, ln_error: float = 0.0) -> float:
    """Deviation of a rate from a known one (1/ps) in standard errors."""
    return math.log(found.rate * 1e-12 / known) / math.hypot(found.ln_error, ln_error)


@pytest.mark.parametrize(("friction", "below"), [(3.0, 2 * KT), (30.0, -math.inf), (300.0, -math.inf)])
def test_rate_with_friction_is_that_of_brute_force(friction: float, below: float):
    walker = Walker(friction, below=below)
    known, error = walker.brute(1000, 60.0, 3)
    found = sampled(walker, 1)
    assert abs(off(found, known, error)) < 3.0
    assert found.ln_error < 0.35
    assert found.low < found.rate < found.high
    assert found.outcomes["failed"] == found.outcomes["uncommitted"] == 0


def test_rate_at_constant_energy_is_that_of_transition_state_theory():
    """In one dimension what crosses the top does not come back: the positive flux over the population."""
    walker = Walker(0.0)
    found = sampled(walker, 2, RULES)
    assert abs(off(found, walker.tst())) < 3.0
    assert found.ln_error < 0.4


def test_tilted_wells_keep_detailed_balance():
    """Rates both ways, each sampled on its own, have the ratio of the populations."""
    walker = Walker(30.0, tilt=1.2)
    there, back = sampled(walker, 3), sampled(replace(walker, tilt=-1.2), 4)
    x = np.linspace(-0.15, 0.15, 30001)
    weight = np.exp(-walker.energy(x) / walker.kt)
    constant = weight[x > 0.0].sum() / weight[x < 0.0].sum()
    difference = math.log(there.rate / back.rate) - math.log(constant)
    assert abs(difference) < 3.0 * math.hypot(there.ln_error, back.ln_error)
    assert constant < 0.5  # so that equal rates would be found out


@pytest.mark.slow
@pytest.mark.parametrize(("friction", "below"), [(0.0, -math.inf), (10.0, -math.inf), (30.0, -math.inf)])
def test_errors_cover_the_truth(friction: float, below: float):
    walker = Walker(friction, below=below)
    known = walker.brute(2000, 100.0, 3)[0] if friction else walker.tst()
    rules = replace(RULES, cycles=400, refresh=3 if friction else 4)
    scores = np.array([off(sampled(walker, seed, rules), known) for seed in range(100, 124)])
    # The mean square of 24 standard normal numbers lies between 0.52 and 1.64 in 95 of 100 cases.
    assert 0.3 < np.mean(scores**2) < 2.0
    assert abs(scores.mean()) < 0.6


class Plane(Walker):
    """A walker in a plane without noise: the double well along x and a spring along y that nothing couples.

    The order parameter leans into y, and so is what velocities are split along; the rate is that of the well alone.
    """

    spring = 40000.0  # kJ/(mol nm^2)
    lean = 0.3

    def draw(self, x, rng):
        return math.sqrt(self.kt / self.mass) * rng.standard_normal(2)

    def along(self, x, v):
        e = np.array([1.0, self.lean]) / math.hypot(1.0, self.lean)
        return (v @ e) * e

    def order(self, x):
        return (x[:, 0] + self.lean * x[:, 1]) / self.a

    def sides(self, x, v):
        return super().sides(x[:, 0], v[:, 0])

    def _run(self, x, v, frames, rng, stop):
        (x, y), (v, w), a, h = x.tolist(), v.tolist(), self.a, 0.5 * self.step / self.mass
        quarter, spring, edge, xs, vs, side = 4.0 * self.barrier / a, self.spring, self.edge * a, [], [], 0
        for _ in range(frames):
            for _ in range(self.every):
                u = x / a
                v, w = v - h * quarter * u * (u * u - 1.0), w - h * spring * y
                x, y = x + self.step * v, y + self.step * w
                u = x / a
                v, w = v - h * quarter * u * (u * u - 1.0), w - h * spring * y
            xs.append((x, y))
            vs.append((v, w))
            side = PRODUCT if x > edge else REACTANT if x < -edge else 0
            if side in stop:
                break
        return TrajectorySegment(np.array(xs), np.array(vs), side)


@pytest.mark.parametrize(
    ("height", "cycles"), [(15.0, 900), pytest.param(20.0, 1800, marks=pytest.mark.slow)], ids=["15 kT", "20 kT"]
)
def test_a_high_barrier_is_climbed_at_constant_energy(height: float, cycles: int):
    """The energy along x is each path's own, and only small turns of its velocities keep it near the barrier."""
    walker = Plane(0.0, barrier=height * KT, edge=0.95, step=0.0008)
    rules = replace(RULES, crossing=0.2, pilot_moves=60, cycles=cycles, segment_frames=100)
    found = sampled(walker, 6, rules)
    assert abs(off(found, walker.tst())) < 3.0
    assert found.ln_error < 1.5
    assert len(found.crossings) >= height / 4.0
    assert found.n_arrivals > 0


class Flat:
    """Walkers on whole numbers 0 ... n that step either way with probability 1/2: gambler's ruin, with exact answers.

    The reactant is 0, the product n. There are no velocities.
    """

    stochastic = True

    def __init__(self, n: int = 6) -> None:
        self.n = n
        self.fault = ""

    def run_to_state(self, positions, velocities, rng) -> TrajectorySegment:
        x, track = int(positions), []
        if self.fault and rng.random() < 0.3:
            return TrajectorySegment(np.array([float(x)]), np.zeros(1), 0, self.fault)
        while not track or 0 < x < self.n:
            x += 2 * int(rng.integers(2)) - 1
            track.append(float(x))
        return TrajectorySegment(np.array(track), np.zeros(len(track)), REACTANT if x == 0 else PRODUCT)

    def run_frames(self, positions, velocities, frames, rng) -> TrajectorySegment:
        x, track = int(positions), []
        while len(track) < frames:
            # At the ends it may stay: the states have frames of their own.
            x = min(max(x + 2 * int(rng.integers(2)) - 1, 0), self.n)
            track.append(float(x))
        return TrajectorySegment(np.array(track), np.zeros(len(track)), 0)

    def draw(self, positions, rng):
        return np.zeros(())

    def along(self, positions, velocities):
        return velocities

    def order(self, positions):
        return np.asarray(positions)

    def sides(self, positions, velocities):
        return np.where(positions <= 0, REACTANT, np.where(positions >= self.n, PRODUCT, 0))


def flat_path(*x: int, n: int = 6) -> Path:
    track = np.array(x, dtype=float)
    order = np.where(track == 0, -math.inf, np.where(track == n, math.inf, track))
    return Path(track, np.zeros(len(track)), order)


def test_shooting_samples_the_ensemble_of_paths():
    """Every path of s steps has the weight 2^-s: shares of those from 0 that reach 2 are known in closed form."""
    runner, path = Flat(4), flat_path(0, 1, 2, 1, 0, n=4)
    seen: dict[tuple[float, ...], int] = {}
    total = 12000
    for k in range(total):
        rng = stream(11, k)
        path = path_moves.shoot(runner, path_moves.time_reversal(path, rng), 2.0, rng).path
        key = tuple(path.positions)
        seen[key] = seen.get(key, 0) + 1
    assert all(p[0] == 0.0 and max(p) >= 2.0 and p[-1] in (0.0, 4.0) for p in seen)
    # From 1 the walker reaches 2 before 0 with 1/2, and 4 from 2 with 1/2.
    reach = 0.5
    for steps in itertools.product((1, -1), repeat=5):
        track = [0, *itertools.accumulate((1, *steps))]
        last = next((i for i, x in enumerate(track) if i and x in (0, 4)), None)
        if last is None or max(track[: last + 1]) < 2:
            continue
        key = tuple(float(x) for x in track[: last + 1])
        exact = 0.5 ** (last - 1) / reach
        # Moves are correlated: ten times the variance of independent draws.
        assert abs(seen.get(key, 0) / total - exact) < 4.0 * math.sqrt(10.0 * exact / total)
    product = sum(count for key, count in seen.items() if key[-1] == 4.0) / total
    assert product == pytest.approx(0.5, abs=0.03)


def test_rate_of_gamblers_ruin():
    """One path in two frames at 0, each of which reaches n with probability 1/n."""
    runner = Flat(8)
    rules = replace(RULES, cycles=3000)
    found_pilot = place_interfaces(runner, np.asarray(0.0), np.asarray(4.0), rules, lambda *w: stream(5, *w), done)
    chain = run_chain(runner, np.asarray(0.0), found_pilot, rules, lambda *w: stream(6, *w), done)
    found = rate_of_chains([chain], found_pilot.interfaces, 1.0, blocks=20)
    # Birth and death: the population that was in 0 last has sum over x of 2 (1 - x/n) frames beside 1 in 0.
    n = runner.n
    frames = 1.0 + sum((1.0 - x / n) for x in range(1, n))
    exact = 0.5 / n / frames
    assert abs(off(found, exact)) < 3.0
    assert found.ln_error < 0.2


def test_failed_and_endless_shots_are_counted_and_never_accepted():
    runner = Flat()
    runner.fault = "the field did not converge"
    path, shots = flat_path(0, 1, 2, 3, 2, 1, 0), []
    for k in range(200):
        shots.append(path_moves.shoot(runner, path, 2.0, stream(1, k)))
    failed = [m for m in shots if m.outcome == "failed"]
    assert len(failed) > 30
    assert all(m.path is path and m.reason == runner.fault for m in failed)

    class Endless(Flat):
        def run_to_state(self, positions, velocities, rng) -> TrajectorySegment:
            return TrajectorySegment(np.full(5, 3.0), np.zeros(5), 0)

    move = path_moves.shoot(Endless(), path, 2.0, stream(1))
    assert move.outcome == "uncommitted"
    assert move.path is path


def test_what_reaches_the_product_goes_on_backwards_from_where_it_left_the_reactant():
    legs = [
        ([0.0, 1.0, 0.0, 6.0, 5.0, 0.0, 1.0, 6.0, 5.0], 3.0),
        ([-1.0, 0.0, 1.0, 6.0, 5.0], 4.0),
        ([0.0], 5.0),
    ]
    asked = []

    class Jumping(Flat):
        def run_frames(self, positions, velocities, frames, rng) -> TrajectorySegment:
            asked.append((float(positions), float(velocities), frames))
            x, speed = legs[len(asked) - 1]
            return TrajectorySegment(np.array(x), np.full(len(x), speed), 0)

    found, paths = flux.run_segment(Jumping(), PhasePoint(np.asarray(0.0), np.asarray(2.0)), 9, stream(1))
    assert asked == [(0.0, 2.0, 9), (0.0, -3.0, 5), (0.0, -4.0, 1)]
    # Nothing of what was in the product last; the frame that it comes back with is one of the reactant again.
    assert found.frames == 9
    assert list(found.order) == [0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0]
    assert [p.highest for p in paths] == [1.0, math.inf]
    # From state to state between two frames: no path to shoot from.
    assert found.unfinished == 1
    assert float(found.end.positions) == 0.0 and found.end.velocities is None


def test_a_path_is_followed_beyond_the_end_of_its_segment():
    class Rising(Flat):
        def run_frames(self, positions, velocities, frames, rng) -> TrajectorySegment:
            return TrajectorySegment(np.array([0.0, 1.0, 2.0]), np.zeros(3), 0)

        def run_to_state(self, positions, velocities, rng) -> TrajectorySegment:
            assert float(positions) == 2.0
            return TrajectorySegment(np.array([3.0, 2.0, 1.0, 0.0]), np.zeros(4), REACTANT)

    found, paths = flux.run_segment(Rising(), PhasePoint(np.asarray(0.0)), 3, stream(1))
    assert found.frames == 3
    assert list(found.highest) == [3.0]
    assert list(paths[0].positions) == [0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]
    # What is outside goes on from there; where it left the reactant is kept for when it reaches the product.
    assert (float(found.end.positions), float(found.end.velocities)) == (2.0, 0.0)
    assert [float(part) for part in found.end.left] == [0.0, 0.0]


@pytest.mark.parametrize("end", [REACTANT, PRODUCT])
def test_velocities_outside_are_drawn_anew_only_where_they_come_from_the_reactant(end: int):
    class Drawing(Flat):
        def draw(self, positions, rng):
            return np.asarray(7.0)

        def run_to_state(self, positions, velocities, rng) -> TrajectorySegment:
            back = float(velocities) == -7.0
            return TrajectorySegment(np.array([1.0, 0.5]), np.array([-8.0, -9.0]), end if back else REACTANT)

        def run_frames(self, positions, velocities, frames, rng) -> TrajectorySegment:
            return TrajectorySegment(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), 0)

    found, _ = flux.run_segment(Drawing(), PhasePoint(np.asarray(0.0)), 3, stream(1))
    left = [float(part) for part in found.end.left]
    assert (float(found.end.velocities), left) == ((7.0, [0.5, 9.0]) if end == REACTANT else (3.0, [0.0, 1.0]))


def test_exchanges_are_even_among_all_that_are_possible():
    """Against all permutations, one by one."""
    bounds = [1.0, 2.0, 3.0, 4.0]
    tops = [3, 2, 5, 4]  # the first reaches further than it must, the third is needed nowhere in particular
    known = [flat_path(0, *range(1, top + 1), *range(top - 1, -1, -1)) for top in tops]
    possible = [
        p for p in itertools.permutations(range(4)) if all(tops[k] >= b for k, b in zip(p, bounds, strict=True))
    ]
    assert 1 < len(possible) < 24
    seen = dict.fromkeys(possible, 0)
    total = 6000
    for k in range(total):
        paths = list(known)
        source = path_moves.replica_exchange(paths, bounds, stream(9, k))
        assert all(path is known[i] for path, i in zip(paths, source, strict=True))
        seen[tuple(source.tolist())] += 1
    expected = total / len(possible)
    # Chi squared of n - 1 degrees of freedom has the mean n - 1 and the variance 2 (n - 1).
    chi = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi < len(possible) - 1 + 5.0 * math.sqrt(2.0 * (len(possible) - 1))


@settings(max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=7), st.integers(0, 1000))
def test_every_ensemble_gets_a_path_that_reaches_it(beyond: list[int], seed: int):
    tops = [i + 1 + more for i, more in enumerate(beyond)]
    paths = [flat_path(0, *range(1, top + 1), *range(top - 1, -1, -1), n=99) for top in tops]
    source = path_moves.replica_exchange(paths, [float(i + 1) for i in range(len(tops))], stream(seed))
    assert sorted(source.tolist()) == list(range(len(tops)))
    assert all(path.highest >= i + 1 for i, path in enumerate(paths))


@settings(max_examples=60)
@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=50), st.floats(0.05, 0.95))
def test_interfaces_stand_where_the_share_is_reached(highest: list[float], share: float):
    place = placing.quantile_above(highest, share)
    assert place in highest
    assert np.mean(np.array(highest) >= place) >= share - 1e-12
    assert np.mean(np.array(highest) > place) <= share


def chain_of(highest: np.ndarray, counts: np.ndarray) -> InterfaceChain:
    """A chain of given paths, and counts of paths per segment."""
    shape = highest.shape
    frames, sources = np.full(shape, 9), np.tile(np.arange(shape[1]), (shape[0], 1))
    return InterfaceChain(
        highest, frames, np.zeros(shape, dtype=int), sources, np.full(len(counts), 100), counts, 0 * counts
    )


def test_crossings_are_the_factors_of_the_rate():
    rng = np.random.default_rng(14)
    bounds = [1.0, 2.0, 3.0]
    highest = np.column_stack([b + rng.exponential(1.2, 300) for b in bounds])
    highest[highest > 4.0] = math.inf
    found = rate_of_chains([chain_of(highest, np.full(40, 5))], bounds, 1.0)
    np.testing.assert_allclose(
        placing.local_crossing_probabilities(highest, bounds), [c["probability"] for c in found.crossings]
    )


def test_a_pilot_goes_on_while_an_interface_is_hardly_crossed(monkeypatch, caplog):
    """Of 200 steps, with rounds that are too short for all paths to come down from the first one."""
    runner, rules = Flat(200), replace(RULES, pilot_moves=3, segment_frames=400)
    cycles = []
    monkeypatch.setattr(pilot_module, "run_cycle", lambda *a, run=path_moves.run_cycle: cycles.append(a[3]) or run(*a))

    def pilot(seed: int) -> list[float]:
        caplog.clear()
        with caplog.at_level("INFO", logger=pilot_module.__name__):
            place_interfaces(runner, np.asarray(0.0), np.asarray(100.0), rules, lambda *w: stream(seed, *w), done)
        return [float(r.args[1]) for r in caplog.records if r.msg.startswith("round")]

    rounds = [pilot(seed) for seed in range(4)]
    for shares in rounds:
        # Each but the last of the rounds from the fourth on left a gap; the last did not, unless there were ten.
        assert all(share < 6.25 for share in shares[3:-1])
        assert shares[-1] >= 6.25 or len(shares) == 10
    assert max(len(shares) for shares in rounds) > 4


def uniform(low: float, high: float, number: int, energy) -> Seeds:
    """Frames drawn evenly, with their Boltzmann factors."""
    x = np.random.default_rng(17).uniform(low, high, number)
    return Seeds(x, x, np.exp(-energy(x)))


def test_paths_through_frames_of_equilibrium_are_those_of_the_ensemble():
    """Gambler's ruin: of those that reach 5 a share of 5/j reaches j. They are longer, and more often drawn."""

    class Fives(Seeds):
        def steps(self, first, crossing, bins=50):
            return [5.0], 6.0

    runner, n = Flat(40), np.arange(1.0, 40.0)
    rules = replace(RULES, pilot_moves=6000, segment_frames=20)
    seeds = Fives(n, n, np.ones(39))
    through = flat_path(*range(41), n=40)
    found = place_from_seeds(runner, 5.0, through, 1, seeds, rules, lambda *w: stream(4, *w), done)
    # 5/40 is two steps of 0.354, the first of which is at 14.1.
    assert found.interfaces[0] == 5.0
    assert 13.0 <= found.interfaces[1] <= 15.0
    assert [p.highest >= v for p, v in zip(found.paths, found.interfaces, strict=True)] == [True, True]
    assert all(p.positions[0] == 0.0 for p in found.paths)


def test_a_pilot_with_frames_of_equilibrium_gives_the_same_rate():
    walker = Walker(30.0)
    known, error = walker.brute(1000, 60.0, 3)
    seeds = uniform(-1.6, 1.6, 20000, lambda u: walker.energy(u * walker.a) / walker.kt)
    seeds = replace(seeds, positions=seeds.order * walker.a)
    start, rules = np.asarray(-walker.a), replace(RULES, pilot_moves=25)
    found = place_interfaces(walker, start, 0.0 * start, rules, lambda *w: stream(1, "pilot", *w), done, seeds)
    assert len(found.interfaces) >= 2 and found.interfaces[-1] < 0.3
    chains = [run_chain(walker, start, found, rules, lambda *w, c=c: stream(1, c, *w), done) for c in range(2)]
    rate = rate_of_chains(chains, found.interfaces, walker.frame)
    assert abs(off(rate, known, error)) < 3.0
    assert all(0.1 < c["probability"] < 0.9 for c in rate.crossings)


@pytest.mark.parametrize(("low", "high"), [(-0.6, 1.6), (-0.6, 0.1)], ids=["over the barrier", "up to it"])
def test_interfaces_rise_in_equal_steps_of_free_energy(low: float, high: float):
    """Up to the top of a barrier of 20 kT, whether frames end there or go on into the other well."""
    energy = lambda u: 20.0 * (u * u - 1.0) ** 2  # noqa: E731
    places, top = uniform(low, high, 200000, energy).steps(-0.6, 0.25)
    assert top == pytest.approx(0.0, abs=0.06)
    assert places[0] == -0.6 and places == sorted(places)
    # 11.8 kT are nine steps of no more than ln 4.
    assert len(places) == 9
    np.testing.assert_allclose(np.diff([energy(v) for v in places]), 11.8 / 9, rtol=0.3)


def test_where_no_frame_lies_the_path_through_the_top_is_taken():
    seeds = Seeds(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    assert seeds.draw(1.5, 3.0, stream(1)) is None
    assert float(seeds.draw(0.0, 3.0, stream(1))) == 1.0
    assert seeds.steps(5.0, 0.25) == ([5.0], 5.0)
    through = flat_path(*range(9), n=8)
    found = place_from_seeds(Flat(8), 5.0, through, 1, seeds, RULES, lambda *w: stream(4, *w), done)
    assert found.paths[0] is through


def test_pooled_factors_solve_the_histogram_equations():
    """Against the equations of weighted histograms, iterated: p_b = sum_k H_kb / sum_(k <= b) (N_k / P_k)."""
    rng = np.random.default_rng(4)
    bounds, n = [1.0, 2.0, 3.0], 500
    # Exponential tails: in ensemble i the highest order parameter is bounds[i] + an exponential number.
    highest = np.column_stack([b + rng.exponential(1.2, n) for b in bounds])
    highest[highest > 4.0] = math.inf
    found = rate_of_chains([chain_of(highest, rng.poisson(5.0, 50))], bounds, 1.0)
    histogram = np.array([np.histogram(np.minimum(column, 9.0), [1.0, 2.0, 3.0, 4.0, 10.0])[0] for column in highest.T])
    share = np.full(4, 0.25)
    for _ in range(5000):
        reach = np.cumsum(share[::-1])[::-1]
        share = np.array([histogram[:, b].sum() / sum(n / reach[k] for k in range(min(b, 2) + 1)) for b in range(4)])
        share /= share.sum()
    assert found.probability == pytest.approx(share[3], rel=1e-6)


def test_errors_of_independent_paths_are_binomial():
    rng = np.random.default_rng(8)
    rates = []
    for _ in range(200):
        highest = np.where(rng.random((400, 1)) < 0.3, math.inf, 1.5)
        rates.append(rate_of_chains([chain_of(highest, rng.poisson(4.0, 400))], [1.0], 1.0))
    spread = np.std([math.log(r.rate) for r in rates], ddof=1)
    exact = math.sqrt(0.7 / (0.3 * 400) + 1.0 / 1600)
    assert spread == pytest.approx(exact, rel=0.2)
    assert np.sqrt(np.mean([r.ln_error**2 for r in rates])) == pytest.approx(exact, rel=0.1)
    inside = np.mean([r.low < 0.3 * 0.04e12 < r.high for r in rates])
    assert 0.90 <= inside <= 0.99


def test_the_largest_error_of_all_block_lengths_is_told():
    """Crossings that come in runs: blocks of a fifth of a chain show those that are longer than a tenth of it."""
    counts = np.full(100, 1)
    for run, blocks in ((15, 20), (120, 10)):
        highest = np.where(np.arange(600)[:, None] // run % 2, math.inf, 1.5)
        found = rate_of_chains([chain_of(highest, counts)] * 2, [1.0], 1.0)
        assert found.n_blocks == blocks
    # Of each chain the fifths are (1, 0, 1, 0, 1) of the same kind: the jackknife's error of ten of them.
    tried, reached = np.full(10, 120.0), np.array([0.0, 120.0, 0.0, 120.0, 0.0] * 2)
    logs = np.log((reached.sum() - reached) / (tried.sum() - tried))
    assert found.ln_probability_error == pytest.approx(math.sqrt(0.9 * ((logs - logs.mean()) ** 2).sum()))


def test_arrivals_are_places_that_went_all_the_way():
    # Three ensembles: up one step in the first cycle, and one in the second.
    up, stay = [[1, 0, 2], [0, 2, 1]], [0, 1, 2]
    assert round_trips(np.array([*up, stay])) == 1
    # What begins in the last counts only when it has been in the first.
    assert round_trips(np.array([[0, 2, 1], [0, 2, 1], stay])) == 0
    assert round_trips(np.array([*up, *up, stay])) == 2
    # All the way at once, round in a ring: the second that arrives was in the first when the first one did.
    assert round_trips(np.array([[1, 2, 0], stay, [1, 2, 0], stay])) == 2
    # A single ensemble is first and last.
    assert round_trips(np.zeros((5, 1), dtype=int)) == 5


def test_without_an_arrival_there_is_no_error():
    """Each factor has a small one, but all blocks may go back to the same first paths."""
    rng = np.random.default_rng(2)
    highest = np.column_stack([np.where(rng.random(400) < 0.4, math.inf, b) for b in (1.2, 2.2)])
    chain, bounds = chain_of(highest, np.full(40, 5)), [1.0, 2.0]
    apart = rate_of_chains([chain], bounds, 1.0)
    assert math.isinf(apart.ln_error)
    assert apart.low is apart.high is None
    assert apart.ln_probability_error < 0.2
    chain.sources[::2] = [1, 0]
    together = rate_of_chains([chain], bounds, 1.0)
    assert together.n_arrivals == 200
    assert together.ln_error < 0.2
    assert together.rate == apart.rate


def test_paths_of_the_reservoir_come_into_the_first_ensemble_in_their_order():
    taken, cycles = [], 30

    class Counted(Flat):
        pass

    runner = Counted(8)
    found = place_interfaces(runner, np.asarray(0.0), np.asarray(4.0), RULES, lambda *w: stream(5, *w), done)
    records = []

    def keep(make):
        records.append(make())
        return records[-1]

    rules = replace(RULES, cycles=cycles, burn_in=6, segment_frames=50)
    chain = run_chain(runner, np.asarray(0.0), found, rules, lambda *w: stream(7, *w), keep)
    first = next(i for i, r in enumerate(records) if "outcome" in r and i > 0)
    assert "frames" in records[0] and first < len(records)
    walks = [r for r in records if "frames" in r]
    taken = flux.leaving_paths(walks, found.interfaces[0])
    assert [p.highest for p in taken] == [h for r in walks for h in r["highest"] if h >= found.interfaces[0]]
    for path in taken:
        assert path.positions[0] == 0.0
        assert path.positions[-1] == (0.0 if path.highest < math.inf else 8.0)
        np.testing.assert_array_equal(np.abs(np.diff(path.positions)), 1.0)
    # Every `stride` of them, one in every other cycle, and no segment more than that takes.
    wanted = 1 + (6 + cycles - 1) // 2
    assert (len(taken) - 1) // found.stride + 1 >= wanted
    before = flux.leaving_paths(walks[:-1], found.interfaces[0])
    assert (len(before) - 1) // found.stride + 1 < wanted
    # Those of the burn-in are not counted.
    moves = np.cumsum(["outcome" in r for r in records])
    counted = [r for r, n in zip(records, moves, strict=True) if "frames" in r and n >= 6 * len(found.interfaces)]
    assert chain.flux_counts.sum() == len(flux.leaving_paths(counted, found.interfaces[0])) > 3
    assert chain.flux_frames.sum() == sum(r["frames"] for r in counted)
    assert not chain.flux_frames[1::2].any()


def test_a_longer_chain_begins_with_the_shorter_one():
    """From the records of the shorter one, in which nothing but what is asked for is read."""
    runner = Flat(8)
    found = place_interfaces(runner, np.asarray(0.0), np.asarray(4.0), RULES, lambda *w: stream(5, *w), done)
    records: list = []

    def chain(cycles: int) -> tuple[InterfaceChain, int]:
        known = iter(list(records))
        new = 0

        def keep(make):
            nonlocal new
            if (record := next(known, None)) is None:
                record = make()
                records.append(record)
                new += 1
            return record

        rules = replace(RULES, cycles=cycles, burn_in=4, segment_frames=50)
        return run_chain(runner, np.asarray(0.0), found, rules, lambda *w: stream(7, *w), keep), new

    short, _ = chain(40)
    longer, new = chain(100)
    records.clear()
    whole, total = chain(100)
    assert 0 < new < total
    for name, values in vars(whole).items():
        np.testing.assert_array_equal(getattr(longer, name), values)
        np.testing.assert_array_equal(getattr(short, name), values[:40])


def test_a_chain_goes_on_where_the_reservoir_stays_empty(monkeypatch):
    found = place_interfaces(Flat(8), np.asarray(0.0), np.asarray(4.0), RULES, lambda *w: stream(5, *w), done)

    class Still(Flat):
        def run_frames(self, positions, velocities, frames, rng) -> TrajectorySegment:
            return TrajectorySegment(np.zeros(frames), np.zeros(frames), 0)

    monkeypatch.setattr(chain_module, "_WAIT", 3)
    rules = replace(RULES, cycles=10, burn_in=0)
    chain = run_chain(Still(8), np.asarray(0.0), found, rules, lambda *w: stream(7, *w), done)
    assert chain.flux_counts.sum() == 0
    assert chain.flux_frames.sum() == 5 * 3 * RULES.segment_frames
    with pytest.raises(ValueError, match="no path from the reactant reached the first interface"):
        rate_of_chains([chain], found.interfaces, 1.0)


def test_a_drift_of_the_probability_is_told():
    highest = np.full((400, 1), 1.5)
    highest[:200:4], highest[200::2] = math.inf, math.inf
    counts = np.full(20, 1)
    found = rate_of_chains([chain_of(highest, counts)], [1.0], 1.0)
    assert found.drift == pytest.approx(math.log(2.0))
    assert found.drift > 4.0 * found.ln_probability_error
    highest[:200] = 1.5
    assert rate_of_chains([chain_of(highest, counts)], [1.0], 1.0).drift is None


def test_what_was_never_crossed_is_no_rate():
    highest = np.full((40, 2), 1.5)
    with pytest.raises(ValueError, match="no path crossed from interface 1"):
        rate_of_chains([chain_of(highest, np.full(20, 3))], [1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match="no path from the reactant"):
        rate_of_chains([chain_of(np.full((40, 1), math.inf), np.zeros(20, dtype=int))], [1.0], 1.0)


def test_a_pilot_that_leads_nowhere_says_so():
    def placed(runner):
        place_interfaces(runner, np.asarray(0.0), np.asarray(3.0), RULES, lambda *w: stream(5, *w), done)

    class Still(Flat):
        def run_frames(self, positions, velocities, frames, rng) -> TrajectorySegment:
            return TrajectorySegment(np.zeros(frames), np.zeros(frames), 0)

    with pytest.raises(placing.PlacingError, match="0 paths"):
        placed(Still())

    class Walled(Flat):
        def run_to_state(self, positions, velocities, rng) -> TrajectorySegment:
            return TrajectorySegment(np.array([0.0]), np.zeros(1), REACTANT)

    with pytest.raises(placing.PlacingError, match="none of 100 paths from the top"):
        placed(Walled())


def test_interfaces_are_placed_anew_where_as_many_cross_each():
    """Exponential tails, one per unit: shares of 1/4 stand ln 4 apart, whatever the first guess."""
    rng = np.random.default_rng(1)
    for guess in ([0.0, 0.5, 1.0, 4.0], [0.0, 3.0], list(np.linspace(0.0, 7.0, 30))):
        highest = np.array(guess) + rng.exponential(1.0, (4000, len(guess)))
        # The product is reached beyond 8: one in e^8 paths, which 6 equal shares of no less than 1/4 lead to.
        highest[highest > 8.0] = math.inf
        places = placing.spaced(highest.T, guess, 0.25)
        assert places == pytest.approx(np.arange(6) * 8.0 / 6.0, abs=0.25)
    # Of two sets side by side, in any order, the one has the gap that the other covers.
    apart, few = [0.0, 1.5, 6.5], [0.0, 3.0, 5.0]
    columns = [value + rng.exponential(1.0, n) for values, n in ((apart, 4000), (few, 1000)) for value in values]
    columns = [np.where(h > 8.0, math.inf, h) for h in columns]
    assert placing.spaced(columns, apart + few, 0.25) == pytest.approx(np.arange(6) * 8.0 / 6.0, abs=0.25)
    # Where none comes from one to the next, places stand closer before it.
    short = np.array([0.0, 2.0]) + np.minimum(rng.exponential(0.1, (100, 2)), 1.9)
    assert sum(p < 2.0 for p in placing.spaced(short.T, [0.0, 2.0], 0.25)) > 2
