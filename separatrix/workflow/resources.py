"""What a job asks of a cluster: minutes, megabytes, graphics cards, from its method, its size and what was measured.

Nothing here changes a result. A job that is cut off goes on from its journal; a bad estimate costs a retry, or waiting.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from separatrix import potentials
from separatrix.config.configuration import Config
from separatrix.config.methods import Method
from separatrix.core.errors import StoreError
from separatrix.core.files import read_json
from separatrix.rates.routes.interface_route import INTERFACES, PILOT_CYCLES

# MB of what stands around it: two copies of Snakemake and SLURM's own.
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
# Files that are looked at to know how long shots are; there may be hundreds of chains.
_LOOKED_AT = 64


@dataclass(frozen=True)
class Measured:
    """What is known of a method's cost.

    Attributes
    ----------
    gradient
        Seconds per integration step, energy and gradient included; None while unknown.
    shot
        Seconds per shot of the chain's rounds so far; None while unknown.
    steps
        Integration steps per shot of all chains, when their sampling has ended; None while unknown.
    so_far
        Integration steps per shot in the round before, or the first one, of the chains that have done it; None while
        none has.
    """

    gradient: float | None = None
    shot: float | None = None
    steps: float | None = None
    so_far: float | None = None


def measured(folder: Path | str, chain: int | None = None, number: int | None = None, threads: int = 1) -> Measured:
    """What the files of a method tell of its cost; files that are not there, or not whole, tell nothing.

    Parameters
    ----------
    folder
        Of the method, with ``check.json`` and the chains.
    chain, number
        Round that is to come; the one before it is looked at.
    threads
        Numeric threads of each job.
    """

    def read(name: str) -> Mapping[str, Any]:
        try:
            return read_json(Path(folder) / name)
        except StoreError:
            return {}

    health = read("check.json")
    gradient = (health.get("ms_per_gradient") or 0.0) * (health.get("calls_per_step") or 1.0) / 1000
    cost = read(f"chain_{chain}/round_{number - 1}/cost.json") if chain and number and number > 1 else {}
    shots = cost.get("shots") or 0

    def steps_per_shot(pattern: str) -> float | None:
        files = itertools.islice(Path(folder).glob(pattern), _LOOKED_AT)
        costs = [read(str(file.relative_to(folder))) for file in files]
        steps, all_shots = (sum(c.get(key) or 0 for c in costs) for key in ("steps", "shots"))
        return steps / all_shots if steps and all_shots else None

    return Measured(
        gradient or None,
        cost.get("core_seconds", 0.0) / threads / shots if shots else None,
        steps_per_shot("chain_*/cost.json"),
        steps_per_shot(f"chain_*/round_{max((number or 1) - 1, 1)}/cost.json"),
    )


def seconds(
    config: Config, stage: str, method: str, known: Measured, number: int = 1, draw: str | None = None
) -> float:
    """Seconds of work of a job, its margin included.

    Parameters
    ----------
    stage
        ``check``, ``minimum``, ``guess``, ``saddle_search``, ``first_path``, ``sample``, ``restrained``,
        ``umbrella``, ``free_energy``, ``transmission``, ``interface_pilot``, ``interface_chain`` or
        ``committor_shots``.
    known
        What has been measured.
    number
        Of the round, for ``sample``.
    draw
        Set of shots, for ``committor_shots``.
    """
    data, spec = config.data, config.methods[method]
    if stage == "sample":
        shots = data["sampling"]["shots_per_round"] + (data["sampling"]["burn_in"]["shots"] if number == 1 else 0)
        if known.shot:
            return _MEASURED_MARGIN * shots * known.shot
    gradient = known.gradient or potentials.ENGINES[spec.potential].seconds_per_gradient
    # No half is longer than this; how long they are on average only sampling tells.
    half = spec.dynamics.longest_half / spec.dynamics.time_step
    atoms = len(config.system.molecule.symbols)
    if stage == "sample":
        gradients = 2 * half * shots
    elif stage == "first_path":
        gradients = 2 * half * min(data["sampling"]["first_path_attempts"], _ATTEMPTS)
    elif stage == "committor_shots":
        configurations, shots = config.draws()[draw or "separatrix"]
        shots = max(shots, data["committor"].get("adaptive", {}).get("most_shots", 0))
        gradients = half * math.ceil(configurations / data["committor"]["batches"]) * shots
    elif stage == "restrained":
        rules = data["committor"]["restraint"]
        walk = (rules["equilibration_fs"] + rules["length_fs"]) / spec.dynamics.time_step
        gradients = rules["walkers"] * walk
    elif stage in ("umbrella", "free_energy"):
        rules = data["rates"]["umbrella"]
        walk = (rules["equilibration_fs"] + rules["length_fs"]) / rules.get("time_step_fs", spec.dynamics.time_step)
        # What the free energy adds for want of overlap is a few windows as a rule.
        windows = math.ceil(rules["windows"] / rules["batches"]) if stage == "umbrella" else 3
        gradients = windows * walk
    elif stage in ("interface_pilot", "interface_chain"):
        rules = data["rates"]["interfaces"]
        pilot = stage == "interface_pilot"
        cycles = PILOT_CYCLES * rules["pilot_moves"] if pilot else rules["cycles"] + rules["burn_in"]
        stretches = 2 * rules["pilot_moves"] if pilot else cycles / rules["refresh"]
        # Excursions are followed beyond their stretches.
        walk = 1.2 * stretches * rules["stretch_fs"] / spec.dynamics.time_step
        # How many interfaces there will be only the pilot tells. Few paths are longer than those that cross.
        gradients = walk + (known.steps or 2 * half) * INTERFACES * cycles
    elif stage == "transmission":
        gradients = 2 * half * data["rates"]["transmission"]["configurations"]
    else:
        quenches = data["stationary"]["quenches"]
        # Numerical derivatives take two gradients per coordinate.
        single = {"check": 600, "minimum": 1000 * (1 + quenches), "guess": 1000, "saddle_search": 4000}
        gradients = single[stage] + 12 * atoms
    return _MARGIN * gradients * gradient


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
    config: Config, stage: str, method: str, attempt: int = 1, number: int = 1, known: Measured | None = None
) -> int:
    """Megabytes to ask for; the same arguments as :func:`seconds`, and the attempt, from 1.

    Paths are taken to be twice as long as the shots of the round before were, or by a guess while none is known, and
    never longer than two of the longest halves; each attempt asks for more.
    """
    spec = config.methods[method]
    engine = potentials.ENGINES[spec.potential].memory_MB + (_WORKER if spec.options.get("worker") else 0)
    paths = 0.0
    if stage == "sample":
        shots = config.data["sampling"]["shots_per_round"]
        shots += config.data["sampling"]["burn_in"]["shots"] if number == 1 else 0
        # Accepted paths are kept, put in one array, and written: positions and velocities in double precision.
        each = 3 * shots * len(config.system.molecule.symbols) * 6 * 8 / 1e6
        most = each * 2 * spec.dynamics.longest_half_frames
        if known is not None and known.so_far:
            frames = known.so_far * spec.dynamics.time_step / spec.dynamics.frame
            paths = min(_MEASURED_MARGIN * each * frames * _MEASURED_GROWS ** (attempt - 1), most)
        else:
            paths = min(_GUESS * _GUESS_GROWS ** (attempt - 1), most)
    if stage == "restrained":
        rules = config.data["committor"]["restraint"]
        frames = rules["walkers"] * (rules["length_fs"] / rules["frame_fs"] + 1)
        # Positions of all frames: as they come, in one array, and written.
        paths = 3 * frames * len(config.system.molecule.symbols) * 3 * 8 / 1e6
    if stage == "interface_pilot":
        rules = config.data["rates"]["interfaces"]
        frames = 2 * rules["pilot_moves"] * rules["stretch_fs"] / spec.dynamics.frame
        # Excursions of all stretches are kept: at most all their frames.
        paths = frames * len(config.system.molecule.symbols) * 6 * 8 / 1e6
    if stage in ("umbrella", "free_energy") or (stage == "interface_pilot" and config.windows_of_pilot(method)):
        rules = config.data["rates"]["umbrella"]
        windows = math.ceil(rules["windows"] / rules["batches"]) if stage == "umbrella" else rules["windows"]
        frames = windows * (rules["equilibration_fs"] + rules["length_fs"]) / rules["frame_fs"]
        # Positions of all frames, as they come and in one array.
        paths += 2 * frames * len(config.system.molecule.symbols) * 3 * 8 / 1e6
    total = (_AROUND + engine + paths) * 1.5 ** (attempt - 1)
    return 100 * math.ceil(total / 100)


def graphics_cards(method: Method) -> int:
    """Graphics cards that a method's options ask for."""
    return potentials.ENGINES[method.potential].graphics_cards(method.options)


def conda_environment(method: Method) -> str:
    """Conda environment of a method's engine: NAME of ``envs/NAME.yaml``, or the path of a file."""
    return potentials.ENGINES[method.potential].environment
