"""Where the report comes from: the code that made its page, the code that wrote the results, and the configuration.

All of it was recorded when pages and results were written; nothing is asked of the reader's repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from separatrix.core.errors import StoreError
from separatrix.core.version import code_version
from separatrix.report.language import Phrases

#: Digits of a commit that the page shows; they are enough for git.
COMMIT_DIGITS = 12

_HISTORY = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)T\S+ (?P<code>\S.*)")


@dataclass(frozen=True)
class CodeOnRecord:
    """A version of the code, and on which days (UTC, ISO 8601) it wrote results.

    Attributes
    ----------
    code
        Version and commit, such as ``separatrix 0.1.0 (commit 3f95a08c1b2d)``.
    first, last
        Days.
    """

    code: str
    first: str
    last: str

    def __str__(self) -> str:
        days = self.first if self.first == self.last else f"{self.first} – {self.last}"
        return f"{self.code}, {days}"


def shortened(code: str) -> str:
    """Version and commit, the latter by its first digits."""
    return re.sub(rf"\b([0-9a-f]{{{COMMIT_DIGITS}}})[0-9a-f]{{28,52}}\b", r"\1", code)


def written_by(files: Iterable[Path | str]) -> list[CodeOnRecord]:
    """Codes that wrote netCDF files, as their attribute ``history`` records it, in the order of their first days.

    A file without such a record is left out.

    Raises
    ------
    StoreError
        When a file cannot be read.
    """
    days: dict[str, list[str]] = {}
    for file in files:
        if record := _HISTORY.match(_history(file)):
            days.setdefault(shortened(record["code"]), []).append(record["day"])
    records = [CodeOnRecord(code, min(of_code), max(of_code)) for code, of_code in days.items()]
    return sorted(records, key=lambda record: (record.first, record.last, record.code))


def _history(file: Path | str) -> str:
    """Attribute of a file; nothing else of it is read."""
    import netCDF4  # slow to import

    try:
        with netCDF4.Dataset(str(file)) as data:
            return str(getattr(data, "history", ""))
    except OSError as error:
        raise StoreError(f"{file}: cannot be read ({error.strerror or error})") from error


def sentences(phrase: Phrases, files: Iterable[Path | str], config: str, settings: str, seed: int) -> list[str]:
    """Sentences on the origin of the page.

    Parameters
    ----------
    phrase
        Of the language.
    files
        Results (netCDF) that the page shows.
    config
        Names of the config's files.
    settings
        Fingerprint of the configuration, :attr:`separatrix.config.configuration.Config.fingerprint`.
    seed
        Of the run.
    """
    made = shortened(str(code_version()))
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    lines = [phrase("origin_page", code=made, date=today)]
    if records := written_by(files):
        lines.append(phrase("origin_paths", codes=phrase.set_apart([str(record) for record in records])))
    return [*lines, phrase("origin_config", config=config, fingerprint=settings, seed=seed), phrase("origin_files")]
