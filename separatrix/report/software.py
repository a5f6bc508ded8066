"""Codes that a run has used: versions, licences (SPDX) and home pages."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from separatrix import potentials
from separatrix.core.program import Code
from separatrix.core.version import code_version
from separatrix.rates.route import in_order

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.methods import Method


PACKAGES = (
    Code("Snakemake", "https://snakemake.github.io", "MIT", "snakemake", ("molder2021",)),
    Code("OpenMM", "https://openmm.org", "MIT AND LGPL-3.0-or-later", "openmm", ("eastman2024",)),
    Code(
        "OpenPathSampling",
        "https://openpathsampling.org",
        "MIT",
        "openpathsampling",
        ("swenson2019basics", "swenson2019ensembles"),
    ),
    Code("MDTraj", "https://www.mdtraj.org", "LGPL-2.1-or-later", "mdtraj", ("mcgibbon2015",)),
    Code("ASE", "https://wiki.fysik.dtu.dk/ase", "LGPL-2.1-or-later", "ase", ("larsen2017",)),
    Code("NumPy", "https://numpy.org", "BSD-3-Clause", "numpy", ("harris2020",)),
    Code("SciPy", "https://scipy.org", "BSD-3-Clause", "scipy", ("virtanen2020",)),
    Code("pandas", "https://pandas.pydata.org", "BSD-3-Clause", "pandas"),
    Code("xarray", "https://xarray.dev", "Apache-2.0", "xarray", ("hoyer2017",)),
    Code("netCDF4", "https://unidata.github.io/netcdf4-python", "MIT", "netCDF4"),
    Code("statsmodels", "https://www.statsmodels.org", "BSD-3-Clause", "statsmodels"),
    Code("ArviZ", "https://python.arviz.org", "Apache-2.0", "arviz-stats"),
    Code("Vega-Altair", "https://altair-viz.github.io", "BSD-3-Clause", "altair"),
)
"""Of every run."""

SCIKIT_LEARN = Code("scikit-learn", "https://scikit-learn.org", "BSD-3-Clause", "scikit-learn", ("pedregosa2011",))
TORCHANI = Code("TorchANI", "https://aiqm.github.io/torchani", "MIT", "torchani", ("gao2020",))


def of_engine(method: Method) -> Code | None:
    """The program behind a method's engine; None where OpenMM or ASE computes."""
    engine = potentials.ENGINES[method.potential]
    if not engine.code:
        return None
    papers = engine.papers(method.options)[:1] if engine.papers is not None else ()
    return Code(engine.code, engine.url, engine.licence, references=papers)


def of_run(config: Config, health: Mapping[str, Mapping[str, Any]]) -> list[Code]:
    """Codes of a run, engines first.

    Parameters
    ----------
    config
        Of the run.
    health
        Content of each method's ``check.json``: what the engine said of itself in the job that ran it, which may have
        had another environment than this process. Versions of packages are those of this process.
    """
    codes: dict[tuple[str, str], Code] = {}
    for name, method in config.methods.items():
        code = of_engine(method)
        if code is not None:
            statement = str(health[name]["version"])
            codes.setdefault(
                (code.name, _number(statement)), replace(code, version=_number(statement), statement=statement)
            )
    library = code_version()
    own = Code("Separatrix", "", "MIT", version=library.version, statement=library.commit_text)
    python = Code("Python", "https://www.python.org", "PSF-2.0", version=platform.python_version())
    packages = list(PACKAGES)
    if config.sections.coordinate.nonlinear_models:
        packages.append(SCIKIT_LEARN)
    for route in in_order():
        if any(route.asked(config.sections.rates, method) for method in config.methods):
            packages += route.programs
    if any("torchani" in str(m.options.get("calculator")) for m in config.methods.values()):
        packages.append(TORCHANI)
    return [own, *codes.values(), python, *filter(None, map(_installed, packages))]


def _installed(code: Code) -> Code | None:
    try:
        return replace(code, version=version(code.package))
    except PackageNotFoundError:  # an engine of another environment
        return None


def _number(statement: str) -> str:
    """The version number in what an engine says of itself, or all of it."""
    numbers = re.findall(r"\d+(?:\.\d+)+[\w.+-]*", statement)
    return numbers[-1] if numbers else statement
