"""Rules and stages: each rule names its stage, and what it names fits the arguments of the stage's function."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from separatrix.core.files import fingerprint
from separatrix.workflow import RULES

#: Lists the named inputs, outputs and parameters of every rule that has a script, after the Snakefile has been read.
LIST = """
import json, sys
from snakemake.api import Workflow

def execute(workflow, *_, **__):
    names = {}
    for rule in workflow.rules:
        if rule.script:
            files = [sorted(dict(part.items())) for part in (rule.input, rule.output, rule.params)]
            names[rule.name] = [*files, rule.params.stage["name"], str(rule.script)]
    print("RULES " + json.dumps(names))

Workflow.execute = execute
from snakemake.cli import main
main(sys.argv[1:])
"""

#: Inputs that a rule has for some methods, chains or sets only, from a function: (rule, names).
SOMETIMES = {
    "draw": {"shots", "restrained"},
    "interface_pilot": {"windows"},
}


@pytest.fixture(scope="module")
def rules() -> dict[str, list]:
    config = "config/examples/double_well.yaml"
    command = [sys.executable, "-c", LIST, "-n", "--configfile", config, "--cores", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    line = next((x for x in done.stdout.splitlines() if x.startswith("RULES ")), None)
    assert line, done.stderr[-2000:]
    return json.loads(line.removeprefix("RULES "))


def test_every_rule_with_a_script_is_a_stage_by_its_own_name(rules: dict[str, list]) -> None:
    assert set(rules) == set(RULES)
    for name, (*_, stage, script) in rules.items():
        assert stage == name and script.endswith("scripts/stage.py")


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_names_are_the_arguments_of_its_stage(rules: dict[str, list], name: str) -> None:
    inputs, outputs, params, *_ = rules[name]
    signature = inspect.signature(RULES[name].load()).parameters
    given = [*inputs, *(n for n in params if n != "stage")] + (["outputs"] if "outputs" in signature else outputs)
    assert len(given) == len(set(given)), "named twice"
    several = {n for n, p in signature.items() if p.kind is inspect.Parameter.VAR_KEYWORD}
    assert several or set(given) <= set(signature)
    needed = {n for n, p in signature.items() if p.default is inspect.Parameter.empty}
    assert needed - several <= set(given)
    # Inputs from `unpack` are not there until a job is.
    assert set(signature) - several - set(given) <= SOMETIMES.get(name, set())


class Named(list):
    """Files with names, as Snakemake has them."""

    def __init__(self, **items: object) -> None:
        super().__init__(items.values())
        self._items = items

    def items(self) -> object:
        return self._items.items()


def test_an_empty_list_is_left_to_the_default() -> None:
    stage = RULES["report_page"]
    inputs, params = Named(comparison="c.json", literature=[]), Named(shown=[], stage={"name": "report_page"})
    # A report without figures is one all the same: that argument has no default.
    assert stage.arguments(inputs, Named(out="r.html"), params) == {
        "comparison": "c.json",
        "shown": [],
        "out": "r.html",
    }


def test_all_outputs_go_to_a_function_that_asks_for_them() -> None:
    stage = RULES["scan"]
    params = Named(scan={}, rates={"a": "a.json"}, temperature=300.0)
    arguments = stage.arguments(Named(shares="s.csv"), Named(rates="rates.svg", data="d.csv"), params)
    assert arguments["rates"] == {"a": "a.json"} and arguments["outputs"] == {"rates": "rates.svg", "data": "d.csv"}


BUMP = """
import sys
from dataclasses import replace
from separatrix import workflow
workflow.RULES[sys.argv[1]] = replace(workflow.RULES[sys.argv[1]], revision=workflow.RULES[sys.argv[1]].revision + 1)
from snakemake.cli import main
main(sys.argv[2:])
"""


def jobs(config: Path, bumped: str) -> set[str]:
    """Rules of which a dry run lists jobs, with the revision of one stage raised."""
    arguments = ["-n", "--configfile", str(config), "--cores", "1", "--nocolor"]
    command = [sys.executable, "-c", BUMP, bumped, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    table = (done.stdout + done.stderr).partition("Job stats:")[2].partition("\n\n")[0]
    return set(re.findall(r"^(\w+) +\d+$", table, flags=re.MULTILINE)) - {"all", "total"}


ALWAYS_BEHIND = {"compare", "figures", "report_page", "export"}


@pytest.mark.slow
@pytest.mark.xdist_group("dag")
@pytest.mark.parametrize(
    ("bumped", "behind"),
    [
        ("harmonic", {"rates", "rates_report"} | ALWAYS_BEHIND),
        ("coordinate", {"draw", "committor_shots", "committor"} | ALWAYS_BEHIND),
        ("report_page", set()),
    ],
)
def test_a_raised_revision_runs_that_stage_and_those_behind_it(
    model_run: tuple[Path, Path], bumped: str, behind: set[str]
) -> None:
    config, _ = model_run
    assert jobs(config, bumped) == {bumped} | behind


def test_a_corrected_stage_goes_on_from_no_journal_of_before() -> None:
    assert fingerprint({"seed": 1}) != fingerprint({"seed": 1, "revision": 2})
