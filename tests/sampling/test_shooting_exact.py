"""Shooting samples the transition-path ensemble, by every rule: proof on models where it is known by other means.

At constant energy the model (`models.DoubleWell`) is a diatomic molecule in a flat-topped double well. Its
transition paths are indexed by their energy above the barrier, which is exponentially distributed with mean kT, and
a path of n interior frames counts once, however long it is. With friction the models (`models.Bath`) are one or two
coordinates, and the reference is the committor or free dynamics. Averages over a chain count the present path
after every move, refused ones included.

Sampled through the real `Chain`, engine, basins and random streams; only the acceptance rule is exchanged, to
show that wrong rules are seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

import numpy as np
import pytest
from models import (
    BATH_1D,
    BATH_2D,
    Analytic,
    Bath,
    DoubleWell,
    NoLengthFactor,
    PathAverages,
    Unnamed,
    committor,
    diffusion_generator,
)
from scipy import linalg

from separatrix.core.errors import PotentialError, SamplingError
from separatrix.core.seeds import stream
from separatrix.dynamics.md_engine import MDEngine
from separatrix.potentials.potential import python_potential
from separatrix.results.moves import Move
from separatrix.sampling.shooting import (
    RULES,
    AimlessSelector,
    Chain,
    TwoPointSelector,
    UniformSelector,
    first_path,
    interior,
)

MODEL = DoubleWell()
BURN_IN = 100
BLOCKS = 25


class TwoPointNoLengthFactor(NoLengthFactor, TwoPointSelector):
    """The same for the two-point rule."""


class UniformNoLengthFactor(NoLengthFactor, UniformSelector):
    """Any interior frame, every path that joins the basins accepted."""


class WrongOffset(TwoPointSelector):
    """Candidates of the two-point rule, new labels of the three-point rule."""

    def relabel(self, shot_index):
        return shot_index - self.shift * int(self._rng.integers(-1, 2))


class WrongSign(TwoPointSelector):
    """The new label lies on the other side of the shot frame, from where the two-point rule cannot go back."""

    def relabel(self, shot_index):
        return shot_index + self._step()


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


def start_chain(seed: int, shift: int, rule: str | type[AimlessSelector] = "three-point", engine=None) -> Chain:
    """A chain of the diatomic molecule; a rule that is not the library's own is put in its place."""
    engine = engine or MODEL.engine()
    path, label, _ = first_path(engine, MODEL.basins, MODEL.at(0.0), place=(seed, ("first",)))
    return chain_by(rule, engine, MODEL.basins, path, label, shift, (seed, ("chain",)))


def chain_by(rule: str | type[AimlessSelector], engine, basins, path, label, shift, place) -> Chain:
    """A chain of any model by any rule."""
    own = rule if isinstance(rule, str) else "three-point"
    chain = Chain(engine, basins, Unnamed(), path, label, shift=shift, place=place, rule=own)
    if not isinstance(rule, str):
        chain.selector = chain.mover.selector = rule(shift)
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
    """A row per move: n, n^2, sum of x^2 inside, energy, mean x^2 of the path; at the label x^2, and its place."""
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
            label = chain.selector.label
            rows.append((*present[:-1], present[-1][label], (label - 0.5) / present[0]))
    return np.array(rows), made


ESTIMATES = {
    "frames": lambda mean: mean[0],
    "frames2": lambda mean: mean[1],
    "pooled": lambda mean: mean[2] / mean[0],
    "excess": lambda mean: mean[3],
    "within": lambda mean: mean[4],
    "label": lambda mean: mean[5],
    "place": lambda mean: mean[6],
}


def jackknife(rows: np.ndarray, estimate: Callable) -> tuple[float, float]:
    """An estimate from the mean of the rows, and its standard error over blocks."""
    blocks = np.array([block.mean(axis=0) for block in np.array_split(rows, BLOCKS)])
    rest = (blocks.sum(axis=0) - blocks) / (BLOCKS - 1)
    without = np.array([estimate(mean) for mean in rest])
    return estimate(rows.mean(axis=0)), np.sqrt((BLOCKS - 1) * without.var())


def deviations(rows: np.ndarray, exact: Mapping[str, float | tuple[float, float]], estimates=ESTIMATES) -> dict:
    """Each estimate's distance from its exact value, which may have an error of its own, in standard errors."""
    result = {}
    for name, value in exact.items():
        value, uncertain = value if isinstance(value, tuple) else (value, 0.0)
        found, error = jackknife(rows, estimates[name])
        result[name] = (found - value) / np.hypot(error, uncertain)
        print(f"{name:8s} {found:9.4f} +- {error:.4f}, exact {value:.4f} +- {uncertain:.4f}: {result[name]:.1f}")
    return result


def right(exact: PathAverages) -> dict[str, float]:
    """One path, one count; the label anywhere on it, as it is where the rule redraws it."""
    return {
        "frames": exact.frames,
        "frames2": exact.frames2,
        "pooled": exact.pooled,
        "excess": exact.excess,
        "within": exact.within,
        "label": exact.within,
        "place": 0.5,
    }


def length_biased(exact: PathAverages) -> dict[str, float]:
    """A path counts as often as it has interior frames; its label is then drawn from the pooled points."""
    return {
        "frames": exact.biased_frames,
        "pooled": exact.biased_pooled,
        "excess": exact.biased_excess,
        "within": exact.pooled,
        "label": exact.pooled,
        "place": 0.5,
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
    rows, _ = sample(start_chain(102, shift=6, rule=NoLengthFactor), 1500)
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
    rows, _ = sample(start_chain(103, shift=6, rule=selector), 3000)
    found = deviations(rows, right(exact))
    assert found["label"] < -10.0
    if selector is Naive:
        assert found["frames"] > 5.0
        assert found["pooled"] < -5.0
        # Nor is it the length-biased ensemble.
        assert deviations(rows, length_biased(exact))["label"] < -10.0


@pytest.mark.slow
def test_the_length_factor_upside_down_is_detected(exact):
    rows, _ = sample(start_chain(103, shift=6, rule=UpsideDown), 2000)
    found = deviations(rows, right(exact))
    assert found["frames"] > 5.0
    assert found["pooled"] < -5.0


@pytest.mark.parametrize(("rule", "shift", "seed"), [("two-point", 6, 301), ("uniform", 1, 302)])
def test_other_rules_sample_the_transition_paths(exact, rule, shift, seed):
    assert_right(exact, rule, sample(start_chain(seed, shift, rule), 1500)[0])


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "shift", "seed"), [("two-point", 8, 311), ("uniform", 1, 312)])
def test_other_rules_sample_the_transition_paths_closely(exact, rule, shift, seed):
    rows, _ = sample(start_chain(seed, shift, rule), 5000)
    assert_right(exact, rule, rows)
    assert abs(rows[:, 0].mean() / exact.frames - 1.0) < 0.06


def assert_right(exact: PathAverages, rule: str, rows: np.ndarray) -> None:
    """The rows agree with the ensemble, and not with the length-biased one."""
    expected = right(exact)
    if rule == "uniform":
        # It has no label: what is kept there is the frame of the last accepted shot.
        del expected["label"], expected["place"]
    assert max(abs(z) for z in deviations(rows, expected).values()) < 4.0
    assert deviations(rows, length_biased(exact))["frames"] < -5.0


@pytest.mark.parametrize(
    ("rule", "shift"),
    [(TwoPointNoLengthFactor, 6), pytest.param(UniformNoLengthFactor, 1, marks=pytest.mark.slow)],
)
def test_other_rules_without_the_length_factor_are_length_biased(exact, rule, shift):
    rows, _ = sample(start_chain(303, shift, rule), 2000)
    expected = length_biased(exact)
    if rule is UniformNoLengthFactor:
        del expected["label"], expected["place"]
    assert max(abs(z) for z in deviations(rows, expected).values()) < 4.0
    found = deviations(rows, right(exact))
    assert found["frames"] > 4.0
    assert found["pooled"] < -5.0
    assert found["excess"] < -5.0


@pytest.mark.parametrize("rule", [WrongOffset, WrongSign])
def test_a_label_that_the_rule_cannot_lead_back_from_is_detected(exact, rule):
    """Labels drift to the end of the path, which the two-point rule's own do not."""
    rows, _ = sample(start_chain(304, 6, rule), 2000)
    found = deviations(rows, right(exact))
    assert found["place"] > 5.0
    assert found["label"] > 4.0


# The pieces of the rule -------------------------------------------------------------------------------------


def test_candidates_and_labels_are_uniform():
    selector = AimlessSelector(3)
    selector._rng = stream(1, "candidates")
    selector.label = 20
    for draw in (lambda: selector.pick([]), lambda: selector.relabel(20)):
        values, counts = np.unique([draw() for _ in range(3000)], return_counts=True)
        assert values.tolist() == [17, 20, 23]
        assert np.abs(counts - 1000).max() < 4.0 * np.sqrt(3000 * 2 / 9)


@pytest.mark.parametrize("rule", RULES)
def test_moves_keep_their_books(rule):
    """Recorded outcome, label, lengths and path of every move follow from one another."""
    chain = start_chain(104, shift=5, rule=rule)
    steps_of = {"three-point": (-5, 0, 5), "two-point": (0, 5), "uniform": (0,)}[rule]
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
            assert not all(1 <= label + step <= n - 2 for step in steps_of)
        else:
            trial = move.forward_frames + move.backward_frames - 1
            assert move.steps == (trial - 1) * MODEL.steps_per_frame
            shot = move.positions
            # It was shot from an interior frame of the old path, label + k shift where there is a label.
            candidates = range(n) if rule == "uniform" else [label + step for step in steps_of]
            inner = [f for f in candidates if 1 <= f <= n - 2]
            assert any(np.array_equal(shot, path[f].coordinates._value) for f in inner)
            assert (move.outcome == "same basin") == (move.forward == move.backward)
            if move.outcome == "path length":
                assert trial > n  # a shorter path is never refused for its length
        if move.accepted:
            assert move.path.shape == (2, trial, 2, 3)
            at = move.backward_frames - 1
            assert np.array_equal(move.path[0, at], shot)
            assert np.array_equal(move.path[1, at], move.velocities)
            assert at - move.label in steps_of
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


def test_steps_of_each_rule():
    """Where candidates and new labels may lie, each as often as another; and none of a path's frames is left out."""
    path = range(12)
    for rule, steps in (("three-point", (-3, 0, 3)), ("two-point", (0, 3))):
        selector = RULES[rule](3)
        selector._rng, selector.label = stream(1, rule), 20
        for sign, draw in ((1, selector.pick), (-1, lambda _, s=selector: s.relabel(20))):
            values, counts = np.unique([draw(path) for _ in range(3000)], return_counts=True)
            assert values.tolist() == sorted(20 + sign * step for step in steps)
            assert np.abs(counts * len(steps) / 3000 - 1.0).max() < 0.1
    selector = RULES["uniform"](3)
    selector._rng, selector.label = stream(1, "uniform"), 20
    values, counts = np.unique([selector.pick(path) for _ in range(5000)], return_counts=True)
    assert values.tolist() == list(range(1, 11))
    assert np.abs(counts / 500 - 1.0).max() < 0.2
    assert selector.relabel(7) == 7


@pytest.mark.parametrize("rule", RULES)
def test_length_factor_counts_interior_frames(rule):
    """10 of a path of 12 frames, 5 of one of 7."""
    selector = RULES[rule](1)
    assert selector.probability_ratio(None, range(12), range(7)) == 2.0
    assert selector.probability_ratio(None, range(7), range(12)) == 0.5


# In a bath --------------------------------------------------------------------------------------------------


def mean_of(column: int, over: int = 1) -> Callable:
    return lambda mean: mean[column] / mean[over]


#: from rows of `Bath.free_paths` and `sample_bath`: 1, n, sums over the n interior frames; and the path's mean x^2
IN_BATH = {
    "frames": mean_of(1, 0),
    "x": mean_of(2),
    "x2": mean_of(3),
    "y2": mean_of(4),
    "(x-y)2": mean_of(5),
    "within": mean_of(-1, 0),
}
FRAMES_1D, FRAMES_2D = ("x", "x2"), ("x", "x2", "y2", "(x-y)2")


def named(values: np.ndarray) -> dict[str, float]:
    return dict(zip(FRAMES_2D, map(float, values), strict=False))


def with_path_means(rows: np.ndarray) -> np.ndarray:
    return np.column_stack([rows, rows[:, 3] / rows[:, 1]])


def reference(model: Bath, walkers: int, frames: int) -> tuple[dict, dict]:
    """Averages over free paths with their errors: as they are, and with each path counted once per interior frame."""
    rows = with_path_means(model.free_paths(walkers, frames, seed=11))
    names = ("frames", "within", *(FRAMES_1D if model.dimension == 1 else FRAMES_2D))
    return tuple({name: jackknife(r, IN_BATH[name]) for name in names} for r in (rows, rows * rows[:, 1:2]))


def sample_bath(model: Bath, rule: str | type[AimlessSelector], seed: int, moves: int, shift: int = 4) -> np.ndarray:
    """A row per move, of the present path."""
    engine = model.engine()
    start = model.at(*[0.0] * model.dimension)
    path, label, _ = first_path(engine, model.basins, start, place=(seed, ("first",)))
    chain = chain_by(rule, engine, model.basins, path, label, shift, (seed, ("chain",)))
    rows = []
    for index in range(moves):
        move = chain.move(index)
        if index == 0 or move.accepted:
            inner = model.coordinates((move.path if move.accepted else path)[0, 1:-1])
            row = (1.0, inner.shape[1], *model.functions(inner).sum(axis=1))
        rows.append(row)
    return with_path_means(np.array(rows[BURN_IN:]))


@pytest.mark.parametrize("model", [BATH_1D, BATH_2D])
def test_model_in_a_bath_is_the_surface_it_says(model):
    potential = model.potential()
    for q in np.random.default_rng(1).normal(0.0, 1.0, (5, model.dimension)):
        energy, gradient = potential.energy_and_gradient(model.at(*q))
        assert model.energy(q * model.a) == pytest.approx(energy, rel=1e-10)
        np.testing.assert_allclose(model.force(q * model.a), -np.diag(gradient), rtol=1e-9, atol=1e-6)
        np.testing.assert_array_equal(model.coordinates(model.at(*q)[None]), q[:, None] * model.a)


def test_committor_by_finite_differences():
    """Watched all the time, against the quadrature of exp(V / kT); watched at frames, against exp(L frame) itself."""
    (x,), (step,) = BATH_1D.grid(0.01)
    energy, where = BATH_1D.energy(x[None]) / BATH_1D.kt, BATH_1D.where(x[None])
    p = committor(diffusion_generator(energy, [step], BATH_1D.diffusion), where)
    fine = np.linspace(x[where == -1].max(), x[where == 1].min(), 20001)
    rise = np.cumsum(np.exp(BATH_1D.energy(fine[None]) / BATH_1D.kt))
    np.testing.assert_allclose(p[where == 0], np.interp(x, fine, rise / rise[-1])[where == 0], atol=2e-4)

    (x,), (step,) = BATH_1D.grid()
    energy, where = BATH_1D.energy(x[None]) / BATH_1D.kt, BATH_1D.where(x[None])
    generator = diffusion_generator(energy, [step], BATH_1D.diffusion)
    p = committor(generator, where, BATH_1D.frame)
    after = linalg.expm(generator.toarray() * BATH_1D.frame) @ p
    np.testing.assert_allclose(p[where == 0], after[where == 0], atol=1e-6)
    assert np.abs(p - committor(generator, where)).max() > 0.01
    # In equilibrium nothing flows.
    np.testing.assert_allclose(np.exp(-energy) @ generator, 0.0, atol=1e-8 * abs(generator).max())


def test_both_coordinates_of_the_bath_matter():
    """The committor of x alone puts the frames elsewhere, by more than the chains below could overlook."""
    model = BATH_2D
    q, steps = model.grid()
    density = np.exp(-model.energy(q) / model.kt)
    along, where = -np.log(density.sum(axis=1)), model.where(q[:, :, 0])
    p = committor(diffusion_generator(along, steps[:1], model.diffusion[:1]), where, model.frame)
    weight = density * (p * (1.0 - p) * (where == 0))[:, None]
    of_x = (model.functions(q) * weight).sum(axis=(1, 2)) / weight.sum()
    exact = model.overdamped()
    assert of_x[2] > 1.4 * exact[2]
    assert of_x[3] < 0.8 * exact[3]


@pytest.mark.slow
@pytest.mark.parametrize("model", [BATH_1D, BATH_2D])
def test_frames_on_free_paths_follow_the_committor(model):
    """rho p (1 - p), at this friction and at twice this friction with steps half as long."""
    for friction in (1, 2):
        stiffer = replace(
            model,
            friction=model.friction * friction,
            time_step=model.time_step / friction,
            steps_per_frame=model.steps_per_frame * friction**2,
        )
        found, _ = reference(stiffer, 2000, 1000)
        exact = named(stiffer.overdamped())
        assert max(abs(found[name][0] - exact[name]) / found[name][1] for name in exact) < 4.0
        assert found["x2"][0] == pytest.approx(exact["x2"], rel=0.02)


@pytest.mark.parametrize(("model", "rule"), [(BATH_1D, "three-point"), (BATH_2D, "uniform")])
def test_path_frames_in_a_bath_follow_the_committor(model, rule):
    rows = sample_bath(model, rule, 401, 1200)
    assert max(abs(z) for z in deviations(rows, named(model.overdamped()), IN_BATH).values()) < 4.0


@pytest.fixture(scope="module")
def free() -> Callable:
    """References from free dynamics, each made once."""
    known = {}

    def get(model: Bath) -> tuple[dict, dict]:
        if model not in known:
            known[model] = reference(model, 2000, 2000)
        return known[model]

    return get


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["three-point", "two-point", "uniform"])
@pytest.mark.parametrize("model", [BATH_1D, BATH_2D])
def test_path_frames_in_a_bath_closely(free, model, rule):
    """Against the committor, and with path lengths against free dynamics of the same steps and frames."""
    rows = sample_bath(model, rule, 402, 3000)
    assert max(abs(z) for z in deviations(rows, named(model.overdamped()), IN_BATH).values()) < 4.0
    real, biased = free(model)
    assert max(abs(z) for z in deviations(rows, real, IN_BATH).values()) < 4.0
    assert deviations(rows, biased, IN_BATH)["frames"] < -4.0


@pytest.mark.slow
@pytest.mark.parametrize("rule", [NoLengthFactor, UniformNoLengthFactor])
def test_without_the_length_factor_paths_in_a_bath_are_length_biased(free, rule):
    rows = sample_bath(BATH_2D, rule, 403, 3000)
    real, biased = free(BATH_2D)
    assert max(abs(z) for z in deviations(rows, biased, IN_BATH).values()) < 4.0
    # The frames of the paths tell less: <x^2> over them falls by 5 % only.
    assert deviations(rows, real, IN_BATH)["frames"] > 5.0


@pytest.mark.slow
def test_paths_at_low_friction(free):
    """Where velocities last as long as a passage, and what a half was given at its start matters."""
    model = replace(BATH_1D, friction=20.0, time_step=1.0, steps_per_frame=4)
    rows = sample_bath(model, "three-point", 404, 3000)
    assert max(abs(z) for z in deviations(rows, free(model)[0], IN_BATH).values()) < 4.0


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


@pytest.mark.parametrize("rule", RULES)
def test_a_killed_chain_in_a_bath_continues_to_the_same_numbers(rule):
    """Noise included: a move's numbers depend on the present path, the label and the move's place alone."""

    def begin():
        engine = BATH_1D.engine()
        path, label, _ = first_path(engine, BATH_1D.basins, BATH_1D.at(0.0), place=(107, ("first",)))
        return chain_by(rule, engine, BATH_1D.basins, path, label, 3, (107, ("chain",)))

    whole, resumed = begin(), begin()
    moves = [whole.move(i) for i in range(80)]
    assert any(move.accepted for move in moves[:40]) and any(move.accepted for move in moves[40:])
    for move in moves[:40]:
        resumed.replay(move)
    assert all(same(moves[i], resumed.move(i)) for i in range(40, 80))


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
    engine = MDEngine(model.molecule, potential, model.settings())
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
