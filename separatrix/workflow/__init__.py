"""What a rule of the workflow calls: one module per part of the DAG; resources, plans, SLURM.

A rule hands on what it names: each named input, output and parameter is an argument of the stage's function by the same
name. Inputs and outputs without a name are only waited for, or made beside the others. A function that takes
``outputs`` gets all named outputs in one dictionary. What is an empty list where the function has a default is left to
the default: a file that is needed by some methods only.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """What a rule calls.

    Attributes
    ----------
    function
        ``module:function``, imported in the job.
    revision
        Of what it computes, from 1. A correction that changes numbers raises it; then this stage and all behind it run
        again, with new journals, and nothing else does. Where two stages share the corrected code, raise both.
    """

    function: str
    revision: int = 1

    def load(self) -> Callable[..., None]:
        """The function."""
        module, _, name = self.function.partition(":")
        function: Callable[..., None] = getattr(importlib.import_module(module), name)
        return function

    def arguments(self, inputs: Any, outputs: Any, params: Any) -> dict[str, Any]:
        """Arguments of the function, from the named inputs, outputs and parameters of a job."""
        signature = inspect.signature(self.load()).parameters
        given = {name: value for name, value in params.items() if name != "stage"} | dict(inputs.items())
        given |= {"outputs": dict(outputs.items())} if "outputs" in signature else dict(outputs.items())
        return {
            name: value
            for name, value in given.items()
            if not (_is_empty(value) and name in signature and signature[name].default is not inspect.Parameter.empty)
        }


def _is_empty(value: Any) -> bool:
    return isinstance(value, list | tuple) and not len(value)


#: What each rule calls, by the rule's name.
RULES: dict[str, Stage] = {
    "check": Stage("separatrix.workflow.stationary_stages:check"),
    "minimum": Stage("separatrix.workflow.stationary_stages:minimum"),
    "guess": Stage("separatrix.workflow.stationary_stages:pull_to_guess"),
    "saddle_search": Stage("separatrix.workflow.stationary_stages:saddle_search"),
    "saddle": Stage("separatrix.workflow.stationary_stages:saddle"),
    "first_path": Stage("separatrix.workflow.sampling_stages:find_first_path"),
    "sample": Stage("separatrix.workflow.sampling_stages:sample"),
    "assess": Stage("separatrix.workflow.sampling_stages:assess"),
    "chain": Stage("separatrix.workflow.sampling_stages:gather_chain"),
    "variables": Stage("separatrix.workflow.coordinate_stages:variable_table"),
    "coordinate": Stage("separatrix.workflow.coordinate_stages:reaction_coordinate"),
    "restrained": Stage("separatrix.workflow.committor_stages:restrained_ensemble"),
    "draw": Stage("separatrix.workflow.committor_stages:draw_configurations"),
    "committor_shots": Stage("separatrix.workflow.committor_stages:committor_shots"),
    "committor": Stage("separatrix.workflow.committor_stages:committor_analysis"),
    "harmonic": Stage("separatrix.workflow.harmonic_rates:harmonic_rates"),
    "umbrella": Stage("separatrix.workflow.umbrella:umbrella_windows"),
    "free_energy": Stage("separatrix.workflow.free_energy_profile:free_energy_profile"),
    "transmission": Stage("separatrix.workflow.transmission_shots:transmission_shots"),
    "interface_pilot": Stage("separatrix.workflow.interfaces:interface_pilot"),
    "interface_chain": Stage("separatrix.workflow.interfaces:interface_chain"),
    "interface_rate": Stage("separatrix.workflow.interfaces:interface_rate"),
    "rates": Stage("separatrix.workflow.rate_routes:gather"),
    "theory": Stage("separatrix.report.theory_page:for_rule"),
    "compare": Stage("separatrix.workflow.reporting:compare_methods"),
    "figures": Stage("separatrix.workflow.reporting:draw"),
    "rates_report": Stage("separatrix.report.rates_page:write"),
    "scan": Stage("separatrix.report.scans:write"),
    "report_page": Stage("separatrix.report.page:write"),
    "export": Stage("separatrix.workflow.export_stage:export"),
}


def run(snakemake: Any) -> None:
    """Run a job: `snakemake` is the object that Snakemake puts into a script.

    The stage's name is a parameter: a workflow that takes this one as a module may give its rules other names.
    """
    stage = RULES[snakemake.params.stage["name"]]
    stage.load()(**stage.arguments(snakemake.input, snakemake.output, snakemake.params))
