"""The errors that Separatrix raises on purpose; each message is one line that says what to do."""

from __future__ import annotations

from pathlib import Path


class SeparatrixError(Exception):
    """Base of all errors raised on purpose; its message is meant for the user, without a traceback."""


class ConfigError(SeparatrixError):
    """The configuration, or a file it names, cannot be used; the message names file, key and remedy."""


class PotentialError(SeparatrixError):
    """A potential gave no usable energy or forces (no convergence, NaN, an energy jump)."""


class EngineLost(PotentialError):
    """The process that an engine ran in hung or died without a word: the next time the same geometry may well do."""


class StationaryError(SeparatrixError):
    """A minimum or a saddle could not be found or verified."""


class SamplingError(SeparatrixError):
    """A chain, a first path or a set of committor shots cannot be started or continued."""


class Stopped(SeparatrixError):
    """The job was asked to stop; what it has finished is on record."""


class StoreError(SeparatrixError):
    """A file in `results/` is missing, damaged or not what it should be, or cannot be written.

    Attributes
    ----------
    damaged
        The file, where it is there and readable but not whole; else None.
    """

    def __init__(self, message: str, damaged: Path | None = None) -> None:
        super().__init__(message)
        self.damaged = damaged
