"""Rates on a surface of the theory by every approximation, and how far its separatrices avoid the saddle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from separatrix.report.figure_registry import SurfaceTable
from separatrix.report.table_content import TablePage

if TYPE_CHECKING:
    from separatrix.report.theory_page import Result


def content(result: Result) -> TablePage:
    """Rates in the order of their bounds, and saddle-point avoidance in three senses."""
    # The workflow reads all entries when it starts; the theory can wait.
    from separatrix.report import theory_tables

    return theory_tables.content(result.analysis)


TABLE = SurfaceTable(
    name="theory",
    title="{surface}: rates and avoidance",
    category="Theory",
    section="theory",
    place=510,
    caption=(
        "Rates, committors and the separatrix of a free-energy surface by every approximation, and the exact answer "
        "for the same surface, diffusion tensor and states. First the exact rate (finite elements) and its upper "
        "bounds by the variational principle, then approximations that are no bounds. Alpha is the weight of the "
        "first committor of a combination, and may lie outside 0 to 1.\n\n"
        "Saddle-point avoidance has three senses: the committor at the saddle, which alone does not depend on the "
        "variables' units; the vector from the saddle to the separatrix; and where the reactive flux crosses the "
        "separatrix.\n\n"
        "All of this is for diffusive motion along the two variables. Where inertia or memory matters, as in an "
        "isomerisation in the gas phase, the rates do not apply, and of the avoidance only the committor at the "
        "saddle has a meaning: the one measured by shooting."
    ),
    content=content,
)
