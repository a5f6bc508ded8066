"""Keys of `scans`: settings of methods that are varied."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from separatrix.core.section import Distinct, Scalar, Section, key


class ScanSection(Section):
    """A setting of methods that is varied."""

    methods: Annotated[list[str], Distinct] = key(
        ...,
        "methods that are run again with each value",
        guide="methods that are run again with each value of a setting; `scans` is empty by default",
        min_length=1,
    )
    setting: str = key(
        ...,
        "`dynamics.KEY` or `options.KEY`, the key of a method that is varied",
        guide=(
            "the key of a method that is varied: `dynamics.KEY` (`dynamics.friction_per_ps`) or `options.KEY` "
            "(`options.solvent`)"
        ),
        pattern=r"^(dynamics|options)[.][A-Za-z0-9_]+$(?!\n)",
    )
    values: Annotated[list[Annotated[Scalar, Field(description="value of the setting")]], Distinct] = key(
        ...,
        "values that the setting takes in turn",
        guide=(
            "its values. Each makes a method `METHOD-NAME-VALUE`, which gets the same routes to the rate; where "
            "`dynamics` is varied, stationary points and free energy are those of METHOD"
        ),
        min_length=1,
    )
