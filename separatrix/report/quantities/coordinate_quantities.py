"""The reaction coordinate as a formula, and how well it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from separatrix.coordinate.committor_model import Coordinate
from separatrix.core.digits import rounded
from separatrix.core.labelled import Answer
from separatrix.report.quantities.coefficient_errors import CoefficientErrors, coefficient_errors
from separatrix.report.quantities.estimate import Estimate, MethodResults, finite
from separatrix.report.quantity_catalogue import Group, Quantity


def formula(model: Coordinate, units: Mapping[str, str], errors: CoefficientErrors) -> str:
    """The coordinate in one line; each variable is divided by its unit, so that all coefficients are numbers."""
    terms = [_term(model.intercept, errors.values[0])]
    for name, value, error in zip(model.names, model.coefficients, errors.values[1:], strict=True):
        unit = units.get(name, "1")
        variable = name if unit in ("1", "") else f"{name}/{unit}"
        terms.append(f"{_term(float(value), error)}·{variable}")
    return "r = " + " + ".join(terms)


def _term(value: float, error: float | None) -> str:
    if error is None:
        return f"({value:.3g})"
    shown, spread = rounded(value, error)
    return f"({shown} ± {spread})"


CRITERIA = {"ebic": "extended BIC, which charges for the search", "bic": "BIC", "aic": "AIC"}
"""What may choose the number of variables, by their names in ``coordinate.json``."""


BEYOND = {"boosting": "gradient boosting", "network": "a neural network"}
"""Committor models that are not linear, by their names in ``coordinate.json``."""


def coordinate_quantities(results: MethodResults) -> list[Estimate]:
    """The coordinate as a formula, its likelihoods and how often its variables are chosen in resamples."""
    data = results.data
    model, fit = data.coordinate, data.fit
    errors = coefficient_errors(model)
    n = model.n_observations
    beats_constant = Answer.of(fit["beats_null"])
    estimates = [
        Estimate("coordinate", text=formula(model, fit["units"], errors), note=errors.note),
        Estimate("observations", n, note=f"{model.n_success} to {fit['product']}"),
        Estimate("observations_left_out", fit["n_left_out"], note="half reached neither basin"),
        Estimate("log_likelihood", model.log_likelihood, note=f"{n} observations taken as independent"),
        Estimate("log_likelihood_of_constant", fit["null_log_likelihood"]),
        Estimate(
            "beats_constant",
            verdict=beats_constant,
            text=beats_constant.label,
            note=CRITERIA.get(fit.get("criterion", "ebic"), ""),
        ),
        Estimate("log_likelihood_per_observation", model.log_likelihood / n),
    ]
    held = fit.get("held_out")
    if held:
        folds = len(held["groups"])
        note = f"each of {folds} folds of whole blocks predicted from the others"
        note += "; the choice of variables is not repeated"
        if held["skipped"]:
            note += f"; folds that could not be left out: {', '.join(held['skipped'])}"
        estimates += [
            Estimate(
                "held_out_log_likelihood",
                held["mean"],
                error=held["standard_error"],
                low=finite(held["lower"]),
                high=finite(held["upper"]),
                note=note,
            ),
            Estimate("held_out_log_likelihood_of_constant", held["null_mean"]),
        ]
    else:
        note = "not computed: needs two blocks with both outcomes"
        estimates.append(Estimate("held_out_log_likelihood", note=note))
    estimates += _nonlinear(fit)
    frequency = fit.get("bootstrap")
    for name in model.names:
        if frequency and frequency["n_boot"]:
            value = finite(frequency["frequency"][frequency["names"].index(name)])
            note = f"{frequency['n_boot']} resamples of {frequency['blocks']}"
        else:
            value, note = None, "no bootstrap was run"
        estimates.append(Estimate("chosen_in_resamples", value, {"variable": name}, note=note))
    return estimates


def _nonlinear(fit: Mapping[str, Any]) -> list[Estimate]:
    """How much better models predict that are not linear, on observations that neither they nor the coordinate saw."""
    if not fit.get("beyond_linear"):
        return []
    held = fit["held_out"]
    note = f"over the coordinate, on the same {len(held['groups'])} folds; its own is {held['mean']:.4f}"
    given = {"chosen": "its variables", "all": "all variables"}
    return [
        Estimate(
            "held_out_gain",
            finite(m["gain"]),
            {"model": m["name"], "variables": m["variables"]},
            error=finite(m["standard_error"]),
            low=finite(m["lower"]),
            high=finite(m["upper"]),
            note=note,
            names={"model": BEYOND[m["name"]], "variables": given[m["variables"]]},
        )
        for m in fit["beyond_linear"]
    ]


_quantity = partial(Quantity, group=Group.COORDINATE, estimates=coordinate_quantities)

QUANTITIES = (
    _quantity(id="coordinate", label="coordinate", description="The reaction coordinate as a formula."),
    _quantity(id="observations", label="observations", description="Half-trajectories that the fit is made to."),
    _quantity(
        id="observations_left_out",
        label="left out of the fit",
        description="Half-trajectories that reached neither basin.",
    ),
    _quantity(id="log_likelihood", label="ln L", description="Log-likelihood of the observations."),
    _quantity(
        id="log_likelihood_of_constant",
        label="ln L of a constant",
        description="Log-likelihood of the observations by a constant committor.",
    ),
    _quantity(
        id="beats_constant",
        label="better than a constant by the criterion",
        description="Whether the coordinate predicts better than a constant, its variables counted.",
    ),
    _quantity(
        id="log_likelihood_per_observation",
        label="ln L per observation",
        description="Log-likelihood over the number of observations.",
    ),
    _quantity(
        id="held_out_log_likelihood",
        label="held-out ln L per observation",
        description="Log-likelihood per observation of blocks of shots that the fit has not seen.",
    ),
    _quantity(
        id="held_out_log_likelihood_of_constant",
        label="held-out ln L per observation of a constant",
        description="The same by a constant committor.",
    ),
    _quantity(
        id="held_out_gain",
        label="held-out gain of {model}, {variables}",
        description="Held-out log-likelihood per observation that a model which is not linear has more.",
    ),
    _quantity(
        id="chosen_in_resamples",
        label="chosen in resamples: {variable}",
        description="Share of the resamples in which a variable of the coordinate is chosen.",
        detail=True,
    ),
)
