"""Committors on the predicted separatrix and over all predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from separatrix.report.quantities.quantity import COMMITTOR, Quantity, finite
from separatrix.report.quantities.sampling_quantities import LOST_SHOTS
from separatrix.results.run import MethodData
from separatrix.statistics import no_basin


def committor_quantities(data: MethodData) -> list[Quantity]:
    """Committor distribution on the predicted separatrix."""
    return [
        *_distribution_quantities(data, "separatrix", ""),
        *(
            _distribution_quantities(data, "baseline", "baseline coordinate: ")
            if "baseline" in data.committor["draws"]
            else []
        ),
        *_calibration_quantities(data),
    ]


def _distribution_quantities(data: MethodData, draw: str, of: str) -> list[Quantity]:
    """The committor distribution on a predicted separatrix; `of` begins the name of each quantity."""
    drawn = data.committor["draws"][draw]
    d = drawn["distribution"]
    low, high = d["intrinsic_sd_interval"]
    found = [
        Quantity(COMMITTOR, "configurations", d["n_configurations"], note=drawn["how"]),
        Quantity(COMMITTOR, "committed shots", d["n_shots"], note=f"{d['n_success']} to {data.committor['product']}"),
        Quantity(COMMITTOR, "uncommitted shots", d["n_uncommitted"]),
        *_uncommitted_quantities(data, d),
        Quantity(COMMITTOR, "failed shots", d["n_failed"]),
        _mean_quantity(d),
        Quantity(
            COMMITTOR,
            "intrinsic standard deviation",
            d["intrinsic_sd"],
            low=low,
            high=high,
            note="binomial noise taken out; profile-likelihood interval of the beta-binomial",
        ),
    ]
    if expected := drawn.get("expected_spread"):
        found.append(
            Quantity(
                COMMITTOR,
                "spread to be expected",
                expected["both"],
                note=f"{expected['window']:.3f} from the width of the draw, {expected['coefficients']:.3f} from the "
                "errors of the coefficients; more than this means that the coordinate lacks something",
            )
        )
    found += [
        Quantity(
            COMMITTOR,
            "p-value against pure binomial",
            d["p_value_binomial"],
            note="one committor for all, whatever it is",
        ),
        Quantity(COMMITTOR, "verdict", text=d["verdict"]),
    ]
    return [replace(q, name=of + q.name) for q in found] if of else found


def _mean_quantity(d: Mapping[str, Any]) -> Quantity:
    """The mean committor; where uncommitted shots matter its interval reaches as far as they could take it."""
    name, (low, high) = "mean committor", d["mean_interval"]
    note = "error between configurations; Student's t interval"
    if not d.get("uncommitted_matters") or low is None:
        return Quantity(COMMITTOR, name, d["mean"], error=d["mean_standard_error"], low=low, high=high, note=note)
    to_a, to_b = d["mean_bounds"]
    low, high = max(to_a - (d["mean"] - low), 0.0), min(to_b + (high - d["mean"]), 1.0)
    note += "; as far as uncommitted shots could take it, had they all gone to the one basin or all to the other"
    return Quantity(COMMITTOR, name, d["mean"], low=low, high=high, note=note)


def _uncommitted_quantities(data: MethodData, d: Mapping[str, Any]) -> list[Quantity]:
    """What shots that reached no basin could change; nothing where there are none."""
    if not d.get("n_uncommitted") or "uncommitted_share" not in d:
        return []
    low, high = d["uncommitted_interval"]
    text = f"give a larger {no_basin.KEY}" if d["uncommitted_matters"] else ""
    basins = (data.fit["reactant"], data.fit["product"])
    return [
        Quantity(COMMITTOR, LOST_SHOTS, d["uncommitted_share"], low=low, high=high, text=text, note="Wilson interval"),
        *(
            Quantity(COMMITTOR, f"mean committor had uncommitted shots gone to {basin}", bound, note="a bound")
            for basin, bound in zip(basins, d["mean_bounds"], strict=True)
        ),
    ]


def _calibration_quantities(data: MethodData) -> list[Quantity]:
    """Predicted against measured committors, over all configurations that were shot from."""
    found = data.committor.get("calibration")
    if not found:
        return []
    over = f"{found['n_shots']} shots from {found['n_configurations']} configurations, none used in the fit"
    ranked = data.committor["ranking"]
    own = next(r for r in ranked if r["name"] == "found")
    quantities = [
        Quantity(
            COMMITTOR,
            "slope of the calibration",
            finite(found["slope"]),
            low=finite(found["slope_interval"][0]),
            high=finite(found["slope_interval"][1]),
            note=f"of logit measured against logit predicted; 1 is right; {over}",
        ),
        Quantity(
            COMMITTOR,
            "root mean square error of the prediction",
            finite(own["rms_error"]),
            low=finite(own["rms_error_interval"][0]),
            high=finite(own["rms_error_interval"][1]),
            note=f"of the committor, binomial noise taken out; {over}; bootstrap over configurations",
        ),
        Quantity(COMMITTOR, "Brier score", own["brier"], note=f"1/4 of a coin; {over}"),
        Quantity(COMMITTOR, "ln L per committor shot", own["log_likelihood_per_shot"], note=over),
    ]
    words = {"baseline": "the baseline coordinate", "constant": "a constant"}
    for rival in ranked:
        if rival["name"] in words:
            of = f" ({', '.join(rival['variables'])})" if rival["variables"] else ""
            quantities.append(
                Quantity(
                    COMMITTOR,
                    f"ln L per committor shot, gain over {words[rival['name']]}",
                    rival["behind"],
                    low=finite(rival["behind_interval"][0]),
                    high=finite(rival["behind_interval"][1]),
                    note=f"paired bootstrap over configurations{of}",
                )
            )
    quantities.append(Quantity(COMMITTOR, "calibration", text=found["verdict"]))
    if words := data.committor.get("explanation"):
        quantities.append(Quantity(COMMITTOR, "what the shots say", text="; ".join(words)))
    return quantities
