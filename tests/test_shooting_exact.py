"""Aimless shooting samples the transition-path ensemble: proof on a model where it is known in closed form.

The model (`models.DoubleWell`) is a diatomic molecule in a flat-topped double well. Its transition paths are
indexed by their energy above the barrier, which is exponentially distributed with mean kT, and a path of n
interior frames counts once, however long it is. Averages over a chain count the present path after every
move, refused ones included.

Sampled through the real `Chain`, engine, basins and random streams; only the acceptance rule is exchanged, to
show that wrong rules are seen.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from models import Analytic, DoubleWell, PathAverages

from separatrix.dynamics import Engine
from separatrix.errors import PotentialError, SamplingError
from separatrix.potentials.base import python_potential
from separatrix.seeds import stream
from separatrix.shooting import AimlessSelector, Chain, Move, first_path, interior

MODEL = DoubleWell()
BURN_IN = 100
BLOCKS = 25


class Unnamed:
    """Stands in for a mechanism rule: a diatomic molecule has no dihedral."""

    def classify(self, path):
        return "crossing", len(path) // 2


class NoLengthFactor(AimlessSelector):
    """The label is redrawn, but every path that joins the basins is accepted."""

    def probability_ratio(self, *args, **kwargs):
        return 1.0


class Naive(NoLengthFactor):
    """New label = the frame just shot; the old path and label stay on refusal."""

    def relabel(self, shot_index):
        return shot_index


class NaiveWithLengthFactor(AimlessSelector):
    """The naive label with the length factor."""

    def relabel(self, shot_index):
        return shot_index


class UpsideDown(AimlessSelector):
    """The length factor the wrong way up."""

    def probability_ratio(self, snapshot, old_trajectory, new_trajectory, new_snapshot=None):
        return interior(new_trajectory) / interior(old_trajectory)


def start_chain(seed: int, shift: int, selector: type[AimlessSelector] = AimlessSelector, engine=None) -> Chain:
    engine = engine or MODEL.engine()
    path, label, _ = first_path(engine, MODEL.basins, MODEL.at(0.0), place=(seed, ("first",)))
    chain = Chain(engine, MODEL.basins, Unnamed(), path, label, shift=shift, place=(seed, ("chain",)))
    if selector is not AimlessSelector:
        chain.selector = chain.mover.selector = selector(shift)
        chain.selector.label = label
    return chain


def bond_and_energy(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and the energy above the barrier in kT, at each frame of a path."""
    apart = path[0][:, 1] - path[0][:, 0]
    r = np.linalg.norm(apart, axis=1)
    speed = ((path[1][:, 1] - path[1][:, 0]) * apart).sum(axis=1) / r
    x = (r - MODEL.centre) / MODEL.width
    return x, MODEL.shape(x) - MODEL.top + 0.5 * MODEL.reduced_mass * speed**2 / MODEL.kt


def sample(chain: Chain, moves: int) -> tuple[np.ndarray, list[Move]]:
    """A row per move: n, n^2, sum of x^2 inside, energy, mean x^2 of the path, x^2 at the label."""
    rows, made = [], []
    present = None
    for index in range(moves):
        move = chain.move(index)
        made.append(move)
        if move.accepted:
            x, energy = bond_and_energy(move.path)
            inner = x[1:-1]
            present = (
                len(inner),
                len(inner) ** 2,
                (inner**2).sum(),
                energy[1:-1].mean(),
                (inner**2).mean(),
                x**2,
            )
        if present is not None and index >= BURN_IN:
            rows.append((*present[:-1], present[-1][chain.selector.label]))
    return np.array(rows), made


ESTIMATES = {
    "frames": lambda mean: mean[0],
    "frames2": lambda mean: mean[1],
    "pooled": lambda mean: mean[2] / mean[0],
    "excess": lambda mean: mean[3],
    "within": lambda mean: mean[4],
    "label": lambda mean: mean[5],
}


def deviations(rows: np.ndarray, exact: dict[str, float]) -> dict[str, float]:
    """Each estimate's distance from its exact value, in standard errors of a block jackknife."""
    blocks = np.array([block.mean(axis=0) for block in np.array_split(rows, BLOCKS)])
    rest = (blocks.sum(axis=0) - blocks) / (BLOCKS - 1)
    result = {}
    for name, value in exact.items():
        without = np.array([ESTIMATES[name](mean) for mean in rest])
        error = np.sqrt((BLOCKS - 1) * without.var())
        result[name] = (ESTIMATES[name](blocks.mean(axis=0)) - value) / error
        print(f"{name:8s} {ESTIMATES[name](blocks.mean(axis=0)):9.4f} +- {error:.4f}, exact {value:.4f}")
    return result


def right(exact: PathAverages) -> dict[str, float]:
    """One path, one count; the label anywhere on it."""
    return {
        "frames": exact.frames,
        "frames2": exact.frames2,
        "pooled": exact.pooled,
        "excess": exact.excess,
        "within": exact.within,
        "label": exact.within,
    }


def length_biased(exact: PathAverages) -> dict[str, float]:
    """A path counts as often as it has interior frames; its label is then drawn from the pooled points."""
    return {
        "frames": exact.biased_frames,
        "pooled": exact.biased_pooled,
        "excess": exact.biased_excess,
        "within": exact.pooled,
        "label": exact.pooled,
    }


@pytest.fixture(scope="module")
def exact() -> PathAverages:
    return MODEL.exact()


# The model itself -------------------------------------------------------------------------------------------


def test_quadrature(exact):
    """Against a case with an exact answer: a flat top, where tau = length sqrt(mu / (2 excess))."""
    flat = DoubleWell(height=0.0, tilt=0.0)
    length = flat.width * (flat.right - flat.left)
    expected = length * np.sqrt(flat.reduced_mass / (2.0 * 1.7 * flat.kt))
    assert flat.times(np.array([1.7]))[0] == pytest.approx(expected, rel=1e-9)
    assert exact.excess == pytest.approx(1.0, abs=1e-6)
    assert all(np.isfinite(getattr(exact, f.name)) for f in fields(exact))
    # The ensembles to be told apart are far apart.
    assert exact.biased_frames > 1.3 * exact.frames
    assert exact.biased_excess < 0.7 * exact.excess


def test_dynamics_of_the_model_is_one_dimensional():
    """Passage times from the engine, at given energies, against quadrature."""
    model = DoubleWell(time_step=0.25)
    engine = model.engine()
    for excess in (0.02, 0.3, 2.0):
        x, v = model.at(model.left), np.zeros((2, 3))
        speed = np.sqrt(2.0 * model.kt * (model.top + excess - model.shape(model.left)) / model.reduced_mass)
        v[1, 2] = speed * model.mass_1 / (model.mass_1 + model.mass_2)
        v[0, 2] = v[1, 2] - speed
        engine.current_snapshot = engine.snapshot(x, v)
        frames = 0
        while not model.basins[1].contains(engine.current_snapshot.coordinates._value):
            engine.generate_next_frame()
            frames += 1
        duration = model.times(np.array([excess]))[0] / model.frame
        assert frames - 1 <= duration * 1.005
        assert duration * 0.995 <= frames


# Detailed balance -------------------------------------------------------------------------------------------


def test_chain_samples_the_transition_paths(exact):
    rows, moves = sample(start_chain(101, shift=6), 1500)
    found = deviations(rows, right(exact))
    assert max(abs(z) for z in found.values()) < 4.0
    # Wrong ensembles of the same model are many errors away, so the agreement says something.
    assert deviations(rows, length_biased(exact))["frames"] < -5.0
    outcomes = {move.outcome for move in moves}
    assert outcomes == {"accepted", "same basin", "path length", "off path", "label off path"}


def test_without_the_length_factor_the_ensemble_is_length_biased(exact):
    rows, _ = sample(start_chain(102, shift=6, selector=NoLengthFactor), 1500)
    assert max(abs(z) for z in deviations(rows, length_biased(exact)).values()) < 4.0
    found = deviations(rows, right(exact))
    assert found["frames"] > 5.0
    assert found["pooled"] < -5.0
    assert found["excess"] < -3.0


@pytest.mark.slow
@pytest.mark.parametrize("shift", [3, 5])
def test_chain_samples_the_transition_paths_whatever_the_shift(exact, shift):
    rows, _ = sample(start_chain(200 + shift, shift=shift), 6000)
    assert max(abs(z) for z in deviations(rows, right(exact)).values()) < 4.0
    assert abs(rows[:, 0].mean() / exact.frames - 1.0) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("selector", [Naive, NaiveWithLengthFactor])
def test_a_label_that_is_not_redrawn_breaks_detailed_balance(exact, selector):
    """The label gathers at the barrier top; with it go the paths, if less.

    In runs of 16000 moves the naive label with the length factor gave 15.7 frames where 17.75 is exact.
    """
    rows, _ = sample(start_chain(103, shift=6, selector=selector), 3000)
    found = deviations(rows, right(exact))
    assert found["label"] < -10.0
    if selector is Naive:
        assert found["frames"] > 5.0
        assert found["pooled"] < -5.0
        # Nor is it the length-biased ensemble.
        assert deviations(rows, length_biased(exact))["label"] < -10.0


@pytest.mark.slow
def test_the_length_factor_upside_down_is_detected(exact):
    rows, _ = sample(start_chain(103, shift=6, selector=UpsideDown), 2000)
    found = deviations(rows, right(exact))
    assert found["frames"] > 5.0
    assert found["pooled"] < -5.0


# The pieces of the rule -------------------------------------------------------------------------------------


def test_candidates_and_labels_are_uniform():
    selector = AimlessSelector(3)
    selector._rng = stream(1, "candidates")
    selector.label = 20
    for draw in (lambda: selector.pick([]), lambda: selector.relabel(20)):
        values, counts = np.unique([draw() for _ in range(3000)], return_counts=True)
        assert values.tolist() == [17, 20, 23]
        assert np.abs(counts - 1000).max() < 4.0 * np.sqrt(3000 * 2 / 9)


def test_moves_keep_their_books():
    """Recorded outcome, label, lengths and path of every move follow from one another."""
    chain = start_chain(104, shift=5)
    n, label = chain.n_frames, chain.selector.label
    for index in range(300):
        steps, path = chain.engine.steps, chain._samples[0].trajectory
        move = chain.move(index)
        assert move.old_frames == n
        assert move.index == index
        assert move.steps == chain.engine.steps - steps
        if not move.is_shot:
            # Nothing is run exactly where the candidate is not an interior frame.
            assert move.steps == 0 and move.path is None and move.positions is None
            assert label <= 5 or label >= n - 6
        else:
            trial = move.forward_frames + move.backward_frames - 1
            assert move.steps == (trial - 1) * MODEL.steps_per_frame
            shot = move.positions
            # It was shot from a frame of the old path, label + k shift.
            k = [f for f in (-1, 0, 1) if 1 <= label + 5 * f <= n - 2]
            assert any(np.array_equal(shot, path[label + 5 * f].coordinates._value) for f in k)
            assert (move.outcome == "same basin") == (move.forward == move.backward)
            if move.outcome == "path length":
                assert trial > n  # a shorter path is never refused for its length
        if move.accepted:
            assert move.path.shape == (2, trial, 2, 3)
            at = move.backward_frames - 1
            assert np.array_equal(move.path[0, at], shot)
            assert np.array_equal(move.path[1, at], move.velocities)
            assert move.label in (at - 5, at, at + 5)
            assert 1 <= move.label <= trial - 2
            inside = [[basin.contains(x) for basin in MODEL.basins] for x in move.path[0]]
            assert [any(row) for row in inside] == [True, *[False] * (trial - 2), True]
            assert inside[0] != inside[-1]
            # Time runs forward in the recorded path: x changes with the velocity at the same frame.
            x, _ = bond_and_energy(move.path)
            apart = move.path[0][:, 1] - move.path[0][:, 0]
            speed = ((move.path[1][:, 1] - move.path[1][:, 0]) * apart).sum(axis=1) / np.linalg.norm(apart, axis=1)
            assert np.sign(x[-1] - x[0]) == np.sign(speed[at])
            assert np.allclose(
                np.diff(x) * MODEL.width, 0.5 * (speed[1:] + speed[:-1]) * MODEL.frame, rtol=0.05, atol=1e-3
            )
            n, label = trial, move.label
        assert chain.n_frames == n
        assert chain.selector.label == move.label == label


def test_length_factor_is_the_acceptance_probability():
    """Among trials that join the basins with a good label, a share min(1, n_old / n_new) is accepted."""
    chain = start_chain(105, shift=6)
    expected = variance = accepted = 0.0
    for index in range(1000):
        move = chain.move(index)
        if move.outcome not in ("accepted", "path length"):
            continue
        p = min(1.0, (move.old_frames - 2) / (move.forward_frames + move.backward_frames - 3))
        expected, variance, accepted = expected + p, variance + p * (1.0 - p), accepted + move.accepted
    assert variance > 20.0
    assert abs(accepted - expected) < 4.0 * np.sqrt(variance)


# Reproducibility --------------------------------------------------------------------------------------------


def same(one: Move, other: Move) -> bool:
    def equal(a, b):
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            return a is not None and b is not None and np.array_equal(a, b)
        return a == b

    return all(equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Move))


def test_the_same_place_makes_the_same_moves_and_another_does_not():
    first, second = start_chain(106, shift=4), start_chain(106, shift=4)
    moves = [first.move(i) for i in range(60)]
    assert all(same(move, second.move(i)) for i, move in enumerate(moves))
    path, label, _ = first_path(first.engine, MODEL.basins, MODEL.at(0.0), place=(106, ("first",)))
    for place in ((106, ("other chain",)), (107, ("chain",))):
        other = Chain(first.engine, MODEL.basins, Unnamed(), path, label, shift=4, place=place)
        assert not all(same(move, other.move(i)) for i, move in enumerate(moves[:10]))


@pytest.mark.parametrize("kill_after", [1, 17, 40])
def test_a_killed_chain_continues_to_the_same_numbers(kill_after):
    """A fresh chain that takes over the recorded moves goes on exactly as the first one did."""
    whole = start_chain(106, shift=4)
    moves = [whole.move(i) for i in range(60)]
    resumed = start_chain(106, shift=4)
    for move in moves[:kill_after]:
        resumed.replay(move)
    assert [same(moves[i], resumed.move(i)) for i in range(kill_after, 60)] == [True] * (60 - kill_after)


def test_first_path_joins_the_basins_and_counts_attempts():
    engine = MODEL.engine()
    path, label, attempts = first_path(engine, MODEL.basins, MODEL.at(0.3), place=(9, ("first",)))
    assert attempts >= 1
    assert np.array_equal(path[0, label], MODEL.at(0.3))
    inside = [[basin.contains(x) for basin in MODEL.basins] for x in path[0]]
    assert [any(row) for row in inside] == [True, *[False] * (len(inside) - 2), True]
    assert inside[0] != inside[-1]
    again = first_path(engine, MODEL.basins, MODEL.at(0.3), place=(9, ("first",)))
    assert np.array_equal(path, again[0])
    assert again[1:] == (label, attempts)


def test_first_path_says_what_happened_instead():
    """Far down the slope every shot slides back."""
    with pytest.raises(SamplingError, match=r"no reactive path in 5 shots from the saddle \(5 x A/A\)"):
        first_path(MODEL.engine(), MODEL.basins, MODEL.at(-0.8), place=(1, ("low",)), attempts=5)


def test_a_chain_refuses_a_bad_start():
    engine = MODEL.engine()
    path, label, _ = first_path(engine, MODEL.basins, MODEL.at(0.0), place=(3, ("first",)))

    def build(path, label):
        return Chain(engine, MODEL.basins, Unnamed(), path, label, shift=2, place=(0, ()))

    build(path, label)
    for bad in (path[:, 1:], path[:, :-1], np.concatenate([path, path[:, ::-1]], axis=1)):
        with pytest.raises(SamplingError, match="does not lead from one basin to another"):
            build(bad, 1)
    for bad in (0, path.shape[1] - 1, -1):
        with pytest.raises(SamplingError, match="not an interior frame"):
            build(path, bad)


def test_halves_without_an_end_are_their_own_outcome():
    """With halves too short to get anywhere, nothing is accepted, and each half says so."""
    path, label, _ = first_path(MODEL.engine(), MODEL.basins, MODEL.at(0.0), place=(4, ("first",)))
    chain = Chain(MODEL.engine(longest_half=12.0), MODEL.basins, Unnamed(), path, label, shift=1, place=(4, ("short",)))
    chain.selector.label = path.shape[1] // 2
    moves = [chain.move(i) for i in range(20)]
    assert {m.outcome for m in moves} == {"no basin"}
    assert {m.forward for m in moves} == {m.backward for m in moves} == {"none"}
    assert {m.forward_frames for m in moves} == {4}
    assert chain.n_frames == path.shape[1]


@pytest.mark.parametrize("seed", [5, 6])
def test_a_failed_half_is_never_accepted(seed):
    """The engine gives up on the far side of the barrier: A and a failure are not a path from A to B."""
    model = DoubleWell()

    def give_up(calls, energy, gradient):
        if broken and energy < model.kt * model.shape(0.7) and gradient[1, 2] < 0.0:
            raise PotentialError("the field did not converge")
        return energy, gradient

    broken = False
    potential = python_potential(model.molecule, Analytic(model, give_up), "double well")
    engine = Engine(model.molecule, potential, model.settings())
    chain = start_chain(seed, shift=4, engine=engine)
    kept = chain.n_frames
    broken = True
    moves = [move for move in (chain.move(i) for i in range(40)) if move.is_shot]
    outcomes = {move.outcome for move in moves}
    assert outcomes == {"failed", "same basin"}
    failed = [move for move in moves if move.outcome == "failed"]
    assert any({move.forward, move.backward} == {"A", "failed"} for move in failed)
    assert all("did not converge" in move.reason and move.path is None for move in failed)
    # A failure is not carried over to moves that had none.
    assert all(move.reason == "" for move in moves if move.outcome == "same basin")
    assert chain.n_frames == kept
