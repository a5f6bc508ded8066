"""Words that are stored and decided by, and their labels, which people read."""

from __future__ import annotations

from enum import StrEnum


class Labelled(StrEnum):
    """A choice of words, such as the verdicts of a test; each kind is a class of its own.

    A member is written ``NAME = "value", "label"``. Files hold the value, and the library decides by it; the label is
    for readers, and nothing depends on it. A member is its value: ``Weather("dry")`` reads it back.

    Examples
    --------
    >>> class Weather(Labelled):
    ...     DRY = "dry", "no rain"
    >>> Weather("dry").label, Weather.DRY == "dry"
    ('no rain', True)
    """

    label: str

    def __new__(cls, value: str, label: str = "") -> Labelled:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value
        return member


class Answer(Labelled):
    """Yes or no."""

    YES = "yes", "yes"
    NO = "no", "no"

    @classmethod
    def of(cls, holds: bool) -> Answer:
        """The answer to whether something holds."""
        return cls.YES if holds else cls.NO
