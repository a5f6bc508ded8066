import functools
import os
import re
import sys
import time
from pathlib import Path


def refuse(message):
    """One line on the terminal, and exit status 1."""
    print(f"separatrix: {message}", file=sys.stderr)
    sys.exit(1)


try:
    from separatrix import numeric_threads
    from separatrix.config.keys import file_of
    from separatrix.core import folders
    from separatrix.core.errors import SeparatrixError
    from separatrix.core.files import check_writable, read_json
    from separatrix.core.locks import hold
    from separatrix.core.text import one_line
    from separatrix.rates.route import ROUTES, asked_routes
    from separatrix.rates.routes import interface_route
    from separatrix.report import inputs
    from separatrix.report.figure_registry import (
        Figure,
        MethodFigure,
        MethodTable,
        RatesFigure,
        RatesTable,
        ScanFigure,
        SurfaceFigure,
        SurfaceTable,
        shown_figures,
        shown_tables,
    )
    from separatrix.report.table_content import data_file
    from separatrix.results import verify
    from separatrix.results.stage_costs import measured
    from separatrix.results.stationary_files import search_revision
    from separatrix.theory import theory_files
    from separatrix.workflow import Revision, Stage, resources, slurm
except ModuleNotFoundError as error:
    refuse(
        f"the Python package {error.name!r} is not there for {sys.executable}, which Snakemake runs with; "
        "build the environment with `make env` in a clone of Separatrix, and use the snakemake in its .venv/bin"
    )

# Snakemake hands this path to a shell as it is.
if set(sys.executable) & set(" \t\n'\"\\$`&;|<>()*?!"):
    refuse(
        f"{sys.executable}: jobs cannot be run with a Python whose path holds a blank, a quote or another character that "
        "a shell acts on; move the environment (a clone with its .venv) to another folder"
    )


def checked_config():
    """The configuration as checked objects, or one line on the terminal and exit status 1."""
    try:
        checked = inputs.load_with_files(config, workflow.configfiles)
        if workflow.is_main_process:
            name = checked.sections.results_directory
            where = file_of("results_directory", workflow.configfiles)
            try:
                folders.check_results(name)
            except SeparatrixError as error:
                raise type(error)(f"{where}: results_directory: {error}") from error
            for line in checked.notices:
                print(f"separatrix: {line}", file=sys.stderr)
        return checked
    except SeparatrixError as error:
        refuse(one_line(str(error)))


# One line for every mistake, before anything runs.
CONFIG = checked_config()
# What the text of Snakemake's report reads (workflow/report/workflow.rst), with its defaults.
config.update(
    {
        key: CONFIG.data[key]
        for key in ("committor", "coordinate", "sampling", "seed", "temperature_K")
    }
)
RESULTS = CONFIG.sections.results_directory


def hold_results():
    """Keep the results folder to this run, or one line and exit status 1.

    It replaces Snakemake's own lock (`nolock` in the profiles), which outlives a killed run.
    """
    try:
        hold(RESULTS)
        folders.mark(RESULTS)
        folders.remember(Path(RESULTS) / "export", "ro-crate-metadata.json")
    except SeparatrixError as error:
        refuse(one_line(str(error)))
    for line in inputs.outside(CONFIG):
        line = f"goes into {RESULTS}/export from outside this folder: {line}"
        print(f"separatrix: {one_line(line)}", file=sys.stderr)


def at_work():
    """Whether this process is to run jobs, not to plan them only, and not one of those jobs."""
    plugin = workflow.executor_plugin
    return (
        workflow.is_main_process
        and plugin is not None
        and not workflow.dryrun
        and not workflow.touch
    )


# Up to this size a file of results is held against its digest before a run begins: a second for ten thousand of them.
SMALL = 1 << 20


@functools.cache
def begin():
    """Before Snakemake looks at the results: they can be written to, and damaged ones are out of the way.

    What was moved is missing then, and this run makes it again.
    """
    if not at_work():
        return
    try:
        check_writable(RESULTS)
        check_writable(".snakemake")
        for damage in verify.repair(RESULTS, SMALL):
            print(one_line(f"separatrix: {damage}; it is made again"), file=sys.stderr)
    except SeparatrixError as error:
        refuse(one_line(str(error)))


def hold_results_first():
    """The same as a module, before what the importing workflow does at its start."""
    theirs = workflow._onstart

    def start(log):
        hold_results()
        theirs(log)

    workflow._onstart = start


def settings(name):
    """What a stage depends on: its parameters, so that a change of one method runs that method again and no other."""
    return lambda wildcards: CONFIG.settings(name, wildcards.method)


# The script of every rule, for rules of packages too, which lie elsewhere.
STAGE_SCRIPT = str(
    workflow.current_basedir.join("../../scripts/stage.py").get_path_or_uri(
        secret_free=True
    )
)


def revision_of_search(current, sound_from):
    """Revision of a saddle search: `current`, but a saddle that was found by `sound_from` or later stays as it is."""
    return lambda wildcards: Revision(
        search_revision(
            f"{RESULTS}/{wildcards.method}/saddle_{wildcards.guess}.nc",
            current,
            sound_from,
        )
    )


def settings_of_draw(name):
    """The same, of a stage that works on one set of committor shots."""
    return lambda wildcards: CONFIG.settings(name, wildcards.method, wildcards.draw)


def number(wildcard):
    """A wildcard that is a number, as one."""
    return lambda wildcards: int(wildcards[wildcard])


def engine_files(wildcards):
    """Files that the method's engine reads."""
    return CONFIG.methods[wildcards.method].files


def engine_env(wildcards):
    """Conda environment of the method's engine family; used with `--software-deployment-method conda` alone."""
    environment = resources.conda_environment(CONFIG.methods[wildcards.method])
    return (
        environment if os.path.isabs(environment) else f"../../envs/{environment}.yaml"
    )


# What a job asks of a cluster -----------------------------------------------------------------------------------------

THREADS = numeric_threads()

if workflow.is_main_process:
    slurm.make_patient()


def site_default(name):
    """A value of `default-resources` in the profile, for what a rule cannot leave to it; None if it is not there."""
    defaults = workflow.resource_settings.default_resources
    value = getattr(defaults, "parsed", defaults or {}).get(name)
    value = getattr(value, "raw", value)
    return value.strip("'") if isinstance(value, str) else value


def runtime(stage):
    """Minutes, from the method, the size, the cost measured so far, and the attempt."""

    def minutes(wildcards, attempt):
        method, number = wildcards.method, int(wildcards.get("round", 1))
        chain = wildcards.get("chain")
        known = measured(f"{RESULTS}/{method}", chain, number, THREADS)
        work = resources.seconds(
            CONFIG, stage, method, known, number, wildcards.get("draw")
        )
        longest = site_default("longest_runtime")
        return resources.runtime(work, attempt, longest and int(longest))

    return minutes


def memory(stage):
    """Megabytes, from the method, the size, the length of shots so far, and the attempt."""

    def megabytes(wildcards, attempt):
        method, number = wildcards.method, int(wildcards.get("round", 1))
        known = measured(f"{RESULTS}/{method}", wildcards.get("chain"), number, THREADS)
        return resources.memory(CONFIG, stage, method, attempt, number, known)

    return megabytes


def graphics_cards(wildcards):
    """Graphics cards, where the method's options ask for them."""
    return resources.graphics_cards(CONFIG.methods[wildcards.method]) or None


_living = (0.0, {})


def after_predecessor(rule):
    """On SLURM: start only when the same job of a killed run of Snakemake has ended; what it has done is on record."""

    def extra(wildcards):
        global _living
        options = site_default("slurm_extra")
        plugin = workflow.executor_plugin
        if plugin is not None and plugin.name == "slurm" and workflow.is_main_process:
            if time.monotonic() - _living[0] > 30:
                _living = (time.monotonic(), slurm.living_jobs(os.getcwd()))
            numbers = _living[1].get(f"rule_{rule}_wildcards_{'_'.join(wildcards)}", [])
            if numbers:
                options = (
                    f"{options or ''} --dependency=afterany:{':'.join(numbers)}".strip()
                )
        return options

    return extra


# Files ----------------------------------------------------------------------------------------------------------------


def method_file(name):
    """Path of a file of one method."""
    return f"{RESULTS}/{{method}}/{name}"


def surface_file(name):
    """Path of a file of the method that a method has its stationary points and free energy from."""
    return lambda wildcards: f"{RESULTS}/{CONFIG.surface_of(wildcards.method)}/{name}"


def chain_files(name):
    """Paths of a file of every chain of one method."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.method}/chain_{chain}/{name}"
        for chain in range(1, CONFIG.sections.sampling.chains + 1)
    ]


def sources_of_draw(wildcards):
    """Files, other than paths, that a set of committor shots has its configurations from."""
    source = CONFIG.source(wildcards.draw)
    if source == "restrained":
        return {"restrained": f"{RESULTS}/{wildcards.method}/committor/restrained.nc"}
    if source == "shooting points":
        return {"shots": chain_files("shots.nc")(wildcards)}
    return {}


def minima_files(wildcards):
    """Minima of all basins, by name."""
    return {
        basin.name: surface_file(f"minimum_{basin.name}.nc")(wildcards)
        for basin in CONFIG.system.basins
    }


def route_file(method, file):
    """Path of a file of a route to a rate."""
    folder = CONFIG.surface_of(method) if file.of_surface else method
    return f"{RESULTS}/{folder}/{file.path}"


def shown_items():
    """Figures and tables that this run has, in their order; of a broken plug-in one line and exit status 1."""
    rates, methods = CONFIG.sections.rates, CONFIG.methods
    routes = {r.name for method in methods for r in asked_routes(rates, method)}
    available = [*CONFIG.draws(), *routes]
    try:
        entries = [
            *shown_figures(available).values(),
            *shown_tables(available).values(),
        ]
    except SeparatrixError as error:
        refuse(one_line(str(error)))
    return sorted(entries, key=lambda entry: entry.place)


# From their entries in separatrix/report and of installed packages.
SHOWN = shown_items()


def shown(*kinds):
    """Figures and tables of one kind, in their order."""
    return [entry for entry in SHOWN if isinstance(entry, kinds)]


def route_files(wildcards):
    """Files of all routes to a rate that a method takes."""
    return {
        name: route_file(wildcards.method, file)
        for route in asked_routes(CONFIG.sections.rates, wildcards.method)
        for name, file in route.files.items()
    }


def saddle_files(wildcards):
    """What the saddle guesses lead to, in their order."""
    guesses = range(1, 1 + len(CONFIG.system.saddle_guesses))
    return [surface_file(f"saddle_{guess}.nc")(wildcards) for guess in guesses]


def start_of_guess(wildcards):
    """Basin whose minimum a saddle guess pulls."""
    return CONFIG.system.saddle_guesses[int(wildcards.guess) - 1].start


def start_file(wildcards):
    """Geometry that a chain's first path is shot from."""
    start = CONFIG.start_of(int(wildcards.chain))
    name = "saddle" if start == "saddle" else f"guess_{CONFIG.guess_number(start)}"
    return surface_file(f"{name}.nc")(wildcards)


# Sampling goes in rounds. `sample` makes one round of one chain from the round before; `assess` looks at all chains of a
# method and says whether another is due. Snakemake asks the functions below again after each assessment, so that the DAG
# grows by the rounds that are needed and by no more.


def round_files(name):
    """Paths of a file of every chain, in every round up to this one."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.method}/chain_{chain}/round_{number}/{name}"
        for chain in range(1, CONFIG.sections.sampling.chains + 1)
        for number in range(1, int(wildcards.round) + 1)
    ]


def by_chain(name):
    """The same, a list for each chain."""
    return lambda wildcards: [
        [
            f"{RESULTS}/{wildcards.method}/chain_{chain}/round_{number}/{name}"
            for number in range(1, int(wildcards.round) + 1)
        ]
        for chain in range(1, CONFIG.sections.sampling.chains + 1)
    ]


def assessments(method):
    """Assessments of a method, up to the one that says stop."""
    begin()
    files = []
    for number in range(1, CONFIG.sections.sampling.max_rounds + 1):
        files.append(checkpoints.assess.get(method=method, round=number).output[0])
        try:
            verdict = read_json(files[-1])
        except SeparatrixError as error:
            # In a dry run, or damaged since this run began.
            refuse(one_line(str(error)))
        if verdict["stop"]:
            break
    return files


def judged(method):
    """All assessments of a method, as an input function."""
    return lambda wildcards: assessments(method)


def rounds_of_chain(name):
    """Paths of a file of a chain, in every round that was needed."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.method}/chain_{wildcards.chain}/round_{number}/{name}"
        for number in range(1, len(assessments(wildcards.method)) + 1)
    ]


def kept(method):
    """Everything of a method that is kept, as an input function: what is missing of it is made again.

    Snakemake itself makes a missing file only if another one that is missing, too, depends on it.
    """

    def files(wildcards):
        folder, surface = (
            f"{RESULTS}/{name}" for name in (method, CONFIG.surface_of(method))
        )
        chains = range(1, CONFIG.sections.sampling.chains + 1)
        rounds = range(1, len(assessments(method)) + 1)
        starts = [CONFIG.start_of(chain) for chain in chains]
        batches = range(CONFIG.sections.committor.batches)
        found = [
            *(
                f"minimum_{basin.name}.{e}"
                for basin in CONFIG.system.basins
                for e in ("nc", "xyz")
            ),
            *(f"saddle.{ending}" for ending in ("nc", "xyz")),
            *(
                f"saddle_{k}.nc"
                for k in range(1, 1 + len(CONFIG.system.saddle_guesses))
            ),
            *(
                f"guess_{CONFIG.guess_number(start)}.{ending}"
                for start in dict.fromkeys(starts)
                if start != "saddle"
                for ending in ("nc", "xyz")
            ),
        ]
        found = [f"{surface}/{name}" for name in found]
        own = [
            "check.json",
            "variables.nc",
            "coordinate.json",
            "committor.json",
            "rates.json",
        ]
        for chain in chains:
            tables = ("shots.nc", "paths.nc", "cost.json")
            own += [f"chain_{chain}/{name}" for name in ("first_path.nc", *tables)]
            own += [
                f"chain_{chain}/round_{r}/{name}" for r in rounds for name in tables
            ]
        for draw in CONFIG.draws():
            own.append(f"committor/{draw}/configurations.nc")
            own += [f"committor/{draw}/shots_{batch}.nc" for batch in batches]
        found += [f"{folder}/{name}" for name in own]
        found += sources_of_kept(method, folder)
        return found

    return files


def sources_of_kept(method, folder):
    """Of those, the restrained ensemble, and the files of the routes to a rate."""
    found = []
    if any(CONFIG.source(draw) == "restrained" for draw in CONFIG.draws()):
        found.append(f"{folder}/committor/restrained.nc")
    rates = CONFIG.sections.rates
    for route in asked_routes(rates, method):
        files = (*route.files.values(), *route.further_files(rates))
        found += [route_file(method, file) for file in files]
    return found


def windows_of_pilot(wildcards):
    """Umbrella windows along the variables of the interfaces, where the method has some."""
    rates = CONFIG.sections.rates
    if not interface_route.windows_of_pilot(rates, wildcards.method):
        return {}
    batches = range(rates.umbrella.batches)
    return {
        "windows": [
            surface_file(f"rates/umbrella_{batch}.nc")(wildcards) for batch in batches
        ]
    }


def all_methods(name):
    """Paths of a file of every method."""
    return [f"{RESULTS}/{method}/{name}" for method in CONFIG.methods]


def all_surfaces(name):
    """Paths of a file of every method that has stationary points of its own."""
    return list(
        dict.fromkeys(
            f"{RESULTS}/{CONFIG.surface_of(method)}/{name}" for method in CONFIG.methods
        )
    )


def methods_of_scan(wildcards):
    """Names of the methods in a scan."""
    return [m["method"] for m in CONFIG.scan(wildcards.scan)["members"]]


def comparison_file(name):
    """Path of a file about all methods."""
    return f"{RESULTS}/comparison/{name}"


def other_forms(figures):
    """Outputs that come with each figure: PDF for papers, the Vega-Lite specification for the report."""
    return {
        f"{figure.name}_{form}": comparison_file(f"{figure.stem}.{ending}")
        for figure in figures
        for form, ending in (("pdf", "pdf"), ("chart", "json"))
    }


def data_files(figures):
    """Outputs that each figure is drawn from, for rules that make both."""
    return {f"{figure.name}_data": comparison_file(figure.data) for figure in figures}


def table_data(tables):
    """Outputs that come with each table: its content as JSON, which the report reads."""
    return [comparison_file(data_file(f"{table.stem}.html")) for table in tables]


def files_of_entries(entries):
    """What the report shows of each figure and table, and the data behind each figure."""
    shown_files = [comparison_file(f"{e.stem}.{file_ending(e)}") for e in entries]
    return shown_files + [
        comparison_file(e.data) for e in entries if isinstance(e, Figure)
    ]


def caption_file(name):
    """File of a figure's or table's caption, which the rule `captions` writes from the entry."""
    return comparison_file(f"captions/{name}.rst")


def captions_of(entries):
    """Captions of figures and tables, for the rule that makes them; a new caption does not draw them again."""
    return ancient([caption_file(entry.name) for entry in entries])


def reported(entries):
    """Outputs that the report shows, by name: figures as SVG, tables as HTML."""
    # Snakemake looks for captions beside the rules. Of rules that are fetched from a host it finds none that the run makes.
    local = workflow.current_basedir.is_local
    return {
        entry.name: report(
            comparison_file(f"{entry.stem}.{file_ending(entry)}"),
            caption=os.path.abspath(caption_file(entry.name)) if local else None,
            category=entry.category,
            # One label only: of two, Snakemake turns the second into a toggle that can leave the page blank.
            labels={"shows": shown_label(entry)},
        )
        for entry in entries
    }


def file_ending(entry):
    """Ending of the file that the report shows."""
    return "svg" if isinstance(entry, Figure) else "html"


def shown_label(entry):
    """What Snakemake's report calls a figure or table."""
    return entry.title if isinstance(entry, Figure) else f"{entry.title} (table)"


wildcard_constraints:
    method="|".join(map(re.escape, CONFIG.methods)),
    basin="|".join(re.escape(basin.name) for basin in CONFIG.system.basins),
    chain=r"\d+",
    round=r"\d+",
    guess=r"\d+",
    batch=r"\d+",
    draw="|".join(CONFIG.draws()),
    scan="|".join(map(re.escape, CONFIG.sections.scans)) or "none",
