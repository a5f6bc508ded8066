"""The reaction coordinate as a formula, and how well it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from separatrix.coordinate.committor_model import Coordinate
from separatrix.report.quantities.coefficient_errors import MIN_CHAINS, CoefficientErrors, coefficient_errors
from separatrix.report.quantities.quantity import COORDINATE, Quantity, finite, rounded
from separatrix.results.run import MethodData


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


def coordinate_quantities(data: MethodData) -> list[Quantity]:
    """The coordinate as a formula, its likelihoods and how often its variables are chosen in resamples."""
    model, fit = data.coordinate, data.fit
    errors = coefficient_errors(model, len(data.chains))
    n = model.n_observations
    independent = "taken as independent"
    found = [
        Quantity(COORDINATE, "coordinate", text=formula(model, fit["units"], errors), note=errors.note),
        Quantity(COORDINATE, "observations", n, note=f"{model.n_success} to {fit['product']}"),
        Quantity(COORDINATE, "left out of the fit", fit["n_left_out"], note="half reached neither basin"),
        Quantity(COORDINATE, "ln L", model.log_likelihood, note=f"{n} observations {independent}"),
        Quantity(COORDINATE, "ln L of a constant", fit["null_log_likelihood"]),
        Quantity(
            COORDINATE,
            "better than a constant by the criterion",
            text="yes" if fit["beats_null"] else "no",
            note=CRITERIA.get(fit.get("criterion", "ebic"), ""),
        ),
        Quantity(COORDINATE, "ln L per observation", model.log_likelihood / n),
    ]
    held = fit.get("held_out")
    if held:
        note = "each chain in turn predicted from the others; the choice of variables is not repeated"
        if held["skipped"]:
            note += f"; chains that could not be left out: {', '.join(held['skipped'])}"
        few = "" if len(held["groups"]) >= MIN_CHAINS else f"; error from {len(held['groups'])} chains only"
        found += [
            Quantity(
                COORDINATE,
                "held-out ln L per observation",
                held["mean"],
                error=held["standard_error"],
                note=note + few,
            ),
            Quantity(COORDINATE, "held-out ln L per observation of a constant", held["null_mean"]),
        ]
    else:
        found.append(Quantity(COORDINATE, "held-out ln L per observation", note="not computed: needs two chains"))
    found += _beyond_quantities(fit)
    frequency = fit.get("bootstrap")
    for name in model.names:
        if frequency and frequency["n_boot"]:
            value = finite(frequency["frequency"][frequency["names"].index(name)])
            note = f"{frequency['n_boot']} resamples of {frequency['blocks']}"
        else:
            value, note = None, "no bootstrap was run"
        found.append(Quantity(COORDINATE, f"chosen in resamples: {name}", value, note=note))
    return found


def _beyond_quantities(fit: Mapping[str, Any]) -> list[Quantity]:
    """How much better models predict that are not linear, on observations that neither they nor the coordinate saw."""
    beyond = fit.get("beyond_linear")
    if not beyond:
        return []
    folds = len(beyond["held_out"]["groups"])
    note = f"over the coordinate, on the same {folds} folds; its own is {beyond['held_out']['mean']:.4f}"
    if folds < MIN_CHAINS:
        note += f"; error from {folds} folds only"
    given = {"chosen": "its variables", "all": "all variables"}
    return [
        Quantity(
            COORDINATE,
            f"held-out gain of {BEYOND[m['name']]}, {given[m['variables']]}",
            finite(m["gain"]),
            error=finite(m["standard_error"]),
            note=note,
        )
        for m in beyond["models"]
    ]
