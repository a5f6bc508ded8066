"""Kinds of stages of the workflow, as keys of the configuration refer to them.

A section says which of its stages are of a kind (:attr:`separatrix.core.section.Section.kinds`), and keys elsewhere
name the kind among the stages that depend on them. So there is no list of stages to edit for a new one.
"""

from __future__ import annotations

from separatrix.core.section import every_stage_but

GEOMETRY = "of geometry"
"""Stages whose results do not depend on how trajectories are run."""

ALONG_COORDINATE = "along a coordinate"
"""Stages that place something along a coordinate, which may be one of variables that the config names."""

WITH_DYNAMICS = every_stage_but(GEOMETRY)
"""Stages of a method that depend on how trajectories are run."""
