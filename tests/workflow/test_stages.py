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
from separatrix.workflow import Stage

#: Lists the named inputs, outputs and parameters of every rule that has a script, after the Snakefile has been read.
LIST = """
import json, sys
from types import SimpleNamespace
from snakemake.api import Workflow

def execute(workflow, *_, **__):
    names = {}
    for rule in workflow.rules:
        if rule.script:
            files = [sorted(dict(part.items())) for part in (rule.input, rule.output, rule.params)]
            revision = rule.params.revision
            if callable(revision):  # of a search that has not run
                revision = revision(SimpleNamespace(method="none", guess="1"))
            names[rule.name] = [*files, rule.params.stage.function, revision, str(rule.script)]
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


_TEXT = "\n".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
NAMES = sorted(set(re.findall(r"^(?:rule|checkpoint) (\w+):", _TEXT, flags=re.MULTILINE)))


def test_every_rule_names_the_function_of_its_stage_and_a_revision(rules: dict[str, list]) -> None:
    assert set(rules) == set(NAMES) and len(NAMES) >= 30
    functions = [function for *_, function, _, _ in rules.values()]
    assert len(functions) == len(set(functions))
    for *_, revision, script in rules.values():
        assert revision >= 1 and script.endswith("scripts/stage.py")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_rule_names_are_the_arguments_of_its_stage(rules: dict[str, list], name: str) -> None:
    inputs, outputs, params, function, *_ = rules[name]
    signature = inspect.signature(Stage(function).load()).parameters
    own = {"stage"} if "revision" in signature else {"stage", "revision"}
    given = [*inputs, *(n for n in params if n not in own)]
    given += ["outputs"] if "outputs" in signature else outputs
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
    stage = Stage("separatrix.report.page:write")
    inputs, params = Named(comparison="c.json", literature=[]), Named(shown=[], stage=stage, revision=1)
    # A report without figures is one all the same: that argument has no default.
    assert stage.arguments(inputs, Named(out="r.html"), params) == {
        "comparison": "c.json",
        "shown": [],
        "out": "r.html",
    }


def test_revision_goes_to_a_function_that_asks_for_it() -> None:
    stage = Stage("separatrix.workflow.stationary_stages:saddle_search")
    params = Named(guess=1, settings={}, stage=stage, revision=3)
    arguments = stage.arguments(Named(minimum_file="m.nc"), Named(out="s.nc"), params)
    assert arguments["revision"] == 3 and arguments["settings"] == {"revision": 3}


def test_all_outputs_go_to_a_function_that_asks_for_them() -> None:
    stage = Stage("separatrix.workflow.reporting:draw_scan")
    params = Named(scan={}, rates={"a": "a.json"}, temperature=300.0)
    arguments = stage.arguments(Named(shares="s.csv"), Named(rates="rates.svg", data="d.csv"), params)
    assert arguments["rates"] == {"a": "a.json"} and arguments["outputs"] == {"rates": "rates.svg", "data": "d.csv"}


#: A dry run with one parameter of a rule changed, after the Snakefile has been read.
CHANGED = """
import sys
from snakemake.api import Workflow
from separatrix.workflow import Revision, Stage

execute, (name, parameter) = Workflow.execute, sys.argv[1:3]

def changed(workflow, *args, **kwargs):
    (rule,) = [rule for rule in workflow.rules if rule.name == name]
    (start, _) = rule.params._names[parameter]
    after = {"revision": Revision(rule.params.revision + 1), "stage": Stage("elsewhere:moved")}[parameter]
    rule.params[start] = after
    setattr(rule.params, parameter, after)
    return execute(workflow, *args, **kwargs)

Workflow.execute = changed
from snakemake.cli import main
main(sys.argv[3:])
"""


def jobs(config: Path, rule: str, parameter: str) -> set[str]:
    """Rules of which a dry run lists jobs, with one parameter of a rule changed."""
    arguments = ["-n", "--configfile", str(config), "--cores", "1", "--nocolor"]
    command = [sys.executable, "-c", CHANGED, rule, parameter, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    table = (done.stdout + done.stderr).partition("Job stats:")[2].partition("\n\n")[0]
    return set(re.findall(r"^(\w+) +\d+$", table, flags=re.MULTILINE)) - {"all", "total"}


COMMITTOR_TEST = {"draw", "committor_shots", "committor"}
ALWAYS_BEHIND = {"compare", "figures", "report_page", "export"}


@pytest.mark.slow
@pytest.mark.xdist_group("dag")
@pytest.mark.parametrize(
    ("bumped", "behind"),
    [
        ("sample", {"assess", "chain", "variables", "coordinate", *COMMITTOR_TEST} | ALWAYS_BEHIND),
        ("harmonic", {"rates", "rates_report"} | ALWAYS_BEHIND),
        ("coordinate", COMMITTOR_TEST | ALWAYS_BEHIND),
        ("report_page", set()),
    ],
)
def test_a_raised_revision_runs_that_stage_and_those_behind_it(
    model_run: tuple[Path, Path], bumped: str, behind: set[str]
) -> None:
    config, _ = model_run
    assert jobs(config, bumped, "revision") == {bumped} | behind
    assert jobs(config, bumped, "stage") == set(), "a function may move without a job being run again"


def test_a_corrected_stage_goes_on_from_no_journal_of_before() -> None:
    stage, outputs = Stage("separatrix.workflow.rate_routes:gather"), Named(out="rates.json")
    first, second = (
        stage.arguments(Named(), outputs, Named(settings={"seed": 1}, stage=stage, revision=revision))["settings"]
        for revision in (1, 2)
    )
    assert first == {"seed": 1}
    assert fingerprint(first) != fingerprint(second)
