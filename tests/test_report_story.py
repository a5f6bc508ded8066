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
from hypothesis import given
from hypothesis import strategies as st

from separatrix.rates.report import BEST_FIRST
from separatrix.report import language, page, story
from separatrix.report.language import Words

EN, JA = Words("en"), Words("ja")
NONE = (math.nan, math.nan, math.nan)


def judged(label: str, **changed: Any) -> story.Judged:
    base = story.Judged(
        label=label,
        mechanism="rotation",
        share=1.0,
        paths=20,
        stays=False,
        barrier=20.0,
        rate=story.Rate(2.0, math.nan, math.nan, "harmonic"),
        activation_energy=90.0,
        numbers=dict.fromkeys(("length", "acceptance", "committor", "spread", "cost"), NONE),
        verdict="sound",
    )
    return replace(base, **changed)


def told(methods: list[story.Judged], words: Words = EN, **more: Any) -> dict[str, list[str]]:
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


class Asked(Words):
    """Words that remember which phrases were asked for."""

    def __init__(self) -> None:
        super().__init__("en")
        self.keys: set[str] = set()

    def __call__(self, key: str, **blanks: object) -> str:
        self.keys.add(key)
        return super().__call__(key, **blanks)


def test_every_phrase_is_used_and_every_used_one_is_there():
    """Asked for by name in the code, the template or the page's script, or made of a list that the code has."""
    folder = language.FOLDER.parent
    sources = "".join(f.read_text() for f in [*folder.glob("*.py"), folder / "assets/page.html.j2"])
    used = set(re.findall(r"""\b(?:w|words)\(\s*["'](\w+)["']\s*[,)]""", sources))
    used |= set(re.findall(r"data\.words\.(\w+)", (folder / "assets/report.js").read_text()))
    used |= {f"section_{name}" for name in page.SECTIONS} | {f"route_{name.replace(' ', '_')}" for name in BEST_FIRST}
    used |= {*story.VERDICTS, *(f"verdict_{name}" for name in story.VERDICTS)}
    asked = Asked()
    story.heads(asked, "Z", "E")
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
    assert same == ["All methods cross by rotation."]
    other = judged("c", mechanism="inversion", share=0.75, paths=8, stays=True)
    words = told([judged("a"), judged("b"), other])["mechanism"]
    assert words[0] == (
        "The methods differ in the mechanism: a and b by rotation (100% of 40 sampled paths) and c by inversion (75% "
        "of 8 sampled paths)."
    )
    assert words[1].startswith("Chains of c keep to the mechanism")
    assert told([judged("a")])["mechanism"] == ["a crosses by rotation (100% of 20 sampled paths)."]
    assert told([judged("a", mechanism="", paths=0)])["mechanism"] == []
    # Where the system knows of one way only there is nothing to tell.
    assert told([judged("a"), judged("b")], several=False)["mechanism"] == []


def test_rates_with_their_routes_and_how_far_apart():
    fast = judged("fast", rate=story.Rate(3.0e6, 1e6, 9e6, "free energy"))
    words = told([judged("slow"), fast, judged("none", rate=None)])["rate"]
    assert words[0] == (
        "At 300 K the rate from Z to E is 2.00 /s by slow (harmonic transition-state theory; half-life 347 ms) and "
        "3.0 × 10⁶ (1.0 × 10⁶ – 9.0 × 10⁶) /s by fast (free energy and recrossing; half-life 231 ns)."
    )
    assert words[1] == "Fastest and slowest method, fast and slow, differ by a factor of 1.5 × 10⁶."
    apart = told([judged("a"), judged("b")], agreements={"a": [], "b": ["they disagree"]})["rate"]
    assert apart[-1].startswith("Routes to the rate disagree beyond their errors for b;")
    restless = told([judged("a"), judged("b", unsettled=True)])["rate"]
    assert restless[-1].startswith("The windows along the coordinate of b had not come to equilibrium")


@pytest.mark.parametrize(
    ("energy", "expected"),
    [(108.0, "102 ± 3 kJ/mol, is met within two errors by b"), (108.1, "; b is nearest with 108 kJ/mol")],
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
        "The reaction coordinate of a stands its test: sampling ",
        "Sampling of b has not converged by the stated criteria;",
        "Sampling of d has converged, but the committor shots on",
        "On the predicted separatrix of c committors spread more",
    ]
    three = [judged(name, verdict="not_converged") for name in "abc"]
    assert told(three)["sure"][0].startswith("Sampling of all methods has not converged")


def test_japanese_has_no_english_left():
    methods = [judged(name, verdict=verdict) for name, verdict in zip("acdef", story.VERDICTS, strict=True)]
    methods.append(judged("b", mechanism="inversion", verdict="off_centre", stays=True))
    found = told(methods, JA, literature=experiment(102, 3), agreements={"a": ["x"]})
    text = "".join(t for part in found.values() for t in part)
    assert set(re.findall(r"[A-Za-z]{3,}", text)) <= {"kcal", "mol", "inversion"}


# The verdict ----------------------------------------------------------------------------------------------------------


Bounds = tuple[float | None, float | None]


def groups(converged: str, committor: Bounds, spread: Bounds, explained: float, test: str = "") -> dict[str, Any]:
    return {
        "Sampling": {
            "share: inversion": {"value": 0.2},
            "share: rotation": {"value": 0.8},
            "different paths": {"value": 31},
        },
        "Convergence": {
            "converged": {"value": None, "text": converged},
            "mechanisms and starts": {"value": None, "text": "cannot be told whether ..."},
        },
        "Committor": {
            "mean committor": {"value": 0.5, "low": committor[0], "high": committor[1]},
            "intrinsic standard deviation": {"value": 0.2, "low": spread[0], "high": spread[1]},
            "spread to be expected": {"value": explained},
            "verdict": {"value": None, "text": test},
        },
        "Stationary points": {"saddle above Z": {"value": 12.5}},
    }


def rates(routes: list[dict[str, Any]]) -> dict[str, Any]:
    laws = [{"law": "eyring", "from": "Z", "energy": 1.0}, {"law": "arrhenius", "from": "Z", "energy": 50.0}]
    return {"states": ["Z", "E"], "temperature_K": 300.0, "laws": laws, "routes": routes}


@pytest.mark.parametrize(
    ("converged", "committor", "spread", "test", "expected"),
    [
        ("yes", (0.4, 0.6), (0.0, 0.2), "", "sound"),
        ("no", (0.4, 0.6), (0.0, 0.2), "", "not_converged"),
        ("yes", (0.51, 0.6), (0.0, 0.2), "", "off_centre"),
        ("yes", (0.3, 0.49), (0.2, 0.4), "", "off_centre"),
        ("yes", (0.4, 0.6), (0.11, 0.4), "", "spread"),
        ("yes", (0.4, 0.6), (0.09, 0.4), "consistent with a perfect coordinate (...)", "sound"),
        # One configuration; shots too few; one shot from each configuration, which still can tell a mean that is off.
        ("yes", (None, None), (None, None), "off-centre by +0.500 (mean committor 1.000); one ...", "not_tested"),
        ("yes", (None, None), (0.0, 0.2), "", "not_tested"),
        ("yes", (0.0, 1.0), (0.0, 0.5), "inconclusive: too few shots (...)", "not_tested"),
        ("yes", (0.45, 0.45), (0.0, 0.5), "inconclusive: too few shots (...)", "not_tested"),
        ("yes", (0.4, 0.6), (None, None), "mean committor 0.500 compatible with 1/2; one shot ...", "not_tested"),
        ("yes", (0.4, 0.6), (0.0, None), "", "not_tested"),
        ("yes", (0.8, 0.9), (None, None), "off-centre by +0.350; one shot ...", "off_centre"),
        ("no", (None, None), (None, None), "", "not_converged"),
    ],
)
def test_verdict_by_its_rule(converged: str, committor: Bounds, spread: Bounds, test: str, expected: str):
    found = story.judge("m", groups(converged, committor, spread, 0.1, test), rates([]))
    assert found.verdict == expected
    assert (found.mechanism, found.share, found.paths, found.stays) == ("rotation", 0.8, 31, True)
    assert (found.barrier, found.activation_energy, found.rate) == (12.5, 50.0, None)


def test_the_rate_that_counts():
    common = {"from": "Z", "temperature": 300.0}
    harmonic = {**common, "route": "harmonic", "rate": 1.0, "ln_error": None}
    free = {**common, "route": "free energy", "rate": 2.0, "ln_error": 0.5}
    assert story.best_rate(rates([harmonic, free]), "Z", 300.0) == story.Rate(
        2.0, pytest.approx(2.0 * math.exp(-0.98)), pytest.approx(2.0 * math.exp(0.98)), "free energy"
    )
    # An interval of its own, such as Student's t of a few blocks.
    own = {**free, "route": "interfaces", "low": 0.5, "high": 9.0}
    assert story.best_rate(rates([harmonic, own]), "Z", 300.0) == story.Rate(2.0, 0.5, 9.0, "interfaces")
    for idle in ({**free, "rate": None}, {**free, "ln_error": None}, {**free, "temperature": 400.0}):
        assert story.best_rate(rates([harmonic, idle]), "Z", 300.0).route == "harmonic"
    assert story.best_rate(rates([{**harmonic, "from": "E"}]), "Z", 300.0) is None
    # Windows of which nothing is known count, those that are known to have been on their way do not.
    for known, route in ((True, "free energy"), (None, "free energy"), (False, "harmonic")):
        assert story.best_rate(rates([harmonic, {**free, "settled": known}]), "Z", 300.0).route == route


# Numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.86,), "0.860"),
        ((5.65e-7,), "5.65 × 10⁻⁷"),
        ((180, 157, 206), "180 (157 – 206)"),
        ((4.8e-6, 6e-7, 4e-5), "4.8 × 10⁻⁶ (6.0 × 10⁻⁷ – 4.0 × 10⁻⁵)"),
        ((1.1e9, 8.4e8, 1.6e9), "1.10 (0.84 – 1.60) × 10⁹"),
        ((0.0, 0.0, 0.15), "0.000 (0.000 – 0.150)"),
        ((-0.3, -0.5, -0.1), "-0.30 (-0.50 – -0.10)"),
    ],
)
def test_digits(numbers: tuple[float, ...], expected: str):
    assert story.significant(*numbers) == expected


@given(st.floats(1e-12, 1e12), st.floats(1.001, 100.0))
def test_a_shown_number_is_the_number(value: float, factor: float):
    shown = story.significant(value, value / factor, value * factor)
    number = re.fullmatch(r"([0-9.]+)(?: × 10(\S+))? \(.*\)(?: × 10(\S+))?", shown)
    power = number and (number[2] or number[3])
    scale = 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) if power else 1.0
    assert float(number[1]) * scale == pytest.approx(value, rel=0.06)
