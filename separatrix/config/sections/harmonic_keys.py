"""Keys of `rates.harmonic`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from separatrix.config.stage_names import GEOMETRY
from separatrix.core.section import Number, Section, key


class HarmonicSection(Section):
    """Harmonic transition-state theory."""

    stages: ClassVar[tuple[str, ...]] = ("harmonic",)
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {GEOMETRY: ("harmonic",)}

    statistics: Literal["classical", "quantum"] = key(
        "quantum",
        "of the vibrations",
        guide="of the vibrations: `quantum` (zero-point energies) or `classical`, as the dynamics has them",
    )
    low_modes: Literal["raised", "interpolated", "harmonic"] = key(
        "raised",
        "what is done about low modes",
        guide="low modes: `raised` to the cutoff, `interpolated` towards a free rotor, or `harmonic` as they are",
    )
    cutoff: Number = key(
        50, "wavenumber (cm^-1) below which a mode is low", unit="cm⁻¹", guide="below it a mode is low", gt=0, le=10000
    )
    tunnelling: Literal["none", "wigner", "eckart"] = key(
        "wigner", "correction for tunnelling", guide="`none`, `wigner` or `eckart`"
    )
