"""What a job asks of a cluster: minutes, megabytes, graphics cards, from its method, its size and what was measured.

Nothing here changes a result. A job that is cut off goes on from its journal; a bad estimate costs a retry, or waiting.
"""

from __future__ import annotations

import math

from separatrix import potentials
from separatrix.config.configuration import Config
from separatrix.config.methods import Method
from separatrix.core.errors import ConfigError
from separatrix.core.text import near
from separatrix.rates.route import ROUTES
from separatrix.results.stage_costs import Measured, StageCost, StageJob

# MB of what is around it: two copies of Snakemake and SLURM's own.
_AROUND = 500
# MB of an engine's own process (`worker: true`), less the engine.
_WORKER = 300

# Minutes for two starts of Snakemake, the imports from a slow shared file system, and the first gradient.
_START = 10
# A node may be slower than the one that the cost was measured on, and some shots are longer than the ones before.
_MARGIN, _MEASURED_MARGIN = 1.5, 2.0
# Attempts at a first path that are planned for; most paths come within ten.
_ATTEMPTS = 20

# MB of paths that are asked for at first while no path's length is known: that they are all as long as can be would ask
# for a hundred times what most systems need. What is too little grows with each attempt by these factors.
_GUESS, _GUESS_GROWS, _MEASURED_GROWS = 4000.0, 4.0, 2.0


def _stationary(gradients: float) -> StageCost:
    """Cost of a stage of so many gradients and numerical derivatives, which take two gradients per coordinate."""
    return StageCost(lambda job: gradients + 12 * job.config.system.molecule.n_atoms)


def _minimum(job: StageJob) -> float:
    return 1000 * (1 + job.config.sections.stationary.quenches) + 12 * job.config.system.molecule.n_atoms


def _shots_of_round(job: StageJob) -> int:
    sampling = job.config.sections.sampling
    return sampling.shots_per_round + (sampling.burn_in.shots if job.number == 1 else 0)


def _measured_round(job: StageJob) -> float | None:
    return _MEASURED_MARGIN * _shots_of_round(job) * job.measured.shot if job.measured.shot else None


def _frames_of_round(job: StageJob) -> float:
    """Accepted paths are kept, put in one array, and written: positions and velocities.

    Paths are taken to be twice as long as the shots of the round before were, or by a guess while none is known, and
    never longer than two of the longest halves; each attempt asks for more.
    """
    dynamics = job.level.dynamics
    each = 3 * job.MB(_shots_of_round(job), 2)
    most = each * 2 * dynamics.longest_half_frames
    if job.measured.so_far:
        frames = job.measured.so_far * dynamics.time_step / dynamics.frame
        return min(_MEASURED_MARGIN * each * frames * _MEASURED_GROWS ** (job.attempt - 1), most)
    return min(_GUESS * _GUESS_GROWS ** (job.attempt - 1), most)


def _first_path(job: StageJob) -> float:
    return 2 * job.longest_half * min(job.config.sections.sampling.first_path_attempts, _ATTEMPTS)


def _committor_shots(job: StageJob) -> float:
    rules = job.config.sections.committor
    configurations, shots = job.config.draws()[job.draw or "separatrix"]
    if rules.adaptive is not None:
        shots = max(shots, rules.adaptive.most_shots)
    return job.longest_half * math.ceil(configurations / rules.batches) * shots


def _restrained(job: StageJob) -> float:
    rules = job.config.sections.committor.restraint
    return rules.walkers * (rules.equilibration_fs + rules.length_fs) / job.level.dynamics.time_step


def _restrained_frames(job: StageJob) -> float:
    rules = job.config.sections.committor.restraint
    # Positions of all frames: as they come, in one array, and written.
    return 3 * job.MB(rules.walkers * (rules.length_fs / rules.frame_fs + 1), 1)


#: What jobs of stages with an engine cost; those of routes to a rate are in the routes' entries.
COSTS = {
    "check": _stationary(600),
    "minimum": StageCost(_minimum),
    "guess": _stationary(1000),
    "saddle_search": _stationary(4000),
    "first_path": StageCost(_first_path),
    "sample": StageCost(lambda job: 2 * job.longest_half * _shots_of_round(job), _frames_of_round, _measured_round),
    "restrained": StageCost(_restrained, _restrained_frames),
    "committor_shots": StageCost(_committor_shots),
}


def cost_of(stage: str) -> StageCost:
    """What a job of a stage costs.

    Raises
    ------
    ConfigError
        When neither this module nor a route to a rate says so.
    """
    costs = COSTS | {name: cost for route in ROUTES.entries().values() for name, cost in route.costs.items()}
    if stage not in costs:
        raise ConfigError(f"the cost of the stage {stage!r} is not known{near(stage, costs)}; its route must say it")
    return costs[stage]


def seconds(
    config: Config, stage: str, method: str, measured_costs: Measured, number: int = 1, draw: str | None = None
) -> float:
    """Seconds of work of a job, its margin included.

    Parameters
    ----------
    stage
        Its name, as :func:`cost_of` takes it.
    method
        Name of the method.
    measured_costs
        What has been measured.
    number
        Of the round, for ``sample``.
    draw
        Committor-test set, for ``committor_shots``.
    """
    job, cost = StageJob(config, method, measured_costs, number, draw), cost_of(stage)
    measured = cost.measured_seconds(job)
    if measured is not None:
        return measured
    gradient = job.measured.gradient or potentials.ENGINES[job.level.potential].seconds_per_gradient
    return _MARGIN * cost.gradients(job) * gradient


def runtime(work: float, attempt: int = 1, longest: int | None = None) -> int:
    """Minutes to ask for.

    Parameters
    ----------
    work
        Seconds.
    attempt
        From 1; each asks for as much again.
    longest
        What the site allows; a job that needs more goes on from its journal in the next attempt.
    """
    minutes = (_START + math.ceil(work / 60)) * attempt
    return minutes if longest is None else min(minutes, longest)


def memory(
    config: Config, stage: str, method: str, attempt: int = 1, number: int = 1, measured_costs: Measured | None = None
) -> int:
    """Megabytes to ask for; the same arguments as :func:`seconds`, and the attempt, from 1. Each asks for more."""
    job = StageJob(config, method, measured_costs or Measured(), number, attempt=attempt)
    engine = potentials.ENGINES[job.level.potential].memory_MB + (_WORKER if job.level.options.get("worker") else 0)
    total = (_AROUND + engine + cost_of(stage).frames_MB(job)) * 1.5 ** (job.attempt - 1)
    return 100 * math.ceil(total / 100)


def graphics_cards(method: Method) -> int:
    """Graphics cards that a method's options ask for."""
    return potentials.ENGINES[method.potential].graphics_cards(method.options)


def conda_environment(method: Method) -> str:
    """Conda environment of a method's engine: NAME of ``envs/NAME.yaml``, or the path of a file."""
    return potentials.ENGINES[method.potential].environment
