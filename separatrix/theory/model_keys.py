"""Keys of a MODEL.yaml: a surface of two variables and its states."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from separatrix.core.section import LABEL, Number, Section, key
from separatrix.core.text import shown


def _number_or_pair(value: Any) -> Any:
    both = value if isinstance(value, list) else [value]
    if len(both) not in (1, 2) or (isinstance(value, list) and len(both) != 2):
        raise PydanticCustomError("pair", "{seen}; give one number, or one for x and one for y", {"seen": shown(value)})
    for each in both:
        if isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each):
            raise PydanticCustomError("pair", "{seen} is not a number", {"seen": shown(each)})
    return value


def _one_or_two_pairs(value: Any) -> Any:
    levels = value if isinstance(value, list) else [value]
    if len(levels) not in (1, 2):
        message = "{seen}; give one spacing, or the coarse and the fine one"
        raise PydanticCustomError("levels", message, {"seen": shown(value)})
    for level in levels:
        _number_or_pair(level)
    return value


_NUMBERS = {"type": ["number", "array"], "items": {"type": ["number", "array"]}}

NumberOrPair = Annotated[float | list[float], PlainValidator(_number_or_pair), WithJsonSchema(_NUMBERS)]
"""One number for both variables, or one for each."""

Spacings = Annotated[float | list[float | list[float]], PlainValidator(_one_or_two_pairs), WithJsonSchema(_NUMBERS)]
"""Grid spacing, or the coarse and the fine one, each a number or one for each variable."""

Tensor = Annotated[
    float | str | list[Any] | dict[str, Any],
    PlainValidator(lambda value: value),
    WithJsonSchema({"type": ["number", "array", "object"]}),
]
"""A diffusion tensor in one of its forms; a mapping is one of the sections below."""


class GridSection(Section):
    """A free energy on a grid."""

    file: str = key(..., "path of a netCDF or CSV file", guide="netCDF, or CSV with a header and one line per node")
    variable: str | None = key(
        None, "name of the free energy in it; the only one of two dimensions if absent", shown_default="the only field"
    )
    x: str | None = key(
        None,
        "name of the first variable in the file",
        shown_default="what the file says",
        guide=(
            "name of the first variable in the file; absent: what the file calls by one of `names`, or x and y, or "
            "marks with the attribute `axis`; else in their order, and a note says so"
        ),
    )
    y: str | None = key(None, "name of the second variable in the file", shown_default="what the file says")
    smoothing: NumberOrPair = key(
        0.0,
        ("standard deviation of the Gaussian that the free energy is smoothed with, one number or one per variable"),
        guide="standard deviation of the Gaussian that U is smoothed with, one number or `[x, y]`",
    )
    patch: NumberOrPair | None = key(
        None,
        (
            "half-width of the rectangle of the quartic fit at saddle and minimum, one number or one per "
            "variable; 0: the spline's derivatives"
        ),
        shown_default="1.5 widths of A",
        guide="half-width of the fit at saddle and minima, one number or `[x, y]`; 0: derivatives of the spline",
    )


class FormulaDiffusion(Section):
    """A diffusion tensor by formulas in x and y."""

    xx: str | Number = key(..., "formula of D_xx")
    yy: str | Number = key(..., "formula of D_yy")
    xy: str | Number | None = key(None, "formula of D_xy; 0 if absent")


class GridDiffusion(Section):
    """A diffusion tensor on a grid."""

    file: str = key(..., "path of a netCDF or CSV file")
    x: str | None = key(None, "name of the first variable in the file")
    y: str | None = key(None, "name of the second variable in the file")
    xx: str = key("D_xx", "name of D_xx in it")
    yy: str = key("D_yy", "name of D_yy in it")
    xy: str | None = key(None, "name of D_xy in it; D_xy if absent, and 0 where that is not there")


class FrictionDiffusion(Section):
    """A diffusion tensor from masses and a friction, kT/(m gamma) in nm^2/ps."""

    masses_Da: NumberOrPair = key(..., "masses of the two variables, in dalton")
    friction_per_ps: Number = key(..., "friction of both, per picosecond", gt=0)


def _not_read() -> Any:
    """A result of an earlier run, as the file gives it."""
    return key(None, "not read", hidden=True)


class TheorySection(Section):
    """What `separatrix theory` needs, in any consistent units: energy 1/beta, the variables' units, time."""

    name: str | None = key(
        None, "short name", shown_default="the file's name", min_length=1, max_length=100, pattern=LABEL
    )
    title: str | None = key(
        None,
        "title of the page and the figures",
        shown_default="the name",
        min_length=1,
        max_length=300,
        pattern=LABEL,
    )
    model: str | None = key(
        None,
        "name of an analytic model; may also stand in params",
        guide=(
            "name of an analytic model, which may also stand in `params`: "
            "`LinearCoupled`: Δ(x² − 1)² e^{bx} + a(x − x³/3) + κ/2 (y − cx)²; "
            "`Mirror`: Δ(x² − 1)² + κ/2 (y − q(1 − x²))²; "
            "`SzaboBerezhkovskii`: u(x) + Om2/2 (x − y)², u = −w2 x²/2 for |x| < x0/2, else "
            "−w2 x0²/4 + w2 (|x| − x0)²/2; "
            "or a surface of the engine `model` (`double-well-2d`, `solute-solvent`, `mueller-brown`), in nm and kJ/mol"
        ),
    )
    params: dict[str, Any] = key(
        {},
        "parameters of the model or of the formula",
        guide=(
            "parameters, by the names `Delta`, `kappa`, `c`, `a`, `b`; `q`; `x0`, `w2`, `Om2`; those of the engine "
            "(above, without masses); or names of your own in a formula"
        ),
    )
    formula: str | None = key(
        None,
        "U as a formula in x and y",
        guide=(
            "U as text in x, y and `params`: `+ - * / ^`, `exp log sqrt abs sin cos tan sinh cosh tanh min max`, and "
            "definitions after semicolons"
        ),
    )
    surface: GridSection | None = key(None, "a free energy on a grid")
    beta: Number | None = key(None, "inverse temperature in 1/energy", gt=0)
    temperature_K: Number | None = key(None, "temperature, in place of beta, when energies are kJ/mol", unit="K", gt=0)
    D: Tensor = key(
        ...,
        "diffusion tensor: a number, [[D_xx, D_xy], [D_xy, D_yy]], or a mapping",
        guide=(
            "diffusion tensor: a number; `[[D_xx, D_xy], [D_xy, D_yy]]`; formulas `{xx: …, yy: …, xy: …}`; "
            "`{file: d.nc}` with fields `D_xx`, `D_yy`, `D_xy` (or `xx: NAME` …); or "
            "`{masses_Da: [m_x, m_y], friction_per_ps: γ}` for kT/mγ in nm²/ps"
        ),
    )
    state_A: str = key(
        ...,
        "condition in x and y, such as x <= -0.8 and y <= -0.8",
        guide=(
            "condition in x and y, joined by `and`, `or`, `not`: `x <= -0.8 and y <= -0.8`. Let its borders be grid "
            "lines"
        ),
    )
    state_B: str = key(..., "condition in x and y, such as x >= 0.8 and y >= 0.8")
    domain: list[Number] | None = key(
        None,
        "borders of the surface, [x0, x1, y0, y1]",
        shown_default="that of the file",
        guide="`[x0, x1, y0, y1]`, with reflecting borders",
        min_length=4,
        max_length=4,
    )
    grid_h: Spacings | None = key(
        None,
        "grid spacing: one number (halved for the error estimate), or the coarse and the fine one",
        shown_default="that of the file",
        guide="grid spacing: `h` (then h/2 too), or `[coarse, fine]`, each a number or `[x, y]`",
    )
    names: list[
        Annotated[str, Field(min_length=1, max_length=100, pattern=LABEL, description="name of a variable")]
    ] = key(["x", "y"], "names of the two variables, for the figures", min_length=2, max_length=2)
    units: list[str] = key(["", ""], "their units, for the figures", shown_default="none", min_length=2, max_length=2)
    kramers_axis: Literal["Kx", "Ky"] | None = key(
        None,
        "the axis whose Kramers trial enters tables and figures first",
        shown_default="the slow one",
        guide="`Kx` or `Ky`: whose Kramers trial is combined first",
    )
    saddle: list[Number] | None = key(
        None,
        "where the search for the saddle starts, in place of the pass found on the grid",
        shown_default="the pass on the grid",
        guide="where the search for the saddle starts",
        min_length=2,
        max_length=2,
    )
    points: list[Annotated[list[Number], Field(min_length=2, max_length=2, description="pair of numbers [x, y]")]] = (
        key(
            [],
            "points at which committors are wanted, in place of seven around the saddle",
            shown_default="seven around the saddle",
            guide="where committors are wanted",
        )
    )
    measured: str | None = key(
        None,
        "committors measured by shooting: a CSV with columns x, y, k and n, or a run's committor.json",
        guide=(
            "committors measured by shooting: a CSV with columns `x`, `y`, `k`, `n`, or the `committor.json` of a run "
            "whose config names the two variables under `committor.map`"
        ),
    )
    measured_scale: NumberOrPair = key(
        1.0,
        "factor from the units of x and y in that file to those here, one number or one per variable",
        guide="factor from the units in that file to those here (0.1 from Å to nm), one number or `[x, y]`",
    )
    anisotropy: list[Annotated[Number, Field(gt=0, description="ratio D_yy/D_xx")]] = key(
        [],
        "values of D_yy/D_xx of the scan in the report",
        shown_default="nine from 1 to 1e-4",
        guide="values of D_yy/D_xx of the scan",
    )
    U_saddle: Any | None = _not_read()
    min_A: Any | None = _not_read()
    min_B: Any | None = _not_read()
    barrier_A: Any | None = _not_read()
    hessian_saddle: Any | None = _not_read()
    hessian_A: Any | None = _not_read()
    Uref: Any | None = _not_read()
    langer: Any | None = _not_read()
    values: Any | None = _not_read()
    rel_err_est: Any | None = _not_read()
    geometry: Any | None = _not_read()
