"""Rounds of a chain: burn-in, weights, the running record, stopping; and memory that does not grow."""

from __future__ import annotations

import gc
import itertools
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import DoubleWell

from separatrix.core.errors import SamplingError, Stopped
from separatrix.core.journal import Journal
from separatrix.results.moves import Move
from separatrix.sampling.rounds import Round, ShiftTuner, add_costs, cost, present, run_round, stoppable
from separatrix.sampling.shooting import Chain, first_path

MODEL = DoubleWell()


class Unnamed:
    """Stands in for a mechanism rule: a diatomic molecule has no dihedral."""

    def classify(self, path):
        return "crossing", len(path) // 2


def chain(seed: int = 1, shift: int = 4) -> Chain:
    engine = MODEL.engine()
    path, label, _ = first_path(engine, MODEL.basins, MODEL.at(0.0), place=(seed, ("first",)))
    return Chain(engine, MODEL.basins, Unnamed(), path, label, shift=shift, place=(seed, ("chain",)))


def task(**changes) -> Round:
    given_ = {"number": 1, "first_move": 0, "burn_in": 5, "shots": 15, "frame": 4.0, "failures_in_a_row": 10}
    return Round(**(given_ | changes))


# Tuning of the shift ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("target", "exact"), [(0.3, 24.1), (0.5, 13.9), (0.7, 7.1)])
def test_tuner_finds_the_shift_of_a_known_acceptance(target: float, exact: float):
    """Acceptance exp(-s / 20): the shift that gives the target is -20 ln(target)."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        tuner = ShiftTuner(3, target, 500)
        shift = 3
        for _ in range(400):
            shift = tuner.update(bool(rng.random() < np.exp(-shift / 20)))
        found.append(tuner.tuned_shift)
    assert np.exp(np.mean(np.log(found))) == pytest.approx(exact, rel=0.12)
    # The mean over the second half varies less than a single last value would.
    assert np.std(np.log(found)) < 0.35


def test_tuner_stays_in_its_bounds():
    always, never = ShiftTuner(5, 0.4, 30), ShiftTuner(5, 0.4, 30)
    assert [always.update(True) for _ in range(200)][-1] == 30 == always.tuned_shift
    assert [never.update(False) for _ in range(200)][-1] == 1 == never.tuned_shift


# Weights ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
@settings(max_examples=200)
def test_weights_are_those_of_counting_move_by_move(history: list[tuple[bool, bool]]):
    """Against the plain loop: after each move outside the burn-in, one for the path that is present."""
    burn_in = sorted((b for _, b in history), reverse=True)  # the burn-in comes first
    moves = [Move(k, "accepted" if accepted else "same basin") for k, (accepted, _) in enumerate(history)]
    counts, now = [0], 0
    for move, burning in zip(moves, burn_in, strict=True):
        if move.accepted:
            counts.append(0)
            now += 1
        counts[now] += not burning
    accepted, multiplicity = present(moves, burn_in)
    assert [m.index for m in accepted] == [m.index for m in moves if m.accepted]
    assert multiplicity == counts
    assert sum(multiplicity) == burn_in.count(False)


# Rounds -----------------------------------------------------------------------------------------------------------


def test_round_has_its_burn_in_and_its_shots(tmp_path: Path):
    runner = chain()
    with Journal(tmp_path) as record:
        moves, burn_in, seconds = run_round(runner, task(), record)
    shots = [b for m, b in zip(moves, burn_in, strict=True) if m.is_shot]
    assert shots == [True] * 5 + [False] * 15
    assert moves[-1].is_shot
    assert burn_in == sorted(burn_in, reverse=True)
    assert seconds > 0
    found = cost(moves, seconds, 2)
    assert found["shots"] == 20 and found["moves"] == len(moves)
    assert found["evaluations"] == sum(m.evaluations for m in moves) > 0
    assert found["core_seconds"] == pytest.approx(2 * seconds, abs=1e-3)
    twice = add_costs([found, found])
    assert all(twice[key] == pytest.approx(2 * found[key]) for key in found)


def test_rounds_go_on_where_the_last_ended(tmp_path: Path):
    """Two rounds from the state that the first leaves behind are the moves of one long round."""
    whole = chain()
    with Journal(tmp_path / "whole") as record:
        long, _, _ = run_round(whole, task(burn_in=0, shots=30), record)
    first = chain()
    with Journal(tmp_path / "parts") as record:
        one, _, _ = run_round(first, task(burn_in=0, shots=12), record)
        path = next((m.path for m in reversed(one) if m.accepted), None)
        assert path is not None
        engine = MODEL.engine()
        second = Chain(engine, MODEL.basins, Unnamed(), path, one[-1].label, shift=one[-1].shift, place=(1, ("chain",)))
        two, _, _ = run_round(second, task(number=2, first_move=len(one), burn_in=0, shots=18), record)
    assert [m.index for m in one + two] == [m.index for m in long]
    for a, b in zip(one + two, long, strict=True):
        assert (a.outcome, a.label, a.forward_frames) == (b.outcome, b.label, b.forward_frames)
        assert a.positions is b.positions is None or np.array_equal(a.positions, b.positions)


def test_tuned_shift_is_frozen_after_the_burn_in_and_survives_a_replay(tmp_path: Path):
    for _ in range(2):  # the second time everything is on record
        runner = chain(shift=2)
        tuner = ShiftTuner(2, 0.2, 40)
        with Journal(tmp_path) as record:
            moves, burn_in, _ = run_round(runner, task(burn_in=12), record, tuner)
        shifts = [m.shift for m in moves]
        burning = [s for s, b in zip(shifts, burn_in, strict=True) if b]
        after = {s for s, b in zip(shifts, burn_in, strict=True) if not b}
        assert len(set(burning)) > 3
        assert after == {tuner.tuned_shift} == {runner.selector.shift}
        seen = shifts
    assert seen == shifts


def test_told_to_stop_it_keeps_what_is_done(tmp_path: Path):
    before = signal.getsignal(signal.SIGTERM)
    runner = chain()
    shots = itertools.count()
    honest = runner.engine.run

    def run(*arguments):
        if next(shots) == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        return honest(*arguments)

    runner.engine.run = run
    with (
        Journal(tmp_path) as record,
        stoppable(runner.engine),
        pytest.raises(Stopped, match=r"asked to stop \(SIGTERM\); 4 of 20 shots are on record"),
    ):
        run_round(runner, task(), record)
    try:
        # SLURM tells a job twice; what is on its way out must be able to say why.
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, before if number == signal.SIGTERM else signal.SIG_DFL)
    with stoppable(runner.engine):
        pass
    assert signal.getsignal(signal.SIGTERM) is before
    assert runner.engine.stop == ""
    with Journal(tmp_path) as record:
        again, _, _ = run_round(chain(), task(), record)
    with Journal(tmp_path / "undisturbed") as record:
        undisturbed, _, _ = run_round(chain(), task(), record)
    assert [(m.outcome, m.label, m.steps) for m in again] == [(m.outcome, m.label, m.steps) for m in undisturbed]


def test_a_shift_that_leads_off_every_path_ends_the_job(tmp_path: Path):
    runner = chain()
    runner.selector.pick = lambda trajectory: -1
    with Journal(tmp_path) as record, pytest.raises(SamplingError, match="smaller shift_fs"):
        run_round(runner, task(), record)


def test_memory_does_not_grow_with_the_moves():
    """The paths that were are let go."""
    runner = chain()
    for k in range(300):
        runner.move(k)
    gc.collect()
    before = len(gc.get_objects())
    accepted = sum(runner.move(k).accepted for k in range(300, 1100))
    gc.collect()
    assert accepted > 100
    assert len(gc.get_objects()) - before < 3000
