"""Numbers of the sampling against independent recomputation, on chains small enough to count by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from toy_method import (
    assessment,
    chain,
    method,
    summary,
    system,
    with_burn_in,
)

from separatrix.report import figure_data
from separatrix.report.figure_registry import Compared
from separatrix.report.quantities import sampling_quantities
from separatrix.report.quantities import summary as summaries_of
from separatrix.report.quantities.sampling_quantities import Losses
from separatrix.report.quantity_catalogue import Group
from separatrix.results import run
from separatrix.sampling.mechanism_shares import Agreement


def test_outcomes_and_acceptance():
    found = summary(method())
    assert found["moves"].value == 96 and found["shots"].value == 84
    assert sum(found[f"moves_with_outcome[outcome={word}]"].value for word in run.OUTCOMES) == 96
    assert found["moves_with_outcome[outcome=accepted]"].value == 36
    q = found["acceptance"]
    assert q.value == pytest.approx(36 / 84)
    assert q.low < q.value < q.high


def test_weighted_path_lengths():
    """Each path counted once for every move after which it was the present one, by brute force."""
    data = method()
    lengths = []
    for c in data.chains:
        present = None
        for i, outcome in enumerate(c.outcome):
            if outcome == "accepted":
                present = (50 + 10 * i - 1) * c.frame
            if present is not None:
                lengths.append(present)
    found = summary(data)
    assert found["path_length_median"].value == pytest.approx(np.median(lengths))
    assert found["path_length_lower_quartile"].value == pytest.approx(np.quantile(lengths, 0.25))
    assert found["path_length_upper_quartile"].value == pytest.approx(np.quantile(lengths, 0.75))
    weight = sum(c.multiplicity[1:].sum() for c in data.chains)
    assert weight == len(lengths)


def test_mechanism_shares():
    data = method()
    found = summary(data)
    # Each chain kept to one mechanism: the shares would be those of the starts.
    for name in (
        "mechanism_share[mechanism=rotation]",
        "mechanism_share[mechanism=inversion]",
        "chain_mechanism_share[mechanism=inversion, chain=2]",
    ):
        assert found[name].value is None and found[name].low is None
        assert found[name].note.startswith("not determined: no chain changed its mechanism (")
    assert "18 of 36 paths" in found["mechanism_share[mechanism=rotation]"].note
    # A chain that goes and comes back tells them, and then how well.
    one, two = data.chains
    kinds = np.where(np.arange(len(one.mechanism)) % 2, "inversion", "rotation")
    mixed = replace(one, mechanism=np.concatenate([["initial"], kinds[1:]]))
    found = summary(replace(data, chains=(mixed, two)))
    weight = sum(c.multiplicity[1:].sum() for c in (mixed, two))
    expected = mixed.multiplicity[1:][kinds[1:] == "rotation"].sum() / weight
    q = found["mechanism_share[mechanism=rotation]"]
    assert q.value == pytest.approx(expected) and q.low < q.value < q.high
    assert (
        found["chain_mechanism_share[mechanism=rotation, chain=1]"].value is not None
        and found["chain_mechanism_share[mechanism=inversion, chain=2]"].value is None
    )
    # Not where they depend on where chains began; and where there is one way only, it has all paths.
    apart = {**data.assessments[-1]["mechanisms"], "outcome": Agreement.DEPEND}
    last = (assessment(1, True, mechanisms=apart),)
    found = summary(replace(data, chains=(mixed, two), assessments=last))
    assert "depend on where the chains were started" in found["mechanism_share[mechanism=rotation]"].note
    one_way = replace(system(), mechanism=replace(system().mechanism, classes=()))
    alone = summaries_of.summarise(replace(data, chains=(one,)), one_way, np.random.default_rng(1))
    for name in ("mechanism_share[mechanism=rotation]", "chain_mechanism_share[mechanism=rotation, chain=1]"):
        q = next(q for q in alone if q.key == name)
        assert (q.value, q.low) == (1.0, None) and q.note.startswith("exact")


def test_halves_in_no_basin_have_a_share_and_a_word_where_they_matter():
    data = method()
    q = summary(data)["lost_halves"]
    # Neither half of the toy's moves is ever given up.
    assert q.value == 0.0 and q.text == "" and 0.0 == q.low < q.high and q.verdict == Losses.FEW
    lost = [replace(c, backward=np.where(c.outcome == "no basin", "none", c.backward)) for c in data.chains]
    q = summary(replace(data, chains=tuple(lost)))["lost_halves"]
    assert q.value == pytest.approx(12 / 168) and q.low < q.value < q.high
    assert "longest_half_fs" in q.text and "12 of 168" in q.note and q.verdict == Losses.MATTER
    # The burn-in is left out.
    burnt = replace(with_burn_in(lost[0]), backward=np.concatenate([["none"] * 7, lost[0].backward]))
    assert summary(replace(data, chains=(burnt, lost[1])))["lost_halves"] == q


def test_initial_path_has_no_share():
    data = method()
    assert sampling_quantities.mechanisms_of(data.chains) == ["inversion", "rotation"]


def test_burn_in_counts_as_nothing_but_cost():
    """A burn-in that is unlike the rest changes no number of the sampling and no figure."""
    without = method()
    # Chains whose first move is accepted: their initial path has no weight with or without burn-in.
    outcome = without.chains[1].outcome.tolist()
    without = replace(without, chains=(chain(1, outcome), chain(2, outcome[3:] + outcome[:3], "inversion")))
    assert [c.multiplicity[0] for c in without.chains] == [0, 0]
    with_ = replace(without, chains=tuple(map(with_burn_in, without.chains)))
    quantities = [summaries_of.summarise(d, system(), np.random.default_rng(1)) for d in (without, with_)]
    plain, burnt = ({q.key: q for q in qs if q.group in (Group.SAMPLING, Group.CHAINS)} for qs in quantities)
    for number in (1, 2):
        was, tuned = (found.pop(f"chain_shift[chain={number}]") for found in (plain, burnt))
        assert (was.value, was.text) == (6.0, "") and (tuned.value, tuned.text) == (6.0, "tuned from 10")
    assert plain.pop("burn_in_shots").value == 0 and burnt.pop("burn_in_shots").value == 12
    assert plain == burnt and len(plain) > 20
    frames = [
        figure_data.data_frames(Compared([d], {d.name: q}, system()))
        for d, q in zip((without, with_), quantities, strict=True)
    ]
    for name in ("acceptance", "path_lengths", "mechanisms"):
        pd.testing.assert_frame_equal(frames[0][name], frames[1][name])
    # The names of the paths hold the numbers of the moves, which the burn-in shifts.
    planes = [f["shooting_points"].drop(columns="path") for f in frames]
    pd.testing.assert_frame_equal(*planes)


def test_what_a_chain_started_from():
    data = method()
    first, second = data.chains
    found = summary(replace(data, chains=(first, replace(second, wanted="inversion at b"))))
    assert found["chain_start[chain=1]"].text == "saddle"
    text = "saddle (instead: no path of the wanted mechanism from inversion at b)"
    assert found["chain_start[chain=2]"].text == text
    nothing = replace(first, burn_in=np.ones(len(first.burn_in), dtype=bool))
    assert summary(replace(data, chains=(nothing, second)))["chain_shift[chain=1]"].value is None
