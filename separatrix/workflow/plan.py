"""What a comparison will cost, and how many cores are worth using: from measured costs, before it is run."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from separatrix.config.configuration import Config
from separatrix.core.errors import ConfigError, PotentialError, StoreError
from separatrix.core.files import read_dataset, read_json
from separatrix.rates.route import asked_routes
from separatrix.workflow.engine_check import time_per_gradient


@dataclass(frozen=True)
class Overhead:
    """What a job costs beside its work, in seconds; measured values and how are in ``docs/cluster.md``.

    Attributes
    ----------
    start
        Inside each job: two starts of Snakemake, imports, the first gradient.
    submit
        Between two submissions.
    notice
        Until Snakemake knows that a job has ended, and what hangs on it is submitted.
    """

    start: float
    submit: float
    notice: float


SLURM = Overhead(start=6.0, submit=2.5, notice=30.0)


@dataclass(frozen=True)
class MethodPlan:
    """Expected cost of one method.

    Attributes
    ----------
    method
        Its name.
    ms_per_step
        Wall milliseconds of an integration step.
    steps_per_shot
        Integration steps of a shot, both halves together.
    source
        Where these two come from.
    chains, rounds, shots
        Chains; most rounds; shots of a chain in all of them, burn-in included.
    committor_shots
        Committor shots of all sets, before any that `adaptive` adds.
    jobs
        Jobs for the cluster when every round is run; short rules, which stay with the master, are not among them.
    first_round_core_hours, sampling_core_hours, committor_core_hours, stationary_core_hours, rates_core_hours
        Core-hours of the first round of all chains; of all rounds; of the committor shots and of the ensemble that some
        of them start from; of check, minima and saddle; of umbrella windows and the transmission coefficient, before
        any windows that are added for want of overlap, and of interface sampling, whose number of interfaces only its
        pilot tells.
    round_minutes
        Minutes that one round of one chain takes.
    """

    method: str
    ms_per_step: float
    steps_per_shot: float
    source: str
    chains: int
    rounds: int
    shots: int
    committor_shots: int
    jobs: int
    first_round_core_hours: float
    sampling_core_hours: float
    committor_core_hours: float
    stationary_core_hours: float
    rates_core_hours: float
    round_minutes: float

    @property
    def core_hours(self) -> float:
        """All of it."""
        sampled = self.sampling_core_hours + self.committor_core_hours
        return sampled + self.stationary_core_hours + self.rates_core_hours

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"core_hours": self.core_hours}


def plan(config: Config, results: Path | str | None = None, threads: int = 1) -> list[MethodPlan]:
    """Expected cost of each method.

    Parameters
    ----------
    config
        The comparison.
    results
        Where an earlier run's shots tell how long they are and what they cost; the config's own folder if None. Without
        any, the gradient is timed here, and a shot is taken to be as long as one longest half.
    threads
        Numeric threads of each job.
    """
    folder = Path(config.sections.results_directory if results is None else results)
    return [_plan_method(config, name, folder / name, threads) for name in config.methods]


def _plan_method(config: Config, name: str, folder: Path, threads: int) -> MethodPlan:
    method, sampling = config.methods[name], config.sections.sampling
    measured = _measured(folder, threads)
    if measured is None:
        try:
            per_step = time_per_gradient(config.system, method) / 1000.0
        except (ConfigError, PotentialError) as error:
            raise type(error)(f"methods.{name}: {error}") from error
        steps = method.dynamics.longest_half / method.dynamics.time_step
        source = "gradient timed here; length of a shot assumed"
    else:
        per_step, steps, shots = measured
        source = f"{shots} shots in {folder}"
    burn_in, each = sampling.burn_in.shots, sampling.shots_per_round
    shots = burn_in + sampling.max_rounds * each
    chains = sampling.chains
    shot = per_step * steps * threads / 3600.0
    draws, rules = config.draws(), config.sections.committor
    committor_shots = sum(configurations * each for configurations, each in draws.values())
    restrained = "restrained" in map(config.source, draws)
    walk = rules.restraint.equilibration_fs + rules.restraint.length_fs
    walked = restrained * rules.restraint.walkers * walk / method.dynamics.time_step
    starts = {config.start_of(chain + 1) for chain in range(chains)} - {"saddle"}
    # Check, minima, saddle searches, guesses; first paths and rounds of the chains; batches of each set.
    # A method of a scan of dynamics has stationary points and free energy from the method that it varies.
    own = config.surface_of(name) == name
    searches, basins = own * len(config.system.saddle_guesses), own * len(config.system.basins)
    jobs = 1 + basins + searches + own * len(starts) + chains * (1 + sampling.max_rounds)
    jobs += restrained + len(draws) * rules.batches
    pulled, pairs = 0.0, 0.0
    for route in asked_routes(config.sections.rates, name):
        work = route.work(config, name)
        pulled, pairs, jobs = pulled + work.steps, pairs + work.shots, jobs + work.jobs
    atoms = config.system.molecule.n_atoms
    # Relaxations, quenches and each saddle search take a few hundred gradients each; numerical Hessians 6 per atom.
    gradients = basins * (300 * (1 + config.sections.stationary.quenches) + 6 * atoms)
    gradients += searches * (1000 + 6 * atoms) + 500 + 6 * atoms
    return MethodPlan(
        method=name,
        ms_per_step=per_step * 1000.0,
        steps_per_shot=steps,
        source=source,
        chains=chains,
        rounds=sampling.max_rounds,
        shots=shots,
        committor_shots=committor_shots,
        jobs=jobs,
        first_round_core_hours=chains * (burn_in + each) * shot,
        sampling_core_hours=chains * shots * shot,
        # A committor shot is one half.
        committor_core_hours=committor_shots * shot / 2.0 + walked * per_step * threads / 3600.0,
        stationary_core_hours=gradients * per_step * threads / 3600.0,
        # A pair of halves is as long as a shot.
        rates_core_hours=pairs * shot + pulled * per_step * threads / 3600.0,
        round_minutes=each * per_step * steps / 60.0,
    )


def _measured(folder: Path, threads: int) -> tuple[float, float, int] | None:
    """Seconds per step, steps per shot, and the number of shots that say so."""
    steps = seconds = shots = 0.0
    for file in sorted(folder.glob("chain_*/round_*/cost.json")):
        try:
            cost = read_json(file)
            read_dataset(file.with_name("shots.nc"))
        except StoreError:
            continue
        steps, seconds, shots = steps + cost["steps"], seconds + cost["core_seconds"], shots + cost["shots"]
    return (seconds / threads / steps, steps / shots, int(shots)) if steps and shots else None


def efficiency(
    n_chains: int,
    cores: int,
    round_seconds: float,
    *,
    rounds: int = 1,
    spread: float = 0.05,
    overhead: Overhead = SLURM,
    rng: np.random.Generator | None = None,
) -> float:
    """Share of the cores' time that goes into shots, by simulating the schedule.

    Jobs of a round are submitted one after the other, wait for a core, start, work, and are noticed as ended; the next
    round begins when all chains of the last have been noticed, as an assessment waits for all of them.

    Parameters
    ----------
    n_chains
        Jobs per round.
    cores
        Jobs at a time.
    round_seconds
        Mean work of a job.
    rounds
        One after the other.
    spread
        Standard deviation of the work of a round over its mean (log-normal): shots differ in length, but many of them
        average out.
    overhead
        Seconds beside the work.
    rng
        Of the spread.

    Returns
    -------
    Work over (cores x time until the last round is noticed), with no more cores counted than there are jobs.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    sigma = math.sqrt(math.log1p(spread**2))
    work = round_seconds * rng.lognormal(-0.5 * sigma**2, sigma, size=(rounds, n_chains))
    used = min(cores, n_chains)
    now = 0.0
    for row in work:
        free = [now] * used
        ended = now
        for k, job in enumerate(row):
            begin = max(now + (k + 1) * overhead.submit, heapq.heappop(free))
            end = begin + overhead.start + job
            heapq.heappush(free, end)
            ended = max(ended, end)
        now = ended + overhead.notice
    return float(work.sum() / (used * now))


def worthwhile_cores(
    plans: Sequence[MethodPlan], overhead: Overhead = SLURM, least: float = 0.8
) -> Mapping[int, float]:
    """Efficiency at growing numbers of cores, up to one per chain, as far as it stays above `least`.

    All chains of all methods are jobs that run side by side; the work of a round is the mean over methods.
    """
    chains = sum(p.chains for p in plans)
    seconds = 60.0 * float(np.average([p.round_minutes for p in plans], weights=[p.chains for p in plans]))
    rounds = max(p.rounds for p in plans)
    cores = 1
    shares: dict[int, float] = {}
    while True:
        share = efficiency(chains, cores, seconds, rounds=rounds, overhead=overhead)
        if share < least and shares:
            break
        shares[cores] = share
        if cores == chains:
            break
        cores = min(2 * cores, chains)
    return shares
