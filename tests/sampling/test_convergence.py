"""The judgement after a round: known answers of the statistics, and each criterion alone can hold sampling up."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from separatrix.config.sections.sampling_keys import ConvergenceSection, SamplingSection
from separatrix.coordinate import committor_model
from separatrix.coordinate.interchangeable import Interchangeable, interchangeable
from separatrix.core.section import key, subsection
from separatrix.sampling import criterion, mechanism_shares
from separatrix.sampling.convergence import Assessment, Criteria, judge
from separatrix.sampling.mechanism_shares import (
    Agreement,
    ChainMechanisms,
    MechanismAgreement,
    Shares,
    mechanism_agreement,
)
from separatrix.sampling.mixing import MIN_DRAWS, mixing
from separatrix.statistics.blocks import Dependence
from separatrix.statistics.no_basin import lost_halves


def normal_chains(seed: int, chains: int = 4, draws: int = 500) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).normal(size=(chains, draws)))


def autoregressive(seed: int, rho: float, chains: int, draws: int) -> np.ndarray:
    """Stationary AR(1) series of unit variance, shape (chains, draws)."""
    noise = np.random.default_rng(seed).normal(size=(chains, draws))
    x = np.empty_like(noise)
    x[:, 0] = noise[:, 0]
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + math.sqrt(1 - rho**2) * noise[:, t]
    return x


# --- mixing ---------------------------------------------------------------------------------------------------------


def r_hat_by_definition(x: np.ndarray) -> float:
    """Vehtari et al. 2021, equations 3, 4 and 14, for chains of an even number of draws."""
    halves = np.concatenate([x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]])

    def plain(y: np.ndarray) -> float:
        z = stats.norm.ppf((stats.rankdata(y).reshape(y.shape) - 3 / 8) / (y.size + 1 / 4))
        within = z.var(axis=1, ddof=1).mean()
        between = z.mean(axis=1).var(ddof=1)
        return math.sqrt((z.shape[1] - 1) / z.shape[1] + between / within)

    return max(plain(halves), plain(abs(halves - np.median(halves))))


@pytest.mark.parametrize("seed", range(3))
def test_r_hat_is_the_published_one(seed: int) -> None:
    x = autoregressive(seed, 0.8, 3, 60)
    assert mixing(list(x)).r_hat == pytest.approx(r_hat_by_definition(x), rel=1e-12)


def test_independent_chains_mix() -> None:
    found = mixing(normal_chains(1))
    assert found.r_hat == pytest.approx(1.0, abs=0.01)
    assert found.effective_samples == pytest.approx(2000, rel=0.15)
    assert found.note == ""


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda i, x: x + 3.0 * (i == 0), id="one chain shifted"),
        pytest.param(lambda i, x: x * (8.0 if i == 0 else 1.0), id="one chain wider"),
        pytest.param(lambda i, x: x + np.linspace(0, 6, x.size), id="all chains drift alike"),
    ],
)
def test_chains_that_do_not_mix_are_seen(change: Any) -> None:
    found = mixing([change(i, x) for i, x in enumerate(normal_chains(2))])
    assert found.r_hat > 1.1


def test_a_shift_of_location_costs_nearly_all_effective_samples() -> None:
    a, b = normal_chains(3, chains=2)
    assert mixing([a, b + 10.0]).effective_samples < 10


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_effective_samples_of_an_autoregression(rho: float) -> None:
    x = autoregressive(4, rho, 4, 4000)
    assert mixing(list(x)).effective_samples == pytest.approx(x.size * (1 - rho) / (1 + rho), rel=0.15)


def test_only_the_order_of_values_counts() -> None:
    x = autoregressive(5, 0.5, 3, 200)
    plain, bent = mixing(list(x)), mixing(list(np.exp(3 * x)))
    assert bent.effective_samples == pytest.approx(plain.effective_samples)


def test_of_longer_chains_the_last_draws_count() -> None:
    a, b = normal_chains(6, chains=2, draws=100)
    assert mixing([np.concatenate([np.full(50, 99.0), a]), b]) == mixing([a, b])
    assert mixing([np.concatenate([a, np.full(50, 99.0)]), b]).r_hat > 1.1


def test_a_variable_that_never_varies_is_no_evidence() -> None:
    found = mixing([np.full(50, 0.3), np.full(50, 0.3)])
    assert math.isnan(found.r_hat) and math.isnan(found.effective_samples)
    assert found.note == "constant, the same in all chains"


def test_rounding_noise_is_no_variation() -> None:
    found = mixing([120.0 + 1e-13 * x for x in normal_chains(7)])
    assert found.note == "constant, the same in all chains"


def test_constants_that_differ_between_chains() -> None:
    found = mixing([np.full(50, 0.3), np.full(50, 0.4)])
    assert found.r_hat == math.inf and math.isnan(found.effective_samples)
    assert found.note == "each chain constant, at a value of its own"


def test_constants_that_differ_between_halves() -> None:
    step = np.repeat([0.0, 1.0], 20)
    with np.errstate(all="raise"):
        found = mixing([step, step])
    assert found.r_hat == math.inf and found.note == "each half of every chain constant"


def test_one_constant_chain_among_others() -> None:
    a, b = normal_chains(8, chains=2, draws=100)
    found = mixing([a, b, np.full(100, 2.0)])
    assert found.r_hat > 1.1 and math.isfinite(found.effective_samples) and found.note == ""


def test_short_chains_are_not_judged() -> None:
    a, b = normal_chains(9, chains=2, draws=100)
    found = mixing([a, b[: MIN_DRAWS - 1]])
    assert math.isnan(found.r_hat) and math.isnan(found.effective_samples)
    assert found.note == "7 shots in the shortest chain, fewer than 8"
    assert math.isfinite(mixing([a, b[:MIN_DRAWS]]).r_hat)
    assert mixing([]).note.startswith("0 shots")


def test_one_chain_has_samples_but_no_r_hat() -> None:
    found = mixing(normal_chains(10, chains=1))
    assert math.isnan(found.r_hat) and found.effective_samples > 300
    assert found.note == "R-hat needs two chains"


def test_values_must_be_finite() -> None:
    a, b = normal_chains(11, chains=2)
    a[-1] = math.nan
    with pytest.raises(ValueError, match="finite"):
        mixing([a, b])


@settings(max_examples=30)
@given(st.integers(0, 1000), st.permutations(range(4)))
def test_order_of_chains_does_not_matter(seed: int, order: list[int]) -> None:
    x = [x[: 40 + 5 * i] + 0.3 * i for i, x in enumerate(normal_chains(seed, draws=60))]
    assert mixing([x[i] for i in order])[:2] == pytest.approx(mixing(x)[:2], rel=1e-9)


# --- mechanisms -----------------------------------------------------------------------------------------------------

TURN, FLIP = "rotation", "inversion at N10"


def two_states(rng: np.random.Generator, moves: int, leave: tuple[float, float], first: int) -> list[str]:
    """A Markov chain; `leave`: probabilities of leaving inversion and rotation in a move."""
    state, sequence = first, []
    for u in rng.random(moves):
        state = 1 - state if u < leave[state] else state
        sequence.append((FLIP, TURN)[state])
    return sequence


def agreement(sequences: list[tuple[str, list[str]]]) -> MechanismAgreement:
    return mechanism_agreement([ChainMechanisms(k, start, s) for k, (start, s) in enumerate(sequences, 1)])


def naive_p_value(sequences: list[tuple[str, list[str]]]) -> float:
    """Of the chi-square test that takes moves as independent."""
    pooled = {start: Counter[str]() for start, _ in sequences}
    for start, s in sequences:
        pooled[start].update(s)
    table = [[count[TURN], count[FLIP]] for count in pooled.values()]
    return float(stats.chi2_contingency(table, correction=False).pvalue)


@pytest.mark.parametrize(
    ("moves", "chains", "leave"),
    [(200, 2, (0.2, 0.2)), (200, 4, (0.1, 0.1)), (400, 2, (0.1, 0.4)), (400, 4, (0.05, 0.05))],
)
def test_chains_that_mix_seldom_raise_the_alarm(moves: int, chains: int, leave: tuple[float, float]) -> None:
    rng = np.random.default_rng(12)
    runs = 300
    outcomes, naive = Counter[str](), 0
    for _ in range(runs):
        sequences = [((FLIP, TURN)[k % 2], two_states(rng, moves, leave, k % 2)) for k in range(chains)]
        outcomes[agreement(sequences).outcome] += 1
        naive += naive_p_value(sequences) < 0.05
    # Nominal: 0.05; the binomial error is 0.013.
    assert 0.01 < outcomes[Agreement.DEPEND] / runs < 0.09
    assert outcomes[Agreement.AGREE] / runs > 0.9
    assert naive / runs > 0.15, "moves that are this correlated must fool the naive test"


@pytest.mark.parametrize("seed", range(20))
def test_a_start_that_fixes_the_share_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    often, seldom = (0.3, 0.1), (0.1, 0.3)
    found = agreement([(FLIP, two_states(rng, 300, seldom, 0)), (TURN, two_states(rng, 300, often, 1))])
    assert found.outcome == Agreement.DEPEND and found.p_value < 0.05
    assert found.verdict.startswith("shares depend on the start (p = ")


def test_chains_that_never_switch_depend_on_their_start() -> None:
    found = agreement([(FLIP, [FLIP] * 60), (FLIP, [FLIP] * 60), (TURN, [TURN] * 60)])
    assert found.outcome == Agreement.DEPEND
    assert found.verdict == (
        "shares depend on the start: no chain ever switched; chains from inversion at N10 stay with inversion at N10, "
        "chains from rotation stay with rotation"
    )
    assert math.isnan(found.p_value) and math.isnan(found.statistical_inefficiency)
    assert [s.switches for s in found.per_start] == [0, 0]
    assert found.per_start[0].shares == {FLIP: 1.0, TURN: 0.0}


def test_a_chain_that_never_switches_beside_one_that_does() -> None:
    found = agreement([(FLIP, [FLIP] * 100), (TURN, two_states(np.random.default_rng(13), 100, (0.4, 0.4), 1))])
    assert found.outcome == Agreement.DEPEND and found.p_value < 0.001


def test_one_late_switch_does_not_hide_the_start() -> None:
    found = agreement([(FLIP, [FLIP] * 99 + [TURN]), (TURN, [TURN] * 100)])
    assert found.outcome == Agreement.DEPEND


def test_stuck_chains_are_not_taken_for_independent_moves() -> None:
    half = agreement([(FLIP, [FLIP] * 60 + [TURN] * 40), (TURN, [TURN] * 100)])
    assert half.outcome == Agreement.DEPEND and "1 switch in 2 chains" in half.verdict
    early = agreement([(FLIP, [FLIP] * 20 + [TURN] * 80), (TURN, [TURN] * 100)])
    assert early.outcome == Agreement.UNDETERMINED
    assert naive_p_value([(FLIP, [FLIP] * 20 + [TURN] * 80), (TURN, [TURN] * 100)]) < 1e-4


def test_few_moves_cannot_tell() -> None:
    sequence = [FLIP, TURN, TURN, FLIP, TURN, FLIP]
    found = agreement([(FLIP, sequence), (TURN, sequence[::-1])])
    assert found.outcome == Agreement.UNDETERMINED
    assert "effective moves, fewer than 10" in found.verdict
    apart = agreement([(FLIP, [FLIP, FLIP, TURN, FLIP, FLIP]), (TURN, [TURN, TURN, FLIP, TURN, TURN])])
    assert apart.outcome == Agreement.UNDETERMINED, "chains that go and come back are not stuck"


@pytest.mark.parametrize("moves", [1, 40])
def test_one_start_with_too_few_effective_moves(moves: int) -> None:
    slow = ([FLIP] * 10 + [TURN] * 10) * 20
    found = agreement([(FLIP, slow), (TURN, slow[10 : 10 + moves])])
    assert found.per_start[0].effective_moves > 20 and found.per_start[1].effective_moves < 10
    assert found.outcome == Agreement.UNDETERMINED


def test_chains_of_one_start_that_disagree_are_no_dependence_on_the_start() -> None:
    rng = np.random.default_rng(14)
    rates = [(0.4, 0.1), (0.1, 0.4)]
    sequences = [(start, two_states(rng, 300, leave, 0)) for start in (FLIP, TURN) for leave in rates]
    found = agreement(sequences)
    assert found.outcome == Agreement.UNDETERMINED
    assert found.statistical_inefficiency > 20, "deviations are from the mean of the start, not of each chain"


@pytest.mark.parametrize("leave", [(0.5, 0.5), (0.1, 0.3), (0.05, 0.05)])
def test_effective_moves_against_the_closed_form(leave: tuple[float, float]) -> None:
    rng = np.random.default_rng(15)
    found = agreement([(start, two_states(rng, 20_000, leave, k)) for k, start in enumerate((FLIP, TURN))])
    memory = 1 - sum(leave)
    g = (1 + memory) / (1 - memory)
    assert found.statistical_inefficiency == pytest.approx(g, rel=0.15)
    assert found.per_chain[0].effective_moves == pytest.approx(20_000 / g, rel=0.15)
    assert found.per_start[0].shares[TURN] == pytest.approx(leave[0] / sum(leave), abs=0.03)


def test_the_slowest_mechanism_sets_the_correlation_time() -> None:
    rng = np.random.default_rng(16)
    slow = [s == TURN for s in two_states(rng, 4000, (0.02, 0.02), 0)]
    fast = rng.random(4000) < 0.5
    words = [TURN if a else ("in" if b else "out") for a, b in zip(slow, fast, strict=True)]
    found = agreement([(FLIP, words[:2000]), (TURN, words[2000:])])
    assert found.statistical_inefficiency > 25  # exact: 49 for the slow one, under 30 for each fast one


def test_a_rare_mechanism_alone_is_no_dependence() -> None:
    rare = [TURN] * 50 + [FLIP] + [TURN] * 49
    assert agreement([(FLIP, rare), (TURN, [TURN] * 100)]).outcome == Agreement.AGREE


def test_shares_that_round_to_one_mechanism_are_equal() -> None:
    rows = [
        Shares("p", (1,), 200, 20.0, 2, {FLIP: 0.02, TURN: 0.98}),
        Shares("q", (2,), 200, 20.0, 0, {FLIP: 0.0, TURN: 1.0}),
    ]
    assert mechanism_shares._homogeneity(rows, [FLIP, TURN]) == 1.0


@pytest.mark.parametrize("a", [0.4, 0.45, 0.6])
def test_the_test_for_equal_shares_against_the_exact_one(a: float) -> None:
    rows = [
        Shares("p", (1,), 999, 200.0, 9, {FLIP: a, TURN: 1 - a}),
        Shares("q", (2,), 999, 300.0, 9, {FLIP: 0.5, TURN: 0.5}),
    ]
    table = [[200 * a, 200 * (1 - a)], [150, 150]]
    expected = stats.fisher_exact(np.rint(table).astype(int)).pvalue
    assert mechanism_shares._homogeneity(rows, [FLIP, TURN]) == pytest.approx(expected, abs=0.015)


def test_counts_and_sentence() -> None:
    sequence = [FLIP, TURN] * 50
    found = agreement([(TURN, sequence), (FLIP, sequence), (FLIP, sequence)])
    assert [(s.start, s.chains, s.moves, s.switches) for s in found.per_start] == [
        (FLIP, (2, 3), 200, 198),
        (TURN, (1,), 100, 99),
    ]
    assert [s.chains for s in found.per_chain] == [(2,), (3,), (1,)]
    assert found.statistical_inefficiency == 1.0
    assert found.per_start[0].effective_moves == 200
    assert found.verdict == (
        "shares agree within error: inversion at N10 0.50 ± 0.04 from inversion at N10, 0.50 ± 0.05 from rotation"
    )


def test_one_mechanism_or_one_start() -> None:
    found = agreement([(FLIP, [TURN] * 5), (TURN, [TURN] * 5)])
    assert (found.outcome, found.verdict) == (Agreement.AGREE, "every chain keeps rotation, whatever its start")
    question = "cannot be told whether shares depend on the start: "
    found = agreement([(TURN, [TURN] * 5), (TURN, [TURN] * 5)])
    assert (found.outcome, found.verdict) == (
        Agreement.UNDETERMINED,
        question + "one start (rotation); every chain keeps rotation",
    )
    found = agreement([(TURN, [TURN] * 5), (TURN, [FLIP] * 5)])
    assert found.outcome == Agreement.UNDETERMINED and found.verdict.endswith(
        "no chain ever switched, and they keep different mechanisms"
    )
    assert agreement([]).verdict == question + "no moves"
    found = agreement([(TURN, [TURN] * 5), (FLIP, [])])
    assert found.outcome == Agreement.UNDETERMINED and found.verdict.endswith("; no moves from inversion at N10")
    assert [s.moves for s in found.per_chain] == [0, 5] and found.per_chain[0].shares == {}


sequences = st.lists(
    st.tuples(st.sampled_from(["p", "q", "s"]), st.lists(st.sampled_from(["u", "v", "w"]), max_size=40)), max_size=5
)


@settings(max_examples=150)
@given(sequences, st.randoms(use_true_random=False))
def test_any_mechanisms_give_one_answer(data: list[tuple[str, list[str]]], random: Any) -> None:
    chains = [ChainMechanisms(k, start, s) for k, (start, s) in enumerate(data)]
    found = mechanism_agreement(chains)
    random.shuffle(chains)
    assert mechanism_agreement(chains).to_dict() == found.to_dict()
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.outcome in (Agreement.AGREE, Agreement.DEPEND, Agreement.UNDETERMINED)
    assert len(found.verdict.splitlines()) == 1 and "nan" not in found.verdict
    for s in (*found.per_start, *found.per_chain):
        assert sum(s.shares.values()) == pytest.approx(1.0 if s.moves else 0.0)


# --- judgement ------------------------------------------------------------------------------------------------------

CRITERIA = Criteria(information_error=0.5, r_hat=1.05, effective_samples=400.0, stable_rounds=2)
NAMES = ("d1", "theta10", "d2")


def fitted(seed: int = 17, chains: int = 4, draws: int = 300) -> dict[str, Any]:
    """Arguments of `judge` that fulfil CRITERIA in round 2."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(chains * draws, len(NAMES)))
    outcome = rng.random(len(values)) < 1 / (1 + np.exp(-2 * (0.2 + values[:, 1] - 0.7 * values[:, 2])))
    chain = np.repeat(np.arange(1, chains + 1), draws)
    model = committor_model.fit(values[:, 1:], outcome, NAMES[1:], dependence=Dependence.of(chain, len(chain)))
    return {
        "round": 2,
        "coordinate": model,
        "beats_null": True,
        "values": values,
        "names": NAMES,
        "chain": chain,
        "mechanisms": [ChainMechanisms(k, (FLIP, TURN)[k % 2], [FLIP, TURN] * 50) for k in range(1, chains + 1)],
        "previous": [{"round": 1, "variables": ["d2", "theta10"]}],
        "criteria": CRITERIA,
        "min_rounds": 1,
        "max_rounds": 4,
    }


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    return fitted()


def failing(found: Assessment) -> list[str]:
    return [c.name for c in found.criteria if not c.holds]


def with_model(good: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return good | {"coordinate": replace(good["coordinate"], **changes)}


def test_all_criteria_hold(good: dict[str, Any]) -> None:
    found = judge(**good)
    assert failing(found) == [] and found.converged and found.stop
    assert found.verdict == "converged after 2 rounds"
    assert found.variables == ("theta10", "d2")
    assert found.coefficients == tuple(good["coordinate"].coefficients)
    assert found.n_shots == 1200 and found.stable_for == 2
    assert set(found.r_hat) == set(found.effective_samples) == {"theta10", "d2", "r"}
    assert found.worst_r_hat == max(found.r_hat.values())
    assert found.worst_effective_samples == min(found.effective_samples.values())


def test_the_numbers_are_those_of_the_named_columns(good: dict[str, Any]) -> None:
    found = judge(**good)
    for name, x in (("theta10", good["values"][:, 1]), ("r", good["coordinate"].r(good["values"][:, 1:]))):
        alone = mixing([x[good["chain"] == k] for k in (1, 2, 3, 4)])
        assert (found.r_hat[name], found.effective_samples[name]) == alone[:2]
    turned = judge(**good | {"values": good["values"][:, ::-1], "names": NAMES[::-1]})
    assert turned.to_dict() == found.to_dict()


def test_rows_of_different_chains_may_be_mixed(good: dict[str, Any]) -> None:
    order = np.argsort(np.tile(np.arange(300), 4), kind="stable")
    mixed = judge(**good | {"values": good["values"][order], "chain": good["chain"][order]})
    assert mixed.to_dict() == judge(**good).to_dict()


def shift_one_chain(good: dict[str, Any], column: int) -> dict[str, Any]:
    values = good["values"].copy()
    values[good["chain"] == 1, column] += 1.0
    return good | {"values": values, "criteria": replace(CRITERIA, effective_samples=1.0)}


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("coordinate", lambda g: g | {"beats_null": False}, "no variable beats a constant committor"),
        ("coordinate", lambda g: with_model(g, converged=False), "the maximum of the likelihood was not verified"),
        ("coordinate", lambda g: with_model(g, separable=True), "separates the outcomes without a mistake"),
        (
            "information error",
            lambda g: with_model(g, information_error_limit=0.6, clustered_information_error=0.4),
            "upper limit of the information error 0.6 above 0.5 (estimate 0.4)",
        ),
        (
            "information error",
            lambda g: with_model(g, information_error_limit=math.nan),
            "no information error (one block of shots alone determines a coefficient)",
        ),
        (
            "information error",
            lambda g: with_model(g, information_error_limit=math.nan, block_count=0, block_description="why"),
            "no information error (why)",
        ),
        ("R-hat", lambda g: shift_one_chain(g, 1), "(theta10)"),
        (
            "effective samples",
            lambda g: g | {"criteria": replace(CRITERIA, effective_samples=1e5)},
            "below 100000",
        ),
        ("stable variables", lambda g: g | {"round": 1, "previous": []}, "selected in 1 of 2 rounds"),
        (
            "stable variables",
            lambda g: g | {"previous": [{"round": 1, "variables": ["d1", "theta10"]}]},
            "selected in 1 of 2 rounds",
        ),
        (
            "mechanisms",
            lambda g: g | {"mechanisms": [replace(m, sequence=[m.start] * 60) for m in g["mechanisms"]]},
            "shares depend on the start",
        ),
        (
            "mechanisms",
            lambda g: g | {"mechanisms": [replace(m, sequence=[FLIP, TURN] * 2) for m in g["mechanisms"]]},
            "cannot be told whether shares depend on the start: 12 switches in 4 chains",
        ),
        (
            "mechanisms",
            lambda g: g | {"mechanisms": [*g["mechanisms"][:3], replace(g["mechanisms"][3], start="p", sequence=[])]},
            "cannot be told whether shares depend on the start: of the others, shares agree within error",
        ),
    ],
)
def test_each_criterion_alone_holds_sampling_up(good: dict[str, Any], name: str, change: Any, text: str) -> None:
    arguments = change(good)
    found = judge(**arguments)
    assert failing(found) == [name]
    assert not found.converged and not found.stop
    assert found.verdict.startswith("goes on: ") and text in found.verdict
    last = judge(**arguments | {"max_rounds": arguments["round"]})
    assert last.stop and not last.converged
    rounds = "1 round" if arguments["round"] == 1 else "2 rounds"
    assert last.verdict.startswith(f"stopped after {rounds} without convergence: ") and text in last.verdict


def test_only_selected_variables_and_r_are_judged(good: dict[str, Any]) -> None:
    assert judge(**shift_one_chain(good, 0)).converged


def test_r_is_judged_where_its_variables_mix(good: dict[str, Any]) -> None:
    model = replace(good["coordinate"], coefficients=np.array([1.0, 1.0]))
    values = good["values"].copy()
    # The common part of the variables cancels in r and leaves what is small in each of them.
    values[:, 2] = -values[:, 1] + 0.05 * (good["chain"] == 1) + 0.01 * values[:, 0]
    found = judge(**good | {"coordinate": model, "values": values})
    assert found.r_hat["theta10"] < 1.05 and found.r_hat["d2"] < 1.05 and found.r_hat["r"] > 1.5
    assert not found.converged and "(r)" in found.verdict


def test_a_further_criterion_finds_its_bound_under_its_key() -> None:
    class LongerConvergence(ConvergenceSection):
        patience: int = key(3, "rounds that nothing happens in")

    class LongerSampling(SamplingSection):
        convergence: LongerConvergence = subsection(LongerConvergence, "what must hold")

    criteria = Criteria.of(LongerSampling())
    assert (criteria.bound("patience"), criteria.bound("r_hat")) == (3, 1.05) and math.isnan(criteria.bound(""))
    with pytest.raises(AttributeError, match="patience"):
        Criteria.of(SamplingSection()).bound("patience")


def test_bounds_themselves_hold(good: dict[str, Any]) -> None:
    found = judge(**good)
    model = good["coordinate"]
    exact = Criteria(model.information_error_limit, found.worst_r_hat, found.worst_effective_samples, 2)
    assert judge(**good | {"criteria": exact}).converged
    for field, factor in (("information_error", 0.999), ("r_hat", 0.999), ("effective_samples", 1.001)):
        tight = replace(exact, **{field: factor * getattr(exact, field)})
        assert len(failing(judge(**good | {"criteria": tight}))) == 1


def test_one_start_alone_does_not_hold_sampling_up(good: dict[str, Any]) -> None:
    """Mechanisms that cannot be told do, where there are several starts: that is among the criteria above."""
    one_start = [replace(m, start=TURN) for m in good["mechanisms"]]
    found = judge(**good | {"mechanisms": one_start})
    assert found.mechanisms.outcome == Agreement.UNDETERMINED and found.converged


def test_one_chain_never_converges() -> None:
    one = fitted(chains=1, draws=2000) | {"criteria": Criteria(10.0, 10.0, 1.0, 1)}
    found = judge(**one)
    assert failing(found) == ["R-hat"] and not found.converged
    assert "no R-hat (theta10: R-hat needs two chains)" in found.verdict
    assert found.worst_effective_samples > 1000


def test_separable_outcomes(good: dict[str, Any]) -> None:
    outcome = good["values"][:, 1] > 0
    model = committor_model.fit(
        good["values"][:, 1:], outcome, NAMES[1:], dependence=Dependence.of(good["chain"], 1200)
    )
    found = judge(**good | {"coordinate": model})
    assert failing(found) == ["coordinate", "information error"]
    assert found.to_dict()["information_error"] is None


def test_no_coordinate(good: dict[str, Any]) -> None:
    found = judge(**good | {"coordinate": None, "beats_null": False})
    assert failing(found) == ["coordinate", "information error", "R-hat", "effective samples", "stable variables"]
    assert found.variables == () and found.stable_for == 0 and found.r_hat == {}
    again = judge(**good | {"coordinate": None, "beats_null": False, "previous": [found.to_dict() | {"round": 1}]})
    assert again.stable_for == 0
    assert "no coordinate could be fitted" in found.verdict


@pytest.mark.parametrize("column", [1, 2])
def test_what_cannot_be_judged_is_the_worst(good: dict[str, Any], column: int) -> None:
    values = good["values"].copy()
    values[:, column] = 0.25
    found = judge(**good | {"values": values})
    assert math.isnan(found.worst_r_hat) and math.isnan(found.worst_effective_samples)
    assert failing(found) == ["R-hat", "effective samples"]
    assert f"no R-hat ({NAMES[column]}: constant, the same in all chains)" in found.verdict
    values[:, column] = good["chain"]
    text = judge(**good | {"values": values}).verdict
    assert f"no R-hat ({NAMES[column]}: each chain constant, at a value of its own)" in text


def test_rounds_are_counted(good: dict[str, Any]) -> None:
    def assess(*history: tuple[str, ...]) -> Assessment:
        previous = [{"round": i, "variables": list(v)} for i, v in enumerate(history, 1)]
        return judge(**good | {"round": len(history) + 1, "previous": previous, "max_rounds": 10})

    same, turned, other = ("theta10", "d2"), ("d2", "theta10"), ("theta10",)
    assert assess().stable_for == 1
    assert assess(same, turned).stable_for == 3
    assert assess(same, other).stable_for == 1
    assert assess(same, other, same, turned).stable_for == 3
    assert assess((*same, "d1")).stable_for == 1
    assert assess(()).stable_for == 1


def test_interchangeable_variables_are_the_same(good: dict[str, Any]) -> None:
    """A twin of theta10, in its place in an earlier round, breaks the row of rounds only where it is not known."""
    table = np.column_stack([good["values"], good["values"][:, 1] * -0.01 + 1e-5 * good["values"][:, 0]])
    names = (*NAMES, "twin")
    model = good["coordinate"]
    rng = np.random.default_rng(18)
    outcome = rng.random(len(table)) < model.committor(table[:, 1:3])
    groups = interchangeable(table, outcome, names, model.names)
    assert [(g.variable, g.names[1:]) for g in groups] == [("theta10", ("twin",))]
    history = [["theta10"], ["twin", "d2"], ["d2", "theta10"], ["d2", "twin"]]
    previous = [{"round": i, "variables": v} for i, v in enumerate(history, 1)]
    arguments = good | {"round": 5, "previous": previous, "values": table, "names": names, "max_rounds": 9}
    strict = judge(**arguments)
    assert strict.stable_for == 1 and failing(strict) == ["stable variables"]
    found = judge(**arguments, groups=groups)
    assert found.stable_for == 4 and found.converged and found.interchangeable == {"theta10": ("twin",)}
    text = next(c.text for c in found.criteria if c.name == "stable variables")
    assert text == "the same variables, or interchangeable ones, selected in 4 rounds in a row"
    assert json.loads(json.dumps(found.to_dict()))["interchangeable"] == {"theta10": ["twin"]}
    # One twin cannot stand for two variables, nor a set for a smaller one.
    for other in (["twin", "d1"], ["twin", "theta10"], ["twin"], ["twin", "d2", "theta10"]):
        past = [{"round": 1, "variables": other}]
        assert judge(**arguments | {"round": 2, "previous": past}, groups=groups).stable_for == 1


def test_groups_belong_to_the_coordinate(good: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="groups of d1"):
        judge(**good, groups=[Interchangeable("d1", ())])


def test_first_rounds_are_not_skipped(good: dict[str, Any]) -> None:
    found = judge(**good | {"min_rounds": 3})
    assert found.converged and not found.stop
    assert found.verdict == "goes on: converged after 2 rounds, but at least 3 are wanted"
    assert judge(**good | {"min_rounds": 2}).stop
    one = good | {"round": 1, "previous": [], "criteria": replace(CRITERIA, stable_rounds=1)}
    assert judge(**one).verdict == "converged after 1 round"


@pytest.mark.parametrize(
    "change",
    [
        {"previous": []},
        {"round": 3, "previous": [{"round": 2, "variables": []}, {"round": 1, "variables": []}]},
        {"names": ("d1", "theta10", "d3")},
        {"names": NAMES[:2]},
        {"chain": np.ones(7)},
        {"mechanisms": []},
        {"mechanisms": [ChainMechanisms(k, TURN, [TURN]) for k in (1, 2, 3, 3)]},
    ],
)
def test_wrong_arguments(good: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        judge(**good | change)


def test_a_value_is_told_from_its_bound() -> None:
    assert criterion.value_and_bound(1.0500001, 1.05) == "1.0500001 above 1.05"
    assert criterion.value_and_bound(1.2345, 1.05) == "1.23 above 1.05"
    assert criterion.value_and_bound(123456.7, 200000.0) == "123457 below 200000"
    assert criterion.value_and_bound(0.1, 0.1) == "0.1 at 0.1"
    assert criterion.value_and_bound(5.0, math.inf) == "5 below infinity"


@settings(max_examples=60)
@given(
    seed=st.integers(0, 100),
    draws=st.integers(4, 30),
    chains=st.integers(1, 3),
    history=st.lists(st.lists(st.sampled_from(NAMES), unique=True), max_size=3),
    bounds=st.tuples(st.floats(0, 10), st.floats(0.9, 3), st.floats(0, 300), st.integers(1, 3)),
    rounds=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    level=st.sampled_from([0.0, 1.0]),
)
def test_any_assessment(
    seed: int, draws: int, chains: int, history: list[list[str]], bounds: Any, rounds: tuple[int, int], level: float
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(chains * draws, 3)) * level
    outcome = np.arange(len(values)) % 2 == 0
    chain = np.repeat(np.arange(chains), draws)
    model = committor_model.fit(
        rng.normal(size=(len(values), 2)), outcome, NAMES[:2], dependence=Dependence.of(chain, len(chain))
    )
    found = judge(
        round=len(history) + 1,
        coordinate=model,
        beats_null=bool(seed % 2),
        values=values,
        names=NAMES,
        chain=chain,
        mechanisms=[ChainMechanisms(k, "pqs"[k], rng.choice(["u", "v"], 20).tolist()) for k in range(chains)],
        previous=[{"round": i, "variables": v} for i, v in enumerate(history, 1)],
        criteria=Criteria(*bounds),
        min_rounds=rounds[0],
        max_rounds=rounds[1],
    )
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["round"] == len(history) + 1 and data["stop"] == found.stop
    if len(history) + 1 >= rounds[1]:
        assert found.stop
    assert found.converged == all(c.holds for c in found.criteria)
    assert found.stop or not found.converged or len(history) + 1 < rounds[0]
    assert len(found.verdict.splitlines()) == 1 and "nan" not in found.verdict
    assert [c["name"] for c in data["criteria"]] == [
        "coordinate",
        "information error",
        "R-hat",
        "effective samples",
        "stable variables",
        "mechanisms",
    ]


def test_an_assessment_serves_as_an_earlier_one(good: dict[str, Any]) -> None:
    first = judge(**good | {"round": 1, "previous": []})
    saved = json.loads(json.dumps(first.to_dict(), allow_nan=False))
    assert judge(**good | {"previous": [saved]}).stable_for == 2


def test_halves_that_reach_no_basin_hold_sampling_up_and_are_named(good: dict[str, Any]) -> None:
    few = judge(**good | {"halves": lost_halves(600, 600, 6)})
    assert few.converged and [c.name for c in few.criteria][-1] == "halves in no basin"
    many = judge(**good | {"halves": lost_halves(90, 60, 450), "longest_half_fs": 80.0})
    assert failing(many) == ["halves in no basin"] and not many.converged
    for part in ("450 of 600 half-trajectories (75%, 71% to 78%)", "longest_half_fs (80 fs)", "give a larger"):
        assert part in many.verdict
    assert many.to_dict()["criteria"][-1]["holds"] is False
    # Few, and yet more than the error of a committor that very many shots tell.
    assert not judge(**good | {"halves": lost_halves(60_000, 60_000, 1200)}).converged
