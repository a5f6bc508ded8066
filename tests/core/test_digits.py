"""Every part of a number that is shown says what it is."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from separatrix.core.digits import plain, rounded, significant

PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBER = r"(-?[0-9.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"


def parts(shown: str) -> list[tuple[float, float]]:
    """Value, and low and high where there are any: each with the place of its last digit."""
    value, _, bracket = shown.partition(" (")
    found = [(value, "")]
    if bracket:
        inside, _, after = bracket.partition(")")
        found += [(end, after) for end in inside.removeprefix("≤ ").removeprefix("≥ ").split(" – ")]
    numbers = []
    for text, after in found:
        match = re.fullmatch(NUMBER, text + after)
        assert match, (shown, text, after)
        power = int(match[2].translate(PLAIN)) if match[2] else 0
        places = len(match[1].partition(".")[2])
        # A whole number may have been rounded to tens.
        place = 10.0 ** (power - places)
        numbers.append((float(match[1]) * 10.0**power, place))
        assert not match[2] or text != value or 1.0 <= abs(float(match[1])) < 10.0, shown
    return numbers


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.86,), "0.86"),
        ((141.2,), "140"),
        ((5.68e-7,), "5.7 × 10⁻⁷"),
        ((9.97e-7,), "1.0 × 10⁻⁶"),
        ((999_700.0,), "1.0 × 10⁶"),
        ((180, 157, 206), "180 (157 – 206)"),
        ((7.7e-7, 5.3e-7, 1.11e-6), "7.7 × 10⁻⁷ (5.3 – 11.1) × 10⁻⁷"),
        ((4.8e-6, 6e-7, 4e-5), "4.8 × 10⁻⁶ (6.0 × 10⁻⁷ – 4.0 × 10⁻⁵)"),
        ((1.1e9, 8.4e8, 1.6e9), "1.10 × 10⁹ (0.84 – 1.60) × 10⁹"),
        ((9.93e8, 9e8, 9.5e8 + 1e8), "9.93 × 10⁸ (9.00 – 10.50) × 10⁸"),
        ((9.996e8, 9e8, 1.1e9), "1.00 × 10⁹ (0.90 – 1.10) × 10⁹"),
        ((0.0, 0.0, 0.15), "0.00 (≤ 0.15)"),
        ((1.0, 0.89, 1.0), "1.00 (≥ 0.89)"),
        ((0.0, 0.0, 0.0), "0"),
        ((0.5, 0.5, 0.5), "0.50"),
        ((-0.3, -0.5, -0.1), "-0.30 (-0.50 – -0.10)"),
        ((math.nan, 0.1, 0.2), "nan"),
    ],
)
def test_digits(numbers: tuple[float, ...], expected: str):
    assert significant(*numbers) == expected


@given(st.floats(1e-12, 1e12), st.floats(1e-6, 0.9999), st.floats(1e-6, 300.0))
@example(9.9968e-7, 0.05, 0.05)
@example(999_960.0, 0.001, 0.001)
def test_each_part_is_what_it_says(value: float, down: float, up: float):
    numbers = (value, value * (1.0 - down), value * (1.0 + up))
    shown = parts(significant(*numbers))
    assert len(shown) == 3
    for (found, place), true in zip(shown, numbers, strict=True):
        # Half a unit of the last digit, or half a percent of two digits' last place.
        assert found == pytest.approx(true, abs=0.501 * place, rel=0.051)
    if numbers[2] <= 3.0 * numbers[1]:
        # To one place, two digits of the interval: it keeps its width.
        width = shown[2][0] - shown[1][0]
        assert width == pytest.approx(numbers[2] - numbers[1], rel=0.11)


@given(st.floats(-1e12, 1e12), st.integers(1, 4))
def test_a_plain_number_is_right_to_its_digits(value: float, digits: int):
    ((found, _),) = parts(plain(value, digits)) if abs(value) > 1e-300 else ((value, 0),)
    assert found == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


@given(st.floats(0.001, 1.0))
def test_an_end_that_is_the_value_is_left_out(width: float):
    low, high = significant(0.0, 0.0, width), significant(1.0, 1.0 - width, 1.0)
    assert "≤" in low and parts(low)[1][0] == pytest.approx(width, rel=0.051)
    assert "≥" in high and 1.0 - parts(high)[1][0] == pytest.approx(width, rel=0.051)


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (12.345, 0.123, ("12.35", "0.12")),
        (0.5, 0.0996, ("0.50", "0.10")),
        (1234.0, 567.0, ("1230", "570")),
        (3.0, 0.0, ("3", "0")),
        (-0.04567, 0.00123, ("-0.0457", "0.0012")),
        (5.0, 9.96, ("5", "10")),
    ],
)
def test_rounding(value: float, error: float, shown: tuple[str, str]):
    assert rounded(value, error) == shown
