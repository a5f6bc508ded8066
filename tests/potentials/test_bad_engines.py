"""Engines of other packages that misbehave in every way: contained and named, here and in a process of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from separatrix import potentials
from separatrix.core.errors import ConfigError, EngineLost, PotentialError
from separatrix.core.molecule import Molecule
from separatrix.cvs.states import Basin, Interval
from separatrix.cvs.variable import Variable
from separatrix.dynamics.md_engine import DynamicsSettings, MDEngine, run_half
from separatrix.potentials import worker as worker_module
from separatrix.potentials.containment import checked

PAIR = Molecule(("N", "N"), ((0, 1),))
X = np.array([[0.1, 0.2, 0.3], [-0.1, 0.0, 0.5]])
ENTRY = "from separatrix.potentials.engine import Engine\nENGINE = Engine"
NOWHERE = Basin("nowhere", (Interval(Variable("d", "distance", (0, 1)), 50.0, 60.0),))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, points: str, package: str = "badpackage") -> Path:
    """A package that registers engines, as pip leaves it."""
    info = folder / f"{package}-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text(f"[separatrix.potentials]\n{points}\n")
    shutil.copy("tests/data/bad_engine.py", folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    return folder


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return install(tmp_path / "site", monkeypatch, "bad = bad_engine")


def third(potential: potentials.Potential) -> tuple[float, np.ndarray]:
    """The answer at which the engine misbehaves."""
    for k in range(2):
        assert np.isfinite(potential.energy_and_gradient(X * (1 + 0.01 * k))[0])
    return potential.energy_and_gradient(X * 1.1)


#: How it misbehaves, and the reason that is told in this process and in one of its own.
REASONS = {
    "chdir and raise": ("RuntimeError: lost the way",) * 2,
    "raise": (r"RuntimeError: I am ill \[31m$",) * 2,
    "potential error": ("^no convergence$",) * 2,
    "memory": ("^MemoryError$",) * 2,
    "exit": ("^SystemExit: 3$", "the worker process ended with status 3$"),
    "_exit": (None, "the worker process ended with status 3$"),
    "segfault": (None, r"the worker process was killed by signal 11 \(SIGSEGV\)$"),
    "abort": (None, r"the worker process was killed by signal 6 \(SIGABRT\)$"),
    "terminate": (None, r"the worker process was killed by signal 15 \(SIGTERM\)$"),
    "cancelled": ("^CancelledError$",) * 2,
    "unspeakable": ("^Unspeakable$",) * 2,
    "recursion": ("^RecursionError: ",) * 2,
    "nan": ("^energy or gradient is not finite$",) * 2,
    "inf gradient": ("^energy or gradient is not finite$",) * 2,
    "flat": (r"^gradient has shape \(6,\), not \(2, 3\)$",) * 2,
    "transposed": (r"^gradient has shape \(3, 2\), not \(2, 3\)$",) * 2,
    "none": ("^the engine gave nothing, not an energy",) * 2,
    "none gradient": ("^gradient is nothing",) * 2,
    "text": ("^energy is a str",) * 2,
    "text gradient": ("^gradient is a ndarray of <U",) * 2,
    "complex": ("^gradient is a ndarray of complex128",) * 2,
    "complex energy": ("^energy is a complex",) * 2,
    "one": ("^the engine gave a float, not an energy",) * 2,
    "interrupt": (None, "^KeyboardInterrupt$"),
}


@pytest.mark.parametrize("how", [how for how, (here, _) in REASONS.items() if here])
def test_in_process_the_reason_is_true_and_one_line(bad, how) -> None:
    potential = potentials.build("bad", PAIR, {"how": how, "worker": False})
    here = Path.cwd()
    with pytest.raises(PotentialError, match=REASONS[how][0]) as caught:
        third(potential)
    assert str(caught.value).isprintable()
    assert Path.cwd() == here
    potential.restart()
    assert np.isfinite(potential.energy_and_gradient(X)[0])


@pytest.mark.parametrize("how", list(REASONS))
def test_in_a_process_of_its_own_the_reason_is_true_and_one_line(bad, how) -> None:
    potential = potentials.build("bad", PAIR, {"how": how})
    with contextlib.closing(potential.seam.engine):
        with pytest.raises(PotentialError, match=REASONS[how][1]) as caught:
            third(potential)
        assert str(caught.value).isprintable()
        assert isinstance(caught.value, EngineLost) == ("the worker process" in str(caught.value))
        potential.restart()
        assert np.isfinite(potential.energy_and_gradient(X)[0])


def test_an_unknown_engine_runs_in_a_process_of_its_own_unless_told_otherwise(bad) -> None:
    potential = potentials.build("bad", PAIR, {})
    assert potential.seam.engine.pid != os.getpid() and "in a process of its own" in potential.description
    potential.seam.engine.close()
    assert potentials.build("bad", PAIR, {"worker": False}).description == "springs"


@pytest.mark.parametrize("how", ["force of its own", "masses of its own", "no engine"])
def test_a_potential_that_is_more_than_its_engine_stays_whole(bad, how) -> None:
    """A process of its own can hold the engine alone; what else there is must not be lost without a word."""
    potential = potentials.build("bad", PAIR, {"how": how})
    assert potential.description == "springs"
    with pytest.raises(ConfigError, match=r"^potential 'bad' is more than an engine: .*`worker: true`"):
        potentials.build("bad", PAIR, {"how": how, "worker": True})


def test_what_a_potential_declares_comes_out_of_its_process(bad) -> None:
    here, there = (
        potentials.build("bad", PAIR, {"how": "external field", "worker": worker}) for worker in (False, True)
    )
    there.seam.engine.close()
    assert not there.isolated and there.energy_jump == np.inf and there.force_tolerance == 0.5
    np.testing.assert_array_equal(there.active, here.active)


@pytest.mark.parametrize("how", ["memory", "exit", "raise", "none"])
def test_a_half_fails_with_the_reason(bad, how) -> None:
    potential = potentials.build("bad", PAIR, {"how": how, "worker": False})
    engine = MDEngine(PAIR, potential, DynamicsSettings(300.0, 1.0, 1, 20.0))
    half = run_half(engine, engine.snapshot(X, np.zeros_like(X)), [NOWHERE])
    assert half.end == "failed" and half.reason and half.reason.isprintable()


def test_an_interrupt_is_one_and_no_failed_half(bad) -> None:
    """What the terminal sends while an engine runs comes back through OpenMM as what it is."""
    potential = potentials.build("bad", PAIR, {"how": "interrupt", "worker": False})
    with pytest.raises(KeyboardInterrupt):
        third(potential)
    engine = MDEngine(PAIR, potential, DynamicsSettings(300.0, 1.0, 1, 20.0))
    potential.seam.engine.calls = 0
    with pytest.raises(KeyboardInterrupt):
        run_half(engine, engine.snapshot(X, np.zeros_like(X)), [NOWHERE])


@pytest.mark.parametrize("how", ["chdir", "chdir to nowhere"])
@pytest.mark.parametrize("when", ["gradient", "built"])
def test_an_engine_that_changes_the_folder_takes_nobody_along(bad, tmp_path, monkeypatch, how, when) -> None:
    monkeypatch.chdir(tmp_path)
    third(potentials.build("bad", PAIR, {"how": how, "when": when, "worker": False}))
    assert Path.cwd() == tmp_path


def test_an_engine_that_cannot_go_back_fails_the_shot_and_not_the_job(bad) -> None:
    potential = potentials.build("bad", PAIR, {"how": "restore", "worker": False})
    potential.restart()
    for _ in range(2):
        with pytest.raises(PotentialError, match=r"^RuntimeError: cannot go back$"):
            potential.energy_and_gradient(X)
    potential.seam.engine.how = ""
    potential.restart()
    assert np.isfinite(potential.energy_and_gradient(X)[0])


def test_a_worker_that_closes_its_pipes_is_told_as_that(bad, monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "_TO_END", 0.5)
    potential = potentials.build("bad", PAIR, {"how": "close pipes"})
    with pytest.raises(EngineLost, match=r"closed its pipes, did not end within 0.5 s, and was killed"):
        third(potential)
    potential.seam.engine.close()


def test_a_slow_start_is_not_a_wrong_config(bad, monkeypatch) -> None:
    """The limit on an answer is not that on the start; and a start that takes too long says so."""
    with monkeypatch.context() as patch:
        patch.setattr(worker_module, "START", 0.01)
        with pytest.raises(
            EngineLost, match=r"^potential 'bad' does not start: .* did not start in 0\.1 s and was killed"
        ):
            potentials.build("bad", PAIR, {"worker_timeout_s": 0.1})
    assert worker_module.START >= 120.0
    # To import takes longer than this, which is for answers alone.
    potentials.build("bad", PAIR, {"worker_timeout_s": 0.1}).seam.engine.close()


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("raise", ConfigError, "^potential 'bad' cannot be built: RuntimeError: I am ill"),
        ("exit", ConfigError, "^potential 'bad' does not start: the worker process ended with status 3$"),
        ("segfault", EngineLost, "^potential 'bad' does not start: the worker process was killed by signal 11"),
    ],
)
def test_what_goes_wrong_as_an_engine_is_built(bad, how, error, message) -> None:
    with pytest.raises(error, match=message) as caught:
        potentials.build("bad", PAIR, {"how": how, "when": "built"})
    assert str(caught.value).isprintable()


def test_a_worker_ends_with_those_it_works_for(bad) -> None:
    """Whatever kills the near end: neither the worker nor what it has started goes on, and its folder is gone."""
    code = (
        "import sys, numpy as np; from separatrix import potentials; from separatrix.core.molecule import Molecule\n"
        "p = potentials.build('bad', Molecule(('N', 'N'), ()), {'how': 'sleep'})\n"
        "print(p.seam.engine.pid, flush=True)\n"
        "[p.energy_and_gradient(np.eye(2, 3) * k) for k in range(3)]\n"
    )
    near = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = Path("/proc", near.stdout.readline().strip())
    folder = (child / "cwd").resolve()
    time.sleep(0.5)  # in the middle of the gradient that sleeps
    near.send_signal(signal.SIGKILL)
    near.wait()
    deadline = time.monotonic() + 20.0
    while child.exists() and "Z" not in (child / "stat").read_text().rpartition(")")[2][:3]:
        assert time.monotonic() < deadline, "the worker goes on"
        time.sleep(0.05)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("segfault", "(Segmentation fault)"),
        ("abort", "(Aborted)"),
        ("_exit", "(its library called exit, or it was killed)"),
    ],
)
def test_an_engine_that_ends_this_process_is_named(bad, how, why) -> None:
    code = (
        "import numpy as np; from separatrix import potentials; from separatrix.core.molecule import Molecule\n"
        f"p = potentials.build('bad', Molecule(('N', 'N'), ()), {{'how': {how!r}, 'worker': False}})\n"
        "[p.energy_and_gradient(np.eye(2, 3) * k) for k in range(3)]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"separatrix: the process ended inside potential 'bad' {why}; with `worker: true`")


def test_a_process_that_ends_by_itself_has_nothing_to_say(bad) -> None:
    code = (
        "import numpy as np; from separatrix import potentials; from separatrix.core.molecule import Molecule\n"
        "p = potentials.build('bad', Molecule(('N', 'N'), ()), {'worker': False})\n"
        "p.energy_and_gradient(np.eye(2, 3))\n"
        "raise SystemExit(4)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (4, "")


@pytest.mark.parametrize(
    ("points", "files", "message"),
    [
        ("b = nosuchmodule", {}, "by the package badpackage as nosuchmodule, which cannot be imported .*nosuchmodule"),
        ("b = wrong", {"wrong.py": "def f(:"}, "by the package badpackage as wrong, .*cannot be imported .SyntaxError"),
        ("b = wrong", {"wrong.py": "raise SystemExit(2)"}, "which cannot be imported .SystemExit: 2"),
        ("b = wrong:thing", {"wrong.py": ""}, "as wrong:thing, which cannot be imported .AttributeError"),
        (
            "b = wrong",
            {"wrong.py": ""},
            "by the package badpackage as wrong, which has not ENGINE, an object of .*Engine",
        ),
        (
            "b = wrong",
            {"wrong.py": f"{ENTRY}(name='b', build=max, options={{'a': str}})"},
            "options must be a mapping of their names to O",
        ),
        (
            "b = wrong",
            {"wrong.py": f"{ENTRY}(name='b', build=3)"},
            "which cannot be imported .its build must be a function",
        ),
    ],
)
def test_a_broken_package_is_named_in_one_line(tmp_path, monkeypatch, points, files, message) -> None:
    folder = install(tmp_path / "site", monkeypatch, points)
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.delitem(sys.modules, "wrong", raising=False)
    with pytest.raises(ConfigError, match=message) as caught:
        potentials.check_options("b", {})
    assert str(caught.value).isprintable()


def test_a_word_that_two_packages_register_is_refused(tmp_path, monkeypatch) -> None:
    install(tmp_path / "one", monkeypatch, "bad = bad_engine", "first")
    install(tmp_path / "two", monkeypatch, "bad = other_engine", "second")
    with pytest.raises(ConfigError, match=r"two packages, first \(bad_engine\) and second \(other_engine\)"):
        potentials.check_options("bad", {})


def test_a_build_that_gives_no_potential(tmp_path, monkeypatch) -> None:
    folder = install(tmp_path / "site", monkeypatch, "b = empty")
    (folder / "empty.py").write_text(f"{ENTRY}(name='b', build=lambda molecule, options: 3)\n")
    with pytest.raises(ConfigError, match=r"its build\(\) gave a int, not a Potential"):
        potentials.build("b", PAIR, {"worker": False})


def test_whole_numbers_and_lists_are_numbers() -> None:
    energy, gradient = checked((np.float32(2.0), [[1, 2, 3], [4, 5, 6]]), 2)
    assert energy == 2.0 and gradient.dtype == float and gradient[1, 2] == 6.0
