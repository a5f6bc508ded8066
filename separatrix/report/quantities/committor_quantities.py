"""Committors on the predicted separatrix and over all predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from separatrix.report.quantities.estimate import Estimate, MethodResults, finite
from separatrix.report.quantities.sampling_quantities import lost_estimate
from separatrix.report.quantity_catalogue import Group, Quantity
from separatrix.results.run import MethodData
from separatrix.statistics import no_basin
from separatrix.statistics.ranking import Coordinates

#: What the ids of quantities begin with that are of the separatrix which the baseline coordinate predicts.
BASELINE = "baseline_"


def committor_quantities(results: MethodResults) -> list[Estimate]:
    """Committor distribution on the predicted separatrix."""
    data = results.data
    baseline = _distribution(data, "baseline") if "baseline" in data.committor["draws"] else []
    return [
        *_distribution(data, "separatrix"),
        *(replace(q, id=BASELINE + q.id) for q in baseline),
        *_calibration(data),
    ]


def _distribution(data: MethodData, draw: str) -> list[Estimate]:
    """The committor distribution on a predicted separatrix."""
    drawn = data.committor["draws"][draw]
    d = drawn["distribution"]
    low, high = d["intrinsic_sd_interval"]
    estimates = [
        Estimate("committor_configurations", d["n_configurations"], note=drawn["how"]),
        Estimate("committor_shots", d["n_shots"], note=f"{d['n_success']} to {data.committor['product']}"),
        Estimate("committor_uncommitted", d["n_uncommitted"]),
        *_uncommitted(data, d),
        Estimate("committor_failed", d["n_failed"]),
        _mean(d),
        Estimate(
            "committor_spread",
            d["intrinsic_sd"],
            low=low,
            high=high,
            note="binomial noise taken out; profile-likelihood interval of the beta-binomial",
        ),
    ]
    if expected := drawn.get("expected_spread"):
        estimates.append(
            Estimate(
                "committor_spread_expected",
                expected["both"],
                note=f"{expected['window']:.3f} from the width of the draw, {expected['coefficients']:.3f} from the "
                "errors of the coefficients; more than this means that the coordinate lacks something",
            )
        )
    return [
        *estimates,
        Estimate("committor_p_value", d["p_value_binomial"], note="one committor for all, whatever it is"),
        Estimate("committor_verdict", verdict=d["judgement"], text=d["verdict"]),
    ]


def _mean(d: Mapping[str, Any]) -> Estimate:
    """The mean committor; where uncommitted shots matter its interval reaches as far as they could take it."""
    low, high = d["mean_interval"]
    note = "error between configurations; Student's t interval"
    if not d.get("uncommitted_matters") or low is None:
        return Estimate("committor_mean", d["mean"], error=d["mean_standard_error"], low=low, high=high, note=note)
    to_a, to_b = d["mean_bounds"]
    low, high = max(to_a - (d["mean"] - low), 0.0), min(to_b + (high - d["mean"]), 1.0)
    note += "; as far as uncommitted shots could take it, had they all gone to the one basin or all to the other"
    return Estimate("committor_mean", d["mean"], low=low, high=high, note=note)


def _uncommitted(data: MethodData, d: Mapping[str, Any]) -> list[Estimate]:
    """What shots that reached no basin could change; nothing where there are none."""
    if not d.get("n_uncommitted") or "uncommitted_share" not in d:
        return []
    low, high = d["uncommitted_interval"]
    remedy = f"give a larger {no_basin.KEY}"
    basins = (data.fit["reactant"], data.fit["product"])
    return [
        lost_estimate("lost_shots", d["uncommitted_share"], low, high, d["uncommitted_matters"], remedy),
        *(
            Estimate("committor_mean_bound", bound, {"basin": basin}, note="a bound")
            for basin, bound in zip(basins, d["mean_bounds"], strict=True)
        ),
    ]


def _calibration(data: MethodData) -> list[Estimate]:
    """Predicted against measured committors, over all configurations that were shot from."""
    calibration = data.committor.get("calibration")
    if not calibration:
        return []
    over = f"{calibration['n_shots']} shots from {calibration['n_configurations']} configurations, none used in the fit"
    ranked = data.committor["ranking"]
    own = next(r for r in ranked if r["name"] == Coordinates.FITTED)
    estimates = [
        Estimate(
            "calibration_slope",
            finite(calibration["slope"]),
            low=finite(calibration["slope_interval"][0]),
            high=finite(calibration["slope_interval"][1]),
            note=f"of logit measured against logit predicted; 1 is right; {over}",
        ),
        Estimate(
            "prediction_error",
            finite(own["rms_error"]),
            low=finite(own["rms_error_interval"][0]),
            high=finite(own["rms_error_interval"][1]),
            note=f"of the committor, binomial noise taken out; {over}; bootstrap over configurations",
        ),
        Estimate("brier_score", own["brier"], note=f"1/4 of a coin; {over}"),
        Estimate("committor_log_likelihood", own["log_likelihood_per_shot"], note=over),
    ]
    for rival in ranked:
        if rival["name"] in _RIVALS:
            of = f" ({', '.join(rival['variables'])})" if rival["variables"] else ""
            estimates.append(
                Estimate(
                    "committor_log_likelihood_gain",
                    rival["behind"],
                    {"over": rival["name"]},
                    low=finite(rival["behind_interval"][0]),
                    high=finite(rival["behind_interval"][1]),
                    note=f"paired bootstrap over configurations{of}",
                    names={"over": _RIVALS[rival["name"]]},
                )
            )
    estimates.append(Estimate("calibration_verdict", verdict=calibration["judgement"], text=calibration["verdict"]))
    if sentences := data.committor.get("explanation"):
        estimates.append(Estimate("explanation", text="; ".join(sentences)))
    return estimates


_RIVALS = {Coordinates.BASELINE: "the baseline coordinate", Coordinates.CONSTANT: "a constant"}

_quantity = partial(Quantity, group=Group.COMMITTOR, estimates=committor_quantities)

_DISTRIBUTION = (
    _quantity(
        id="committor_configurations",
        label="configurations",
        description="Configurations on the predicted separatrix with shots that committed.",
    ),
    _quantity(id="committor_shots", label="committed shots", description="Shots that reached a basin."),
    _quantity(
        id="committor_uncommitted", label="uncommitted shots", description="Shots that reached no basin in time."
    ),
    _quantity(
        id="lost_shots",
        label="share of uncommitted shots",
        description="Share of the shots that reached no basin in time.",
    ),
    _quantity(
        id="committor_mean_bound",
        label="mean committor had uncommitted shots gone to {basin}",
        description="Mean committor, had all shots that reached no basin gone to one.",
    ),
    _quantity(id="committor_failed", label="failed shots", description="Shots that crashed."),
    _quantity(id="committor_mean", label="mean committor", description="Mean committor on the predicted separatrix."),
    _quantity(
        id="committor_spread",
        label="intrinsic standard deviation",
        description="Standard deviation of the committor on the predicted separatrix, binomial noise taken out.",
    ),
    _quantity(
        id="committor_spread_expected",
        label="spread to be expected",
        description="Standard deviation that the width of the draw and the errors of the coefficients account for.",
    ),
    _quantity(
        id="committor_p_value",
        label="p-value against pure binomial",
        description="p-value of one committor for all configurations.",
    ),
    _quantity(
        id="committor_verdict",
        label="verdict",
        description="What the committor shots say of the predicted separatrix.",
    ),
)

QUANTITIES = (
    *_DISTRIBUTION,
    *(
        replace(
            quantity,
            id=BASELINE + quantity.id,
            label=f"baseline coordinate: {quantity.label}",
            description=f"The same of the baseline coordinate: {quantity.description}",
        )
        for quantity in _DISTRIBUTION
    ),
    _quantity(
        id="calibration_slope",
        label="slope of the calibration",
        description="Slope of logit(measured committor) against logit(predicted committor).",
    ),
    _quantity(
        id="prediction_error",
        label="root mean square error of the prediction",
        description="Root mean square of committor minus prediction, binomial noise taken out.",
    ),
    _quantity(id="brier_score", label="Brier score", description="Mean square of outcome minus predicted committor."),
    _quantity(
        id="committor_log_likelihood",
        label="ln L per committor shot",
        description="Log-likelihood of the committor shots over their number.",
    ),
    _quantity(
        id="committor_log_likelihood_gain",
        label="ln L per committor shot, gain over {over}",
        description="How much more likely the committor shots are than by another prediction, per shot.",
    ),
    _quantity(
        id="calibration_verdict",
        label="calibration",
        description="Whether predicted committors agree with measured ones.",
    ),
    _quantity(
        id="explanation",
        label="what the shots say",
        description="What the committor shots say of the coordinate, in sentences.",
    ),
)
