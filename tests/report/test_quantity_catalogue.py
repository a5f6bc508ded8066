"""Quantities are found by their ids: with other labels and words, all numbers stay the same."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_method import assessment, broken, method, system

from separatrix.core.errors import ConfigError, StoreError
from separatrix.core.files import read_json, write_json
from separatrix.core.labelled import Labelled
from separatrix.core.plain import json_safe
from separatrix.rates.agreement import agreement
from separatrix.report import compare_runs, figure_data, judged_method, table_cells
from separatrix.report.figure_registry import Compared
from separatrix.report.quantities.estimate import Estimate, MethodResults, estimates_of
from separatrix.report.quantities.summary import comparison_frame, comparison_json, summarise
from separatrix.report.quantity_catalogue import (
    CATALOGUE,
    COMPARISON_COLUMNS,
    Group,
    Quantity,
    details,
    group_label,
    key_of,
)
from separatrix.report.tables import all_methods, chain_by_chain, stationary_points
from separatrix.results.run import MethodData
from separatrix.sampling.criterion import measures
from separatrix.sampling.mechanism_shares import ChainMechanisms, mechanism_agreement
from separatrix.statistics.committor_statistics import analyse
from separatrix.statistics.ranking import calibrate

TABLES = (all_methods, chain_by_chain, stationary_points)

RATES = {
    "states": ["A", "B"],
    "temperature_K": 300.0,
    "laws": [{"law": "arrhenius", "from": "A", "to": "B", "energy": 50.0, "ln_prefactor": 30.0}],
    "along_coordinate": {},
    "routes": [
        {"route": route, "from": start, "to": end, "temperature": 300.0, "rate": rate, "ln_error": error}
        for route, start, end, rate, error in (
            ("harmonic", "A", "B", 1e3, None),
            ("harmonic", "B", "A", 1e1, None),
            ("free energy", "A", "B", 1e5, 0.2),
            ("interfaces", "A", "B", 0.9e5, 0.2),
        )
    ],
}
RATES["laws"][0] |= {"temperatures": [300.0, 400.0], "curvature_p": None}  # type: ignore[index]


def kinds_of_words(kind: type[Labelled] = Labelled) -> Iterator[type[Labelled]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds_of_words(below)


@pytest.fixture
def renamed() -> Iterator[Callable[[], None]]:
    """Changes every label: of quantities, groups, measures, and of all words that anything is decided by."""

    def change() -> None:
        for number, quantity in enumerate(CATALOGUE.entries().values()):
            blanks = [f"{{{name}}}" for _, name, _, _ in string.Formatter().parse(quantity.label) if name]
            set_label(quantity, f"No. {number} {' '.join(blanks)}")
        for number, measure in enumerate(measures()):
            set_label(measure, f"M. {number}")
        for kind in kinds_of_words():
            for number, member in enumerate(kind):
                set_label(member, f"W. {kind.__name__} {number}")

    def set_label(thing: Any, label: str) -> None:
        undo.append((thing, thing.label))
        object.__setattr__(thing, "label", label)  # entries are frozen

    undo: list[tuple[Any, str]] = []
    yield change
    for thing, label in undo:
        object.__setattr__(thing, "label", label)


def other_words(data: MethodData) -> MethodData:
    """The same results with other sentences."""

    def changed(content: Any) -> Any:
        if isinstance(content, Mapping):
            sentences = ("verdict", "text", "explanation")
            return {k: f"{k}?" if k in sentences and isinstance(v, str) else changed(v) for k, v in content.items()}
        return [changed(item) for item in content] if isinstance(content, list) else content

    return replace(
        data,
        assessments=tuple(changed(a) for a in data.assessments),
        committor=changed(data.committor),
    )


def inconclusive() -> MethodData:
    """Committor shots that are too few, and chains that depend on their start."""
    data = method("few", "few")
    few = json_safe(analyse([1, 1, 2], [2, 2, 2], n_simulations=99).to_dict())
    draws = data.committor["draws"] | {"separatrix": {**data.committor["draws"]["separatrix"], "distribution": few}}
    chains = [ChainMechanisms(k, start, [kind] * 40) for k, (start, kind) in enumerate((("s", "x"), ("t", "y")), 1)]
    agreed = mechanism_agreement(chains).to_dict()
    assessments = (assessment(1, True, converged=True, mechanisms=agreed),)
    return replace(data, committor=data.committor | {"draws": draws}, assessments=assessments)


def decided(methods: list[MethodData], folder: Path) -> dict[str, Any]:
    """Every number and every decision of a comparison of these methods, without labels and sentences."""
    summaries = {m.name: summarise(m, system(), np.random.default_rng(1), RATES) for m in methods}
    frame = comparison_frame(summaries, {m.name: m.label for m in methods})
    frame = frame.astype({"error": float}).fillna({"text": "", "note": ""})
    numbers = frame.drop(columns=["quantity", "text", "note"])
    write_json(comparison_json(methods, summaries), folder / "comparison" / "comparison.json")
    content = read_json(folder / "comparison" / "comparison.json")["methods"]
    pairs = [pair.to_dict() for pair in agreement(RATES["routes"], 300.0, {"statistics": "classical"})]  # type: ignore[arg-type]
    rates = {**RATES, "agreement": pairs}
    compared = compare_runs.compare_runs(folder, folder)
    frames = figure_data.data_frames(Compared(methods, summaries, system()))
    finite = frame[np.isfinite(frame["value"])]
    return {
        "numbers": numbers.to_dict("records"),
        "keys": {name: list(m["quantities"]) for name, m in content.items()},
        "story": [replace(judged_method.judge(n, content[n]["quantities"], rates), label="") for n in content],
        "disagree": len(judged_method.disagreements(rates)),
        "routes": [(pair["routes"], pair["ratio"], pair["verdict"]) for pair in pairs],
        "runs": [(d.key, d.scale, d.verdict) for d in compared.differences],
        "rows": [len(table.content(frame).tables[0].rows) for table in TABLES],
        "shown": [table_cells.quantity_cell({**r, "text": "", "note": ""}).lines for r in finite.to_dict("records")],
        "figures": {name: f.select_dtypes("number").to_dict("list") for name, f in frames.items()},
        "tests": [
            analyse([4] * 6, [8] * 6, n_simulations=19).judgement,
            analyse([1, 1], [2, 2], n_simulations=19).judgement,
            analyse([8] * 6, [8] * 6, n_simulations=19).judgement,
            calibrate([1, 2, 6, 7, 5], [8] * 5, [0.1, 0.3, 0.7, 0.9, 0.6]).judgement,
            calibrate([4] * 6, [8] * 6, [0.1, 0.3, 0.7, 0.9, 0.6, 0.2], [9] * 6).judgement,
        ],
    }


def test_all_numbers_and_decisions_stay_with_other_labels(renamed: Callable[[], None], tmp_path: Path) -> None:
    methods = [method(), broken(), inconclusive()]
    before = decided(methods, tmp_path / "a")
    verdicts = [judged.verdict for judged in before["story"]]
    assert verdicts == ["spread", "not_converged", "not_tested"], "each is decided by another word"
    assert before["disagree"] == 2 and len({verdict for *_, verdict in before["routes"]}) == 2
    renamed()
    estimates = summarise(methods[0], system(), np.random.default_rng(1))
    assert all(q.label.startswith("No. ") or q.id == "convergence_measure" for q in estimates), "labels are other ones"
    after = decided([other_words(m) for m in [method(), broken(), inconclusive()]], tmp_path / "b")
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_equal(after[name], value, err_msg=name)


def test_every_estimate_has_a_label_and_a_place() -> None:
    entries = CATALOGUE.entries()
    assert all(q.description.endswith(".") and q.label and q.group in set(Group) for q in entries.values())
    for data in (method(), broken()):
        for q in summarise(data, system(), np.random.default_rng(1), RATES):
            assert q.id in entries and "{" not in q.label and q.unit and group_label(q.group) != ""
    assert details() == {"wall_time", "chosen_in_resamples"}
    assert key_of("x", {}) == "x" and key_of("x", {"t": 300.0, "from": "A"}) == "x[t=300, from=A]"


def test_a_number_of_another_quantity_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def foreign(results: MethodResults) -> list[Estimate]:
        return [Estimate("acceptance", 1.0)]

    entry = Quantity(id="mine", label="mine", group=Group.COST, description="Mine.", estimates=foreign)
    entries = CATALOGUE.entries()
    monkeypatch.setattr(CATALOGUE, "entries", lambda: {**entries, "mine": entry})
    with pytest.raises(
        ConfigError, match=r"foreign gives a number of 'acceptance', which is not a quantity that names"
    ):
        estimates_of(MethodResults(method(), system(), np.random.default_rng(1)))


def test_a_comparison_of_before_is_refused_in_one_line(tmp_path: Path) -> None:
    pd.DataFrame({"method": ["m"], "label": ["m"], "group": ["Sampling"], "quantity": ["shots"]}).to_csv(
        tmp_path / "comparison.csv", index=False
    )
    with pytest.raises(StoreError, match=r"comparison.csv: an earlier version wrote it, without ids of quantities"):
        figure_data.read_csv(tmp_path / "comparison.csv", COMPARISON_COLUMNS)
