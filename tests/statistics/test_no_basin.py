"""Halves that reach no basin in time: bounds that hold, and words that name the key."""

from __future__ import annotations

import math

import numpy as np
import pytest
import yaml
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from separatrix import potentials
from separatrix.config.load import load
from separatrix.core.seeds import stream
from separatrix.core.yaml_file import read_yaml
from separatrix.dynamics.md_engine import MDEngine, run_half
from separatrix.statistics import no_basin, ranking
from separatrix.statistics.committor_statistics import Judgement, analyse
from separatrix.statistics.no_basin import lost_halves


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_bounds_hold_wherever_the_lost_would_have_gone(a: int, b: int, lost: int):
    found = lost_halves(a, b, lost)
    if a + b + lost == 0:
        assert math.isnan(found.share) and not found.matters
        return
    assert found.low <= found.share <= found.high
    if a + b:
        # No way of sharing them out moves the share of b by more.
        moved = [abs((b + x) / (a + b + lost) - b / (a + b)) for x in range(lost + 1)]
        assert found.shift == pytest.approx(max(moved))
    assert found.matters == (lost > 0 and (found.share > 0.05 or found.shift > found.error))


def test_they_matter_by_number_or_by_what_they_can_move():
    assert not lost_halves(50, 50, 0).matters
    assert not lost_halves(98, 100, 2).matters
    assert not lost_halves(90, 100, 10).matters and lost_halves(89, 100, 11).matters  # about a twentieth
    # One in a hundred, where the share is known to half of that.
    assert not lost_halves(990, 1000, 20).matters and lost_halves(9900, 10000, 200).matters
    # All to one side: the binomial error would be zero.
    assert lost_halves(0, 50, 1).error > 0.01
    words = lost_halves(1, 1, 28).sentence(limit=80)
    assert words.startswith(
        "28 of 30 half-trajectories (93%, 79% to 98%) reached no basin within longest_half_fs (80 fs)"
    )
    assert "give a larger longest_half_fs" in words


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, int]]:
    """Where committor shots from the top of the double well go, basin A being the nearer, by the limit in fs."""
    system = read_yaml(ROOT / "config/systems/double_well.yaml")
    system["basins"]["A"]["within"][0]["range_A"] = [-3, -0.35]
    system["basins"]["B"]["within"][0]["range_A"] = [0.7, 3]
    file = tmp_path_factory.mktemp("asymmetric") / "system.yaml"
    file.write_text(yaml.safe_dump(system))
    data = read_yaml(ROOT / "config/examples/double_well.yaml") | {"system": str(file)}
    found = {}
    for limit in (4000, 120, 80, 60):
        data["methods"]["coupled"]["dynamics"]["longest_half_fs"] = limit
        loaded = load(data)
        method = loaded.methods["coupled"]
        potential = potentials.build(method.potential, loaded.system.molecule, method.options)
        engine = MDEngine(loaded.system.molecule, potential, method.dynamics)
        counts = {"A": 0, "B": 0, "none": 0}
        for number in range(150):
            rng = stream(3, "b", number)
            shot = engine.snapshot(np.zeros((2, 3)), engine.thermal_velocities(np.zeros((2, 3)), rng))
            counts[run_half(engine, shot, loaded.system.basins, rng).end] += 1
        found[limit] = counts
    return found


def test_a_short_limit_biases_the_committor_and_the_bracket_holds_the_true_one(ends: dict[int, dict[str, int]]):
    """The same velocities each time, so the limit is all that differs."""
    true = ends[4000]["B"] / 150
    assert ends[4000]["none"] == 0 and 0.4 < true < 0.6
    for limit in (80, 60):
        a, b, lost = (ends[limit][end] for end in ("A", "B", "none"))
        assert b / (a + b) < true - 0.2, "the bias that the bracket is for"
        # Six configurations of 25 shots, as they come.
        found = analyse([b], [a + b], n_uncommitted=[lost], n_simulations=99)
        assert found.mean_bounds[0] <= true <= found.mean_bounds[1]
        assert found.uncommitted_matters and found.verdict.startswith("inconclusive: ")
        assert "reached no basin: had all gone to A the mean committor would be" in found.verdict
        assert "longest_half_fs" in found.verdict


def test_the_verdict_is_the_one_that_both_ends_of_the_bracket_give():
    rng = np.random.default_rng(4)
    n = np.full(100, 20)
    k = rng.binomial(n, 0.5)
    clean = analyse(k, n)
    assert clean.judgement == Judgement.NO_SPREAD and clean.mean_bounds == (clean.mean, clean.mean)
    # A tenth lost: all to one side would put the mean off 1/2.
    lost = analyse(k, n, n_uncommitted=np.full(100, 2))
    assert lost.verdict.startswith("inconclusive: 200 of 2200 shots (9%, 8% to 10%) reached no basin")
    assert lost.mean_bounds == pytest.approx((clean.mean * 20 / 22, (clean.mean * 20 + 2) / 22))
    assert lost.mean == clean.mean, "what is measured stays what it is"
    # Far off 1/2, whichever way they went: the verdict stands and says so.
    off = analyse(rng.binomial(n, 0.9), n, n_uncommitted=np.full(100, 2))
    assert off.verdict.startswith("off-centre") and "the verdict the same" in off.verdict
    # A number alone is shared out as the shots are.
    assert analyse(k, n, n_uncommitted=200).mean_bounds == pytest.approx(lost.mean_bounds)
    # Configurations from which no shot committed have bounds, too.
    some = analyse([*k, 0], [*n, 0], n_uncommitted=[0] * 100 + [20])
    assert some.mean_bounds == pytest.approx((clean.mean * 100 / 101, (clean.mean * 100 + 1) / 101))
    with pytest.raises(ValueError, match="length of n"):
        analyse(k, n, n_uncommitted=[1, 2])


def test_the_calibration_is_bracketed_too():
    rng = np.random.default_rng(3)
    p = 1.0 / (1.0 + np.exp(-rng.uniform(-2.5, 2.5, 200)))
    n = np.full(200, 20)
    k = rng.binomial(n, p)
    assert ranking.calibrate(k, n, p).verdict.startswith("calibrated")
    found = ranking.calibrate(k, n, p, np.full(200, 5))
    assert found.verdict.startswith("inconclusive: 1000 of 5000 shots") and "longest_half_fs" in found.verdict
    assert found.slope == ranking.calibrate(k, n, p).slope


def test_ends_are_counted_by_their_names():
    found = no_basin.counted(["Z", "E", "none", "failed", "", "third", "none"], "Z", "E")
    assert (found.lost, found.halves) == (2, 4)
