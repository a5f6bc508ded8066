"""Keys of a MODEL.yaml: a surface of two variables and its states."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from separatrix.core.section import LABEL, Number, Section, key


class GridSection(Section):
    """A free energy on a grid."""

    file: str = key(..., "path of a netCDF or CSV file")
    variable: str | None = key(None, "name of the free energy in it; the only one of two dimensions if absent")
    x: str | None = key(None, "name of the first variable in the file")
    y: str | None = key(None, "name of the second variable in the file")
    smoothing: Any | None = key(
        None,
        ("standard deviation of the Gaussian that the free energy is smoothed with, one number or one per variable"),
    )
    patch: Any | None = key(
        None,
        (
            "half-width of the rectangle of the quartic fit at saddle and minimum, one number or one per "
            "variable; 0: the spline's derivatives"
        ),
    )


class TheorySection(Section):
    """What `separatrix theory` needs, in any consistent units: energy 1/beta, the variables' units, time. Types that
    may be one of several (D, grid_h, smoothing, params) are checked in separatrix/theory/model_file.py."""

    name: str | None = key(None, "short name", min_length=1, max_length=100, pattern=LABEL)
    title: str | None = key(None, "title of the page and the figures", min_length=1, max_length=300, pattern=LABEL)
    model: str | None = key(None, "name of an analytic model; may also stand in params")
    params: dict[str, Any] | None = key(None, "parameters of the model or of the formula")
    formula: str | None = key(None, "U as a formula in x and y")
    surface: GridSection | None = key(None, "a free energy on a grid")
    beta: Number | None = key(None, "inverse temperature in 1/energy", gt=0)
    temperature_K: Number | None = key(None, "temperature, in place of beta, when energies are kJ/mol", gt=0)
    D: Any = key(..., "diffusion tensor: a number, [[D_xx, D_xy], [D_xy, D_yy]], or a mapping")
    state_A: str = key(..., "condition in x and y, such as x <= -0.8 and y <= -0.8")
    state_B: str = key(..., "condition in x and y, such as x >= 0.8 and y >= 0.8")
    domain: list[Number] | None = key(None, "borders of the surface, [x0, x1, y0, y1]", min_length=4, max_length=4)
    grid_h: Any | None = key(
        None, "grid spacing: one number (halved for the error estimate), or the coarse and the fine one"
    )
    names: (
        list[Annotated[str, Field(min_length=1, max_length=100, pattern=LABEL, description="name of a variable")]]
        | None
    ) = key(None, "names of the two variables, for the figures", min_length=2, max_length=2)
    units: list[str] | None = key(None, "their units, for the figures", min_length=2, max_length=2)
    kramers_axis: Literal["Kx", "Ky"] | None = key(None, "the axis whose Kramers trial enters tables and figures first")
    saddle: list[Number] | None = key(
        None,
        "where the search for the saddle starts, in place of the pass found on the grid",
        min_length=2,
        max_length=2,
    )
    points: (
        list[Annotated[list[Number], Field(min_length=2, max_length=2, description="pair of numbers [x, y]")]] | None
    ) = key(None, "points at which committors are wanted, in place of seven around the saddle")
    measured: str | None = key(
        None, "committors measured by shooting: a CSV with columns x, y, k and n, or a run's committor.json"
    )
    measured_scale: Any | None = key(
        None, "factor from the units of x and y in that file to those here, one number or one per variable"
    )
    anisotropy: list[Annotated[Number, Field(gt=0, description="ratio D_yy/D_xx")]] | None = key(
        None, "values of D_yy/D_xx of the scan in the report"
    )
    U_saddle: Any | None = key(None, "not read")
    min_A: Any | None = key(None, "not read")
    min_B: Any | None = key(None, "not read")
    barrier_A: Any | None = key(None, "not read")
    hessian_saddle: Any | None = key(None, "not read")
    hessian_A: Any | None = key(None, "not read")
    Uref: Any | None = key(None, "not read")
    langer: Any | None = key(None, "not read")
    values: Any | None = key(None, "not read")
    rel_err_est: Any | None = key(None, "not read")
    geometry: Any | None = key(None, "not read")
