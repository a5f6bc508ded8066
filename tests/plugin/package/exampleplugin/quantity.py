"""A quantity of the comparison: the duration of the longest sampled path."""

from __future__ import annotations

from collections.abc import Iterator

from separatrix.report.quantities.estimate import Estimate, MethodResults
from separatrix.report.quantity_catalogue import Group, Quantity


def longest_path(results: MethodResults) -> Iterator[Estimate]:
    """Of all chains, the initial paths left out; None where no path was accepted."""
    durations = [float(t) for c in results.data.chains for t in c.duration[c.sampled]]
    note = "an extreme value: it grows with the number of paths" if durations else "no path was accepted"
    yield Estimate("longest_path", max(durations, default=None), note=note)


QUANTITIES = (
    Quantity(
        id="longest_path",
        label="longest path",
        group=Group.SAMPLING,
        unit="fs",
        description="Duration of the longest sampled path.",
        estimates=longest_path,
    ),
)
