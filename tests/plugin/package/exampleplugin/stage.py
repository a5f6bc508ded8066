"""The stage of the package's route: it asks people for the rate."""

from __future__ import annotations

from pathlib import Path

from exampleplugin.section import ExampleRateSection
from separatrix.config.stage_settings import StageSettings
from separatrix.core.files import write_json
from separatrix.core.section import section_in
from separatrix.workflow.engine_opening import Settings


def ask(settings: Settings, out: Path | str) -> None:
    """The rate, 1/s, in which all people agree."""
    given = StageSettings("example_rate", settings)
    keys = section_in(given.config.rates, "example", ExampleRateSection)
    write_json({"rate": 1.0, "people": keys.people, "seconds": keys.people * keys.patience_fs * 1e-15}, out)
