"""The story: every sentence follows from numbers by a rule, in both languages."""

from __future__ import annotations

import math
import re
import string
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import yaml

from separatrix.rates.kinetics import relaxation
from separatrix.rates.route import by_trust
from separatrix.report import judged_method, language, methods_table, page, story
from separatrix.report.language import Phrases

EN, JA = Phrases("en"), Phrases("ja")
NONE = (math.nan, math.nan, math.nan)


def judged(label: str, **changed: Any) -> judged_method.Judged:
    base = judged_method.Judged(
        label=label,
        mechanism="rotation",
        share=1.0,
        paths=20,
        stays=False,
        barrier=20.0,
        rate=judged_method.Rate(2.0, math.nan, math.nan, "harmonic"),
        activation_energy=90.0,
        numbers=dict.fromkeys(("length", "acceptance", "committor", "spread", "cost"), NONE),
        verdict="sound",
    )
    return replace(base, **changed)


def told(methods: list[judged_method.Judged], words: Phrases = EN, **more: Any) -> dict[str, list[str]]:
    options = {"agreements": {}, "literature": None, "several": True, **more}
    ends = {"reactant": "Z", "product": "E", "temperature": 300.0}
    return story.sentences(methods, options.pop("agreements"), options.pop("literature"), words, **ends, **options)


def experiment(value: float, error: float) -> pd.DataFrame:
    row = {"quantity": "activation energy", "from": "Z", "value": value, "error": error}
    return pd.DataFrame([row | {"lowest_K": 458, "highest_K": 548}])


# Languages ------------------------------------------------------------------------------------------------------------


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_phrases_with_the_same_blanks():
    tables = {name: yaml.safe_load((language.FOLDER / f"{name}.yaml").read_text()) for name in language.LANGUAGES}
    one, other = (tables[name]["phrases"] for name in language.LANGUAGES)
    assert one.keys() == other.keys()
    for key in one:
        assert blanks(one[key]) == blanks(other[key]), key


class Asked(Phrases):
    """Phrases that remember which phrases were asked for."""

    def __init__(self) -> None:
        super().__init__("en")
        self.keys: set[str] = set()

    def __call__(self, key: str, **blanks: object) -> str:
        self.keys.add(key)
        return super().__call__(key, **blanks)


def test_every_phrase_is_used_and_every_used_one_is_there():
    """Asked for by name in the code, the template or the page's script, or made of a list that the code has."""
    folder = language.FOLDER.parent
    sources = "".join(f.read_text() for f in [*folder.glob("*.py"), *folder.glob("templates/*")])
    used = set(re.findall(r"""\b(?:w|phrase)\(\s*["'](\w+)["']\s*[,)]""", sources))
    used |= set(re.findall(r"data\.phrases\.(\w+)", (folder / "assets/report.js").read_text()))
    used |= {f"section_{name}" for name in page.SECTIONS} | {f"route_{name.replace(' ', '_')}" for name in by_trust()}
    used |= {name for verdict in judged_method.MethodVerdict for name in (verdict, f"verdict_{verdict}")}
    used |= {f"lost_{name}" for name in judged_method.LOST}
    # Chosen between two of them.
    used |= {"mechanism_differ", "mechanism_sampled", "saddles", "without_saddle"}
    asked = Asked()
    methods_table.heads(asked, "Z", "E")
    assert used | asked.keys == set(yaml.safe_load((language.FOLDER / "en.yaml").read_text())["phrases"])


def test_words():
    assert EN.listed(["a"]) == "a" and EN.listed(["a", "b"]) == "a and b" and EN.listed(["a", "b", "c"]) == "a, b and c"
    assert JA.listed(["a", "b", "c"]) == "a、b、c"
    assert JA.term("rotation") == "回転" and EN.term("rotation") == "rotation" and JA.term("whatever") == "whatever"
    with pytest.raises(KeyError):
        EN("no such phrase")


# Sentences ------------------------------------------------------------------------------------------------------------


def test_mechanisms_agree_or_differ():
    same = told([judged("a"), judged("b")])["mechanism"]
    assert same == ["With all methods the mechanism is rotation."]
    other = judged("c", mechanism="inversion", share=0.75, paths=8)
    words = told([judged("a"), judged("b"), other])["mechanism"]
    # Each with its own paths: those of two methods are no sample of anything.
    assert words == [
        "The sampled paths differ in the mechanism: a: rotation (100% of 20 paths); b: rotation (100% of 20 paths); c: "
        "inversion (75% of 8 paths)."
    ]
    assert told([judged("a")])["mechanism"] == ["Mechanism of the sampled paths: a: rotation (100% of 20 paths)."]
    assert told([judged("a", mechanism="", paths=0)])["mechanism"] == []
    # Where the system knows of one way only there is nothing to tell.
    assert told([judged("a"), judged("b")], several=False)["mechanism"] == []


def test_a_start_is_no_finding():
    """Chains that never changed their mechanism: saddles are told, shares are not."""
    stuck = {"share": math.nan, "stays": True}
    methods = [
        judged("a", mechanism=("rotation",), saddles=("rotation",), without_saddle=("inversion at N9",), **stuck),
        judged("b", mechanism=("inversion", "rotation"), saddles=("inversion", "rotation"), **stuck),
        judged("c", mechanism=("rotation",), saddles=("rotation",), **stuck),
    ]
    words = told(methods)["mechanism"]
    assert words[0] == "Saddles found: a and c: rotation; b: inversion and rotation."
    assert words[1] == "Guesses that led to no saddle: a: inversion at N9."
    assert words[2].startswith("Chains of a and c never changed their mechanism (rotation), so shares")
    assert words[3].startswith("Chains of b never changed their mechanism (inversion and rotation), so shares")
    assert not any("%" in text for text in words)
    cells = [row[1][0] for row in methods_table.rows(methods, EN)]
    assert cells == ["rotation §", "inversion and rotation §", "rotation §"]
    assert "§" in EN("table_note") and "§" in JA("table_note")
    # One that is free beside them has its share.
    words = told([*methods, judged("d")])["mechanism"]
    assert "Mechanism of the sampled paths: d: rotation (100% of 20 paths)." in words
    assert not any(text.startswith("All methods") for text in words)


def test_rates_with_their_routes_and_how_far_apart():
    fast = judged("fast", rate=judged_method.Rate(3.0e6, 1e6, 9e6, "free energy"))
    words = told([judged("slow"), fast, judged("none", rate=None)])["rate"]
    assert words[0] == (
        "Rate from Z to E at 300 K: 2.0 /s by slow (harmonic transition-state theory); "
        "3.0 × 10⁶ (1.0 × 10⁶ – 9.0 × 10⁶) /s by fast (free energy and recrossing)."
    )
    assert words[1] == "The fastest method, fast, and the slowest, slow, differ by a factor of 1.5 × 10⁶."
    apart = told([judged("a"), judged("b")], agreements={"a": [], "b": ["they disagree"]})["rate"]
    assert apart[-1].startswith("Routes to the rate disagree beyond their errors for b;")
    restless = told([judged("a"), judged("b", not_equilibrated=True)])["rate"]
    assert restless[-1].startswith("The umbrella windows of b are not equilibrated")


def test_a_state_that_does_not_decay_has_no_half_life():
    """PM6 of azobenzene: Z is its stable isomer, and what is left at equilibrium is nearly all of it."""
    pm6 = judged("PM6", relaxation=("harmonic", relaxation(0.837, 109.1)), above=-3.6)
    words = told([pm6])["rate"]
    assert words[1] == (
        "Time constant of the relaxation towards equilibrium: 9.1 ms by PM6, with 99% Z at equilibrium."
    )
    assert words[2] == ("PM6: Z is 3.6 kcal/mol below E, so Z is the more stable state and has no half-life.")
    assert not any("a half-life of" in text for text in words)
    gaff = judged("GAFF2", relaxation=("free energy", relaxation(7.7e-7, 1e-12)), above=12.0)
    words = told([gaff, pm6])["rate"]
    assert "15 days by GAFF2, with 0.00013% Z at equilibrium and a half-life of 10 days; 9.1 ms by PM6" in words[2]
    assert words[4] == (
        "The methods disagree on which state is more stable: Z by PM6, E by GAFF2. They cannot all be right."
    )
    # What was measured both ways says who is wrong.
    rows = [("Z", "E", 102.0), ("E", "Z", 150.0)]
    common = {"quantity": "activation energy", "error": 3.0, "lowest_K": 458, "highest_K": 548}
    measured = pd.DataFrame([common | {"from": a, "to": b, "value": v} for a, b, v in rows])
    assert (
        "By experiment E is the more stable state; PM6 put the two states in the opposite order."
        in told([gaff, pm6], literature=measured)["rate"]
    )
    assert not any("Experiment has" in t for t in told([gaff, pm6], literature=measured.head(1))["rate"])


def test_sentences_show_what_the_table_shows():
    """Digits for digits: costs, rates, spreads."""
    numbers = dict.fromkeys(("length", "acceptance", "committor", "spread", "cost"), NONE)
    numbers |= {"cost": (0.0683, 0.0504, 0.1017), "spread": (0.0, 0.0, 0.213)}
    m = judged("a", numbers=numbers, rate=judged_method.Rate(7.7e-7, 5.3e-7, 1.11e-6, "free energy"))
    cells = [shown for shown, _ in methods_table.rows([m], EN)[0]]
    words = told([m])
    assert words["cost"] == ["Core-seconds per accepted path: 0.068 (0.050 – 0.102) (a)."]
    assert cells[9] == "0.068 (0.050 – 0.102)" and cells[3] == "7.7 × 10⁻⁷ (5.3 – 11.1) × 10⁻⁷"
    assert cells[3] in words["rate"][0]
    assert cells[8] == "0.00 (≤ 0.21)" and "not excluded: a: 0.21." in words["sure"][0]
    # In a cell neither is parted from its power of ten.
    assert page._parts(cells[3]) == ["7.7 × 10⁻⁷", "(5.3 – 11.1) × 10⁻⁷"]


def test_what_reached_no_basin_is_told_with_its_key():
    m = judged("a", lost={"halves": (0.73, 0.61, 0.83), "shots": (0.5, 0.4, 0.6), "pairs": (0.1, 0.0, 0.2)})
    words = told([judged("b"), m])["sure"]
    assert words[0].startswith("Half-trajectories that reached no basin within longest_half_fs: a: 73% (61% – 83%).")
    assert words[1].startswith("Committor shots that reached no basin") and "a: 50% (40% – 60%)" in words[1]
    assert words[2].startswith("Pairs of half-trajectories left out") and "larger longest_half_fs" in words[2]
    assert len(words) == 4 and "b" not in words[0].partition("fs: ")[2].partition(".")[0]


def test_rates_over_that_of_experiment_within_its_range():
    rates = {
        300.0: judged_method.Rate(1.0, 0.5, 2.0, "free energy"),
        503.0: judged_method.Rate(35.0, math.nan, math.nan, "harmonic"),
    }
    row = {"quantity": "prefactor", "from": "Z", "value": 3e13, "error": 2e13, "lowest_K": 458, "highest_K": 548}
    measured = pd.concat([experiment(102, 3), pd.DataFrame([row])])
    words = told([judged("a", rates=rates), judged("b")], literature=measured)["rate"]
    assert words[-1] == (
        "At 503 K, within the range of the measurement, the measured rate is 770 /s. Calculated over measured rate: "
        "0.046 by a (harmonic transition-state theory)."
    )
    # Not beyond the range.
    assert told([judged("a", rates={300.0: rates[300.0]})], literature=measured)["rate"][-1] != words[-1]
    # A sampled rate is classical: like with like.
    sampled = {503.0: judged_method.Rate(35.0, 20.0, 60.0, "free energy", quantum_factor=3.0)}
    words = told([judged("a", rates=sampled)], literature=measured)["rate"]
    assert words[-1].endswith("0.14 by a (free energy and recrossing, times 3 for quantised vibrations).")


@pytest.mark.parametrize(
    ("energy", "expected"),
    [
        (108.0, "102 ± 3 kJ/mol, is reproduced within two standard errors by b"),
        (108.1, "; b is nearest with 108 kJ/mol"),
    ],
)
def test_experiment_is_met_within_two_errors_or_not(energy: float, expected: str):
    methods = [judged("a", activation_energy=60.0), judged("b", activation_energy=energy), judged("c")]
    methods[2] = replace(methods[2], activation_energy=math.nan)
    assert expected in told(methods, literature=experiment(102, 3))["rate"][-1]
    assert len(told(methods)["rate"]) == len(told(methods, literature=experiment(102, 3))["rate"]) - 1


def test_who_is_to_be_trusted():
    methods = [judged("a"), judged("b", verdict="not_converged"), judged("c", verdict="spread")]
    words = told([*methods, judged("d", verdict="not_tested")])["sure"]
    assert [w[:55] for w in words] == [
        "The reaction coordinate of a passes its test: sampling ",
        "Sampling of b has not converged by the stated criteria;",
        "Sampling of d has converged, but the committor shots on",
        "On the predicted separatrix of c committors spread more",
    ]
    three = [judged(name, verdict="not_converged") for name in "abc"]
    assert told(three)["sure"][0].startswith("Sampling of all methods has not converged")


def test_japanese_has_no_english_left():
    methods = [
        judged(name, verdict=verdict) for name, verdict in zip("acdef", judged_method.MethodVerdict, strict=True)
    ]
    methods.append(judged("b", mechanism=("inversion",), verdict="off_centre", stays=True, saddles=("rotation",)))
    lost = dict.fromkeys(judged_method.LOST, (0.5, 0.4, 0.6))
    methods.append(judged("h", lost=lost, relaxation=("harmonic", relaxation(1.0, 100.0)), above=-3.0))
    methods.append(judged("i", relaxation=("harmonic", relaxation(100.0, 1.0)), rates={500.0: methods[0].rate}))
    found = told(methods, JA, literature=experiment(102, 3), agreements={"a": ["x"]})
    text = "".join(t for part in found.values() for t in part)
    # Names of keys stay what they are.
    text = re.sub(r"(rates\.interfaces\.)?longest_(half_)?fs", "", text)
    assert set(re.findall(r"[A-Za-z]{3,}", text)) <= {"kcal", "mol", "inversion"}


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (5.0e-5, "0.005%"),
        (0.992, "99%"),
        (0.5, "50%"),
        (0.014, "1.4%"),
        (1e-9, "< 0.00001%"),
        (1 - 1e-9, "> 99.99999%"),
    ],
)
def test_a_share_is_shown_as_large_as_it_is(share: float, shown: str) -> None:
    assert story._percent(share) == shown
