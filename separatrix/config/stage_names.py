"""Names of the stages of the workflow, as keys of the configuration refer to them."""

from __future__ import annotations

GEOMETRY = ("minimum", "guess", "saddle_search", "saddle", "harmonic")
"""Stages whose results do not depend on how trajectories are run."""

RATES = (
    "harmonic",
    "umbrella",
    "free_energy",
    "transmission",
    "interface_pilot",
    "interface_chain",
    "interface_rate",
    "rates",
)
"""Stages that compute rates."""

ALONG_COORDINATE = ("umbrella", "free_energy", "interface_pilot", "interface_chain")
"""Those that place something along a coordinate, which may be one of variables that the config names."""

SAMPLING = ("first_path", "sample", "assess", "variables", "coordinate")
"""Stages from the first path to the reaction coordinate."""

COMMITTOR = ("restrained", "draw", "committor_shots", "committor")
"""Stages of the committor test."""

WITH_DYNAMICS = ("check", *SAMPLING, *COMMITTOR, *(stage for stage in RATES if stage not in GEOMETRY))
"""Stages that depend on how trajectories are run."""

OF_METHOD = (*dict.fromkeys((*GEOMETRY, *WITH_DYNAMICS)),)
"""Stages of one method."""

OF_RUN = ("compare", "report")
"""Stages of all methods together."""
