"""The report of a fit: plain data, which the command prints and the workflow keeps as ``coordinate.json``.

Keys of :meth:`Report.to_dict`, the same in both, with the intercept first wherever there is one:

``coordinate``
    The chosen coordinate as :class:`separatrix.coordinate.committor_model.Coordinate` has it.
``calibration``
    Observed fractions against predicted committors (:class:`separatrix.statistics.calibration.CalibrationTable`).
``intervals``, ``held_out``, ``bootstrap``, ``interchangeable``, ``beyond_linear``
    Its intervals, blocks and resampled coefficients; its held-out likelihood; how often variables are chosen in
    resamples; variables that the data do not tell from its own; models that are not linear.
``sets``
    The chosen set, with the options `each_size` and `compared` others too, each with the same
    (:meth:`separatrix.coordinate.judged_set.JudgedSet.to_dict`).
``per_size``, ``top``, ``cost``, ``costs``, ``criterion``, ``two_line``, ``greedy_gap``, ``search``, ``n_fits``, ...
    The search (:class:`separatrix.coordinate.selection.Selection`); with velocities ``inertial``, the fits with them.
``options``, ``notes``
    What was asked for, and what must be known before the coordinate is believed.

:meth:`Report.printed` adds what ``separatrix fit --json`` says besides: the file, the chosen coordinate and its
intervals once more at the top, tables of sizes and rivals, and the processor time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from separatrix.coordinate.committor_model import Coordinate
from separatrix.coordinate.fit_options import Options
from separatrix.coordinate.interchangeable import Interchangeable
from separatrix.coordinate.judged_set import JudgedSet
from separatrix.coordinate.nonlinear_models import NonlinearModel
from separatrix.coordinate.observations import Observations
from separatrix.coordinate.resampling import SelectionFrequency
from separatrix.coordinate.selection import RankedSubset, Selection
from separatrix.core.plain import json_safe
from separatrix.statistics.calibration import CalibrationTable


@dataclass(frozen=True, eq=False)
class ReportedSet:
    """One set of variables of a report.

    Attributes
    ----------
    role
        ``best`` of its size, or ``beside``: asked for by name.
    chosen
        Whether it is the coordinate.
    names, units
        Of its variables.
    judged
        Its numbers; None where it cannot be fitted.
    problem
        Why it cannot; else empty.
    """

    role: str
    chosen: bool
    names: tuple[str, ...]
    units: tuple[str, ...]
    judged: JudgedSet | None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON types; NaN becomes None."""
        head = {"role": self.role, "chosen": self.chosen, "units": list(self.units)}
        if self.judged is None:
            return head | {"variables": list(self.names), "problem": self.problem}
        return head | self.judged.to_dict()


@dataclass(frozen=True, eq=False)
class Report:
    """Result of :func:`separatrix.coordinate.fitting.fit`.

    Attributes
    ----------
    observations, options
        What was asked.
    selection
        The search, with the best coordinate of every size.
    chosen
        The coordinate of the chosen size, with its intervals and held-out likelihood.
    sets
        It, and the other sets that were asked for.
    rivals
        Sets of the same size, best first, the chosen one included.
    calibration
        Observed fractions of outcomes against the committors that the coordinate predicts.
    frequency
        Of the variables in a bootstrap over the blocks; None without.
    groups
        Variables that the data do not tell from those of the coordinate.
    nonlinear_models
        Models that are not linear, on the folds of the held-out likelihood.
    notes
        What must be known before the coordinate is believed; one sentence each.
    cpu_seconds
        Processor time of the search, exact fits included: of what `Selection.n_fits` counts.
    total_cpu_seconds
        Processor time of everything.
    """

    observations: Observations
    options: Options
    selection: Selection
    chosen: JudgedSet
    sets: tuple[ReportedSet, ...]
    rivals: tuple[RankedSubset, ...]
    calibration: CalibrationTable
    frequency: SelectionFrequency | None
    groups: tuple[Interchangeable, ...]
    nonlinear_models: tuple[NonlinearModel, ...]
    notes: tuple[str, ...]
    cpu_seconds: float
    total_cpu_seconds: float

    @property
    def best(self) -> Coordinate:
        """The chosen coordinate."""
        return self.chosen.coordinate

    @property
    def inertial(self) -> Coordinate | None:
        """The fit of the same variables with their velocities; None without velocities."""
        return None if self.selection.inertial is None else self.selection.inertial[len(self.best.names)]

    @property
    def beats_null(self) -> bool:
        """Whether the coordinate is better than a constant committor by the criterion."""
        return self.selection.cost[len(self.best.names)] < self.selection.cost[0]

    def frequency_of(self, names: Sequence[str]) -> float | None:
        """Fraction of the resamples whose coordinate had at least one of these variables; None without bootstrap."""
        if self.frequency is None or not self.frequency.n_boot:
            return None
        wanted = set(names)
        return sum(count for held, count in self.frequency.sets if wanted & set(held)) / self.frequency.n_boot

    def to_dict(self) -> dict[str, Any]:
        """JSON types, keys as the module lists them; NaN and infinities become None."""
        seen, chosen = self.observations, self.chosen
        search = self.selection.to_dict()
        return json_safe(
            {
                "reactant": seen.reactant,
                "product": seen.product,
                "n_observations": self.best.n_observations,
                "n_success": self.best.n_success,
                "n_left_out": seen.left_out,
                "n_candidates": len(seen.names) - len(self.selection.excluded),
                "options": {field.name: getattr(self.options, field.name) for field in fields(self.options)},
                "coordinate": self.best.to_dict(),
                "intervals": chosen.intervals(),
                "held_out": None if chosen.held_out is None else chosen.held_out.to_dict(),
                "calibration": self.calibration.to_dict(),
                "beats_null": self.beats_null,
                "null_log_likelihood": self.selection.null_log_likelihood,
                "criterion": self.options.criterion,
                **{
                    key: search[key]
                    for key in (
                        *("cost", "costs", "per_size", "inertial", "top", "excluded", "search", "two_line"),
                        *("greedy_gap", "n_fits", "n_refits"),
                    )
                },
                "interchangeable": [
                    group.to_dict() | {"frequency": self.frequency_of(group.names)} for group in self.groups
                ],
                "bootstrap": None if self.frequency is None else self.frequency.to_dict(),
                "sets": [each.to_dict() for each in self.sets],
                "beyond_linear": [model.to_dict() for model in self.nonlinear_models],
                "notes": list(self.notes),
            }
        )

    def printed(self) -> dict[str, Any]:
        """What ``separatrix fit --json`` prints: :meth:`to_dict` and more, as the module says."""
        seen, search, best = self.observations, self.selection, self.best
        return self.to_dict() | json_safe(
            {
                "file": str(seen.path),
                "kind": seen.kind,
                "model": best.model,
                "units": [seen.units[seen.names.index(name)] for name in best.names],
                "aic": best.aic,
                "bic": best.bic,
                "cpu_seconds": self.cpu_seconds,
                "total_cpu_seconds": self.total_cpu_seconds,
                "null_costs": {name: cost[0] for name, cost in search.costs.items()},
                "rivals": [line.to_dict() for line in self.rivals],
                "selection_frequency": None
                if self.frequency is None
                else {
                    name: self.frequency.frequency[self.frequency.names.index(name)]
                    for name in self.frequency.candidates
                },
                "sizes": [
                    {
                        "size": k,
                        "variables": list(lines[0].names),
                        "log_likelihood": lines[0].log_likelihood,
                        **{name: cost[k] for name, cost in search.costs.items()},
                        "greedy_variables": list(search.greedy[k].names) if k in search.greedy else None,
                        "greedy_gap": search.greedy_gap.get(k),
                        "coefficients": [search.per_size[k].intercept, *search.per_size[k].coefficients],
                        "information_error": search.per_size[k].information_error,
                        "separable": lines[0].separable,
                    }
                    for k, lines in search.top.items()
                ],
                # Of the chosen set; ``bootstrap`` and ``held_out`` are there already.
                **{key: value for key, value in self.chosen.to_dict().items() if key not in ("bootstrap", "held_out")},
            }
        )
