"""The judgement of the last round, as quantities."""

from __future__ import annotations

import pytest
from toy_method import (
    assessment,
    broken,
    method,
    summary,
)

from separatrix.core.labelled import Answer
from separatrix.report.quantities import convergence_quantities
from separatrix.report.quantities.convergence_quantities import StopReason
from separatrix.sampling import convergence, criterion, mechanism_shares


def test_made_up_assessments_are_like_real_ones():
    data = assessment(1, False)
    assert set(data) == set(convergence.Assessment.__dataclass_fields__)
    assert set(data["mechanisms"]) == set(mechanism_shares.MechanismAgreement.__dataclass_fields__)
    assert set(data["mechanisms"]["per_start"][0]) == set(mechanism_shares.Shares.__dataclass_fields__)
    assert set(data["criteria"][0]) == set(criterion.Criterion.__dataclass_fields__)


def test_convergence_of_a_run_that_converged():
    found = summary(method())
    assert found["converged"].verdict == Answer.YES and found["stop_reason"].verdict == StopReason.CONVERGED
    assert found["stop_reason"].text == "because it converged, after 3 rounds"
    assert found["last_assessment"].text == "converged at last"
    values = {
        "rounds": 3,
        "convergence_measure[measure=information_error_limit]": 0.42 / 3,
        "convergence_measure[measure=clustered_information_error]": 0.31 / 3,
        "convergence_measure[measure=worst_r_hat]": 1.03,
        "convergence_measure[measure=worst_effective_samples]": 126.0,
        "convergence_measure[measure=stable_for]": 3,
    }
    assert {name: found[name].value for name in values} == pytest.approx(values)
    assert (
        found["convergence_measure[measure=worst_r_hat]"].text == "wanted: at most 1.05"
        and found["convergence_measure[measure=worst_r_hat]"].note == "how R-hat stands"
    )
    assert found["convergence_measure[measure=information_error_limit]"].text == "wanted: at most 0.11"
    assert found["convergence_measure[measure=worst_effective_samples]"].text == "wanted: at least 120"
    assert found["start_dependence"].text.startswith("shares agree within error")
    from_saddle = "rotation 75%, inversion 25%; moves: 40 (worth 12.3), switches: 3, chains: 1"
    assert found["start_mechanisms[start=saddle]"].text == from_saddle
    from_guess = "rotation 100%; moves: 40 (worth 12.3), switches: 3, chains: 2, 3"
    assert found["start_mechanisms[start=guess]"].text == from_guess


def test_convergence_of_a_run_that_did_not():
    found = summary(broken())
    assert found["converged"].verdict == Answer.NO and found["stop_reason"].verdict == StopReason.MAX_ROUNDS
    assert found["stop_reason"].text == "because max_rounds was reached, after 2 rounds, without convergence"
    assert found["last_assessment"].text == "stopped without it"
    assert found["rounds"].value == 2
    assert found["convergence_measure[measure=worst_r_hat]"].value is None
    assert (
        found["convergence_measure[measure=worst_r_hat]"].text == ""
        and found["convergence_measure[measure=worst_r_hat]"].note == "how R-hat stands"
    )
    assert found["convergence_measure[measure=stable_for]"].value == 0
    one = convergence_quantities.why_stopped([assessment(1, True)])
    assert one == "because max_rounds was reached, after 1 round, without convergence"
