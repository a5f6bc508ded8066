"""Numbers as text: as many digits as their interval is worth, the same in sentences and in tables."""

from __future__ import annotations

import math

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

#: Digits of a number without an interval: more would claim what nobody knows.
DIGITS = 2


def significant(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A number with its interval, as many digits as that allows.

    Value and interval each carry the power of ten that they are to be multiplied by, wherever plain digits are too
    many; it is that of the value, whose mantissa is at least 1 and below 10. An end of the interval that is the value
    itself, as of a share of 0, is left out: ``0.00 (≤ 0.15)``.

    Parameters
    ----------
    value, low, high
        The number and the ends of its interval; NaN: none. An interval without width is none.

    Returns
    -------
    ``value`` or ``value (low – high)``; what is before the first space and bracket is the value.
    """
    if not (all(map(math.isfinite, (value, low, high))) and high > low):
        return plain(value)
    if low > 0.0 and high > 3.0 * low and low < value < high:
        return f"{plain(value)} ({plain(low)} – {plain(high)})"
    # To the same place: two digits of the interval's half width, or more where the value itself has no more.
    power = _power(value if value else max(abs(low), abs(high)))
    half = high - low if value in (low, high) else 0.5 * (high - low)
    shown, ends = _aligned(value, low, high, half, power)
    if value and power and not 1.0 <= abs(float(shown)) < 10.0:
        # 9.97 has become 10.0.
        power = _power(value, rounded_up=True)
        shown, ends = _aligned(value, low, high, half, power)
    times = f" × 10{str(power).translate(_SUPERSCRIPT)}" if power else ""
    if value == low:
        return f"{shown}{times} (≤ {ends[1]}){times}"
    if value == high:
        return f"{shown}{times} (≥ {ends[0]}){times}"
    return f"{shown}{times} ({ends[0]} – {ends[1]}){times}"


def _power(value: float, rounded_up: bool = False) -> int:
    """The power of ten to be split off; 0 where plain digits will do."""
    power = math.floor(math.log10(abs(value))) + rounded_up
    return 0 if -4 <= power < 6 else power


def _aligned(value: float, low: float, high: float, half: float, power: int) -> tuple[str, tuple[str, str]]:
    scale = 10.0**power
    places = max(1 - math.floor(math.log10(half / scale)), 0)
    shown, *ends = (f"{v / scale:.{places}f}" for v in (value, low, high))
    return shown, (ends[0], ends[1])


def plain(value: float, digits: int = DIGITS) -> str:
    """A number to some significant digits."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    # Rounded before its power is taken, for 9.97 is 10 to two digits.
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if not -4 <= power < 6:
        return f"{mantissa} × 10{str(power).translate(_SUPERSCRIPT)}"
    return f"{round(value, digits - 1 - power):.{max(digits - 1 - power, 0)}f}"


#: Units of a duration, the largest first: size in seconds, and name.
_DURATIONS = (
    (31557600.0, "years"),
    (86400.0, "days"),
    (3600.0, "h"),
    (60.0, "min"),
    (1.0, "s"),
    (1e-3, "ms"),
    (1e-6, "µs"),
    (1e-9, "ns"),
    (1e-12, "ps"),
)


def duration(seconds: float) -> str:
    """A duration in the unit that a reader thinks in."""
    if not math.isfinite(seconds):
        return "for ever"
    size, name = next(((size, name) for size, name in _DURATIONS if seconds >= size), _DURATIONS[-1])
    return f"{plain(seconds / size)} {name}"


def rounded(value: float, error: float) -> tuple[str, str]:
    """A number and its error, both to the place of the error's second significant digit."""
    if not (math.isfinite(error) and error > 0.0):
        return f"{value:.4g}", f"{error:.2g}"
    place = 1 - math.floor(math.log10(error))
    if math.floor(math.log10(round(error, place))) > math.floor(math.log10(error)):
        place -= 1  # 0.0996 rounds up to 0.10
    digits = max(place, 0)
    return f"{round(value, place):.{digits}f}", f"{round(error, place):.{digits}f}"
