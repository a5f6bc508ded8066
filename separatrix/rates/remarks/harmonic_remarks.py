"""Sentences on harmonic rates: saddles, temperature laws and relaxation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from separatrix.core import digits
from separatrix.core.units import KCAL
from separatrix.rates.route import RouteRemark, direction_of


def remarks(content: Mapping[str, Any]) -> Iterator[RouteRemark]:
    """Saddles, temperature laws and relaxation."""
    # Rates of earlier versions have no cautions.
    yield from map(RouteRemark, (*saddle_sentences(content), *content.get("cautions", ())))
    for law in content["laws"]:
        if law["law"] == "arrhenius":
            text = (
                f"Arrhenius, {law['temperatures'][0]:g} to {law['temperatures'][1]:g} K: activation energy "
                f"{law['energy']:.1f} kJ/mol ({law['energy'] / KCAL:.1f} kcal/mol), prefactor "
                f"{math.exp(law['ln_prefactor']):.2g} /s"
            )
        else:
            text = f"Eyring: enthalpy of activation {law['energy']:.1f} kJ/mol, entropy {round(law['entropy'])} J/mol/K"
        yield RouteRemark(text, direction_of(law))
    for entry in content["kinetics"]:
        if entry["temperature"] == content["temperature_K"]:
            shares = ", ".join(f"{name} {share:.3g}" for name, share in entry["equilibrium"].items())
            yield RouteRemark(
                f"at {entry['temperature']:g} K populations relax with time constant "
                f"{digits.duration(entry['relaxation_time'])}, to {shares} (harmonic)"
            )


def saddle_sentences(content: Mapping[str, Any]) -> list[str]:
    """A sentence for each saddle, its height and share of the harmonic rate; and one for guesses without one."""
    start, temperature = content["states"][0], content["temperature_K"]
    total = next(r for r in content["rates"] if (r["from"], r["temperature"]) == (start, temperature))
    sentences = []
    for channel, share in zip(content["channels"], total["shares"], strict=True):
        above = ", ".join(
            f"{energy / KCAL:.1f} kcal/mol above {name}" for name, energy in channel["energy_above"].items()
        )
        sentences.append(
            f"over {channel['saddle']}: {above}, {channel['imaginary']:.0f}i cm⁻¹, {share:.3g} of the harmonic rate at "
            f"{temperature:g} K (from guess {', '.join(channel['guesses'])})"
        )
    if content["without_saddle"]:
        reasons = (f"{name} ({why.removeprefix(f'{name}: ')})" for name, why in content["without_saddle"].items())
        sentences.append("guesses that led to none: " + "; ".join(reasons))
    return sentences
