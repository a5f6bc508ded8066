"""Route to a rate: flux times crossing probability through interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from separatrix.rates.route import Route, RouteContext, RouteFile, RouteRates, RouteRemark, RouteWork
from separatrix.rates.routes.free_energy_route import windows_MB
from separatrix.results.stage_costs import StageCost, StageJob

if TYPE_CHECKING:
    from separatrix.config.configuration import Config
    from separatrix.config.sections.rates_keys import RatesSection

#: Interfaces that are taken as usual before a pilot has placed them: 15 orders of magnitude, at a quarter each.
INTERFACES = 25
#: Cycles of a pilot in units of `pilot_moves`, as a rule; there are more where an interface is hard to cross.
PILOT_CYCLES = 6


def _rates(files: Mapping[str, Any], context: RouteContext) -> RouteRates:
    content = files["interfaces"]
    rate = {key: content["rate"].get(key) for key in ("rate", "ln_error", "low", "high")}
    about = {"from": content["from"], "to": content["to"], "temperature": context.temperature}
    return RouteRates([about | rate], {"interfaces": content})


def _remarks(content: Mapping[str, Any]) -> Iterable[RouteRemark]:
    # Not at the top: Snakemake reads the entries for each job.
    from separatrix.rates.remarks.interface_remarks import remarks

    return remarks(content)


def _citations(rates: RatesSection) -> Iterable[tuple[str, str]]:
    yield "vanerp2003", "sampling through interfaces"
    yield "vanerp2007", "exchange of paths between interfaces"
    yield "roet2022", "among all of them at once"


def _work(config: Config, method: str) -> RouteWork:
    rules, dynamics = config.sections.rates.interfaces, config.methods[method].dynamics
    cycles = rules.burn_in + rules.cycles
    # About one MD segment in A per path that leaves; the pilot equilibrates A, and its paths place interfaces.
    segments = 2 * rules.pilot_moves + rules.chains * cycles / rules.refresh
    shots = INTERFACES * (PILOT_CYCLES * rules.pilot_moves + rules.chains * cycles)
    # Pilot and chains; the rate is computed by the main process.
    return RouteWork(segments * rules.segment_fs / dynamics.time_step, shots, 1 + rules.chains)


def windows_of_pilot(rates: RatesSection, method: str) -> bool:
    """Whether a method has umbrella windows along the variables of its interfaces, for the pilot to start from."""
    return method in rates.umbrella.methods and rates.umbrella.variables == rates.interfaces.variables


def _gradients(job: StageJob, segments: float, cycles: float) -> float:
    rules = job.config.sections.rates.interfaces
    # Paths of the [0+] ensemble are followed beyond their MD segments.
    walk = 1.2 * segments * rules.segment_fs / job.level.dynamics.time_step
    # How many interfaces there will be only the pilot tells. Few paths are longer than those that cross.
    return walk + (job.measured.steps or 2 * job.longest_half) * INTERFACES * cycles


def _pilot(job: StageJob) -> float:
    rules = job.config.sections.rates.interfaces
    return _gradients(job, 2 * rules.pilot_moves, PILOT_CYCLES * rules.pilot_moves)


def _chain(job: StageJob) -> float:
    rules = job.config.sections.rates.interfaces
    cycles = rules.cycles + rules.burn_in
    return _gradients(job, cycles / rules.refresh, cycles)


def _frames_of_pilot(job: StageJob) -> float:
    rates = job.config.sections.rates
    frames = 2 * rates.interfaces.pilot_moves * rates.interfaces.segment_fs / job.level.dynamics.frame
    # Paths of the [0+] ensemble of all MD segments are kept: at most all their frames.
    windows = windows_MB(job, rates.umbrella.windows) if windows_of_pilot(rates, job.method) else 0.0
    return job.MB(frames, 2) + windows


def _further_files(rates: RatesSection) -> Iterable[RouteFile]:
    yield RouteFile("rates/interface_pilot.nc")
    for chain in range(rates.interfaces.chains):
        yield RouteFile(f"rates/interface_chain_{chain}.nc")


ROUTE = Route(
    name="interfaces",
    title="flux times crossing probability through interfaces",
    summary="interface sampling",
    trust=2.0,
    files={"interfaces": RouteFile("rates/interfaces.json")},
    asked=lambda rates, method: method in rates.interfaces.methods,
    rates=_rates,
    remarks=_remarks,
    citations=_citations,
    absent={"interfaces": {}},
    work=_work,
    costs={"interface_pilot": StageCost(_pilot, _frames_of_pilot), "interface_chain": StageCost(_chain)},
    further_files=_further_files,
)
