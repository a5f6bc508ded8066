"""What a rule of the workflow calls: one module per part of the DAG; resources, plans, SLURM.

A rule hands on what it names: each named input, output and parameter is an argument of the stage's function by the same
name. Inputs and outputs without a name are only waited for, or made beside the others. A function that takes
``outputs`` gets all named outputs in one dictionary. What is an empty list where the function has a default is left to
the default: a file that is needed by some methods only.

The rule is the only place where a stage is wired. Its parameter `stage` names the function. Its parameter `revision`,
from 1, is that of what the function computes: a correction that changes numbers raises it, and then this stage and all
behind it run again, with new journals, and nothing else does. Where two stages share the corrected code, raise both.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Revision(int):
    """Revision of a stage, as its rule's parameter `revision`.

    Snakemake holds the set of a job's parameters against that of before, as text and without names. So a revision must
    not look like another number: of chain 1 in round 2 it may rise from 1 to 2.
    """

    def __repr__(self) -> str:
        return f"revision {int(self)}"


@dataclass(frozen=True)
class Stage:
    """What a rule calls, as its parameter `stage`.

    Snakemake does not compare objects like this one, so a function may move without a job being run again.

    Attributes
    ----------
    function
        ``module:function``, imported in the job.
    """

    function: str

    def load(self) -> Callable[..., None]:
        """The function."""
        module, _, name = self.function.partition(":")
        function: Callable[..., None] = getattr(importlib.import_module(module), name)
        return function

    def arguments(self, inputs: Any, outputs: Any, params: Any) -> dict[str, Any]:
        """Arguments of the function, from the named inputs, outputs and parameters of a job."""
        signature = inspect.signature(self.load()).parameters
        own = {"stage"} if "revision" in signature else {"stage", "revision"}
        given = {name: value for name, value in params.items() if name not in own}
        given = {name: int(value) if isinstance(value, Revision) else value for name, value in given.items()}
        given |= dict(inputs.items())
        given |= {"outputs": dict(outputs.items())} if "outputs" in signature else dict(outputs.items())
        if (revision := dict(params.items()).get("revision", 1)) > 1 and "settings" in given:
            # A corrected stage goes on from no journal of before.
            given["settings"] = {**given["settings"], "revision": int(revision)}
        return {
            name: value
            for name, value in given.items()
            if not (_is_empty(value) and name in signature and signature[name].default is not inspect.Parameter.empty)
        }


def _is_empty(value: Any) -> bool:
    return isinstance(value, list | tuple) and not len(value)


def run(snakemake: Any) -> None:
    """Run a job: `snakemake` is the object that Snakemake puts into a script."""
    stage: Stage = snakemake.params.stage
    stage.load()(**stage.arguments(snakemake.input, snakemake.output, snakemake.params))
