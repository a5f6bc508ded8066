"""Methods: levels of theory and how each is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from separatrix import potentials
from separatrix.config.keys import Keys
from separatrix.core.errors import ConfigError
from separatrix.dynamics.motion import DynamicsSettings


@dataclass(frozen=True)
class Method:
    """A level of theory and how it is run."""

    name: str
    label: str
    potential: str
    options: Mapping[str, Any]
    dynamics: DynamicsSettings
    shift: int
    seed: int

    @property
    def files(self) -> list[str]:
        """Files that the engine reads, as its options name them."""
        table = potentials.options_of(self.potential)
        return [value for key, value in self.options.items() if table[key].is_file]


def _multiple(value: float, unit: float) -> int | None:
    ratio = value / unit
    return round(ratio) if abs(ratio - round(ratio)) < 1e-6 and round(ratio) >= 1 else None


def build_method(name: str, data: Mapping[str, Any], temperature: float, seed: int, where: str) -> Method:
    """A Method from checked data.

    Raises
    ------
    ConfigError
        On an unknown potential or option, or times that do not fit together.
    """
    keys = Keys(where)
    at = f"methods.{name}"
    try:
        potentials.ENGINES[data["potential"]]
    except ConfigError as error:
        raise keys.fail(f"{at}.potential", str(error)) from error
    try:
        potentials.check_options(data["potential"], data["options"])
    except ConfigError as error:
        raise ConfigError(f"{where}: {at}.options.{error}") from error
    times = data["dynamics"]
    step = float(times["time_step_fs"])
    frame = float(times.get("frame_fs", step))
    steps = _multiple(frame, step)
    if steps is None:
        raise keys.fail(f"{at}.dynamics.frame_fs", f"{frame:g} fs is not a multiple of time_step_fs, {step:g}")
    shift = _multiple(float(times["shift_fs"]), frame)
    if shift is None:
        raise keys.fail(
            f"{at}.dynamics.shift_fs",
            f"{times['shift_fs']:g} fs is not a multiple of the frame, {frame:g} fs",
        )
    longest = float(times["longest_half_fs"])
    if longest < 4 * float(times["shift_fs"]):
        raise keys.fail(f"{at}.dynamics.longest_half_fs", f"{longest:g} fs is too short; give several times shift_fs")
    return Method(
        name=name,
        label=data.get("label", name),
        potential=data["potential"],
        options=dict(data["options"]),
        dynamics=DynamicsSettings(float(temperature), step, steps, longest, float(times.get("friction_per_ps", 0.0))),
        shift=shift,
        seed=int(seed),
    )
