"""Keys of `rates`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from separatrix.config.sections.harmonic_keys import HarmonicSection
from separatrix.config.sections.interface_keys import InterfacesSection
from separatrix.config.sections.umbrella_keys import TransmissionSection, UmbrellaSection
from separatrix.core.section import Distinct, Number, Section, key, subsection


class RatesSection(Section):
    """Rate constants."""

    temperatures_K: Annotated[
        list[Annotated[Number, Field(gt=0.001, le=5000, description="temperature in kelvin")]], Distinct
    ] = key(
        [],
        "temperatures of the harmonic rates, beside that of the dynamics",
        unit="K",
        guide=(
            "temperatures of the harmonic rates, beside that of the dynamics, and of those along the coordinate "
            "as far as its frames carry them; two or more give Arrhenius and Eyring laws"
        ),
        stages=("harmonic", "free_energy"),
    )
    harmonic: HarmonicSection = subsection(HarmonicSection, "harmonic transition-state theory")
    umbrella: UmbrellaSection = subsection(UmbrellaSection, "free energy along the fitted coordinate")
    interfaces: InterfacesSection = subsection(InterfacesSection, "interface sampling, flux times crossing probability")
    transmission: TransmissionSection = subsection(TransmissionSection, "shots off the dividing surface")
