"""Attacks on a run, each repeated many times, and how many of them held: the rows of docs/reliability.md.

    python benchmarks/attacks.py [NAME ...] [--config FILE | --results FOLDER] [--flips 20000] [--seed 1]

Without names all are made. FILE is the config of a finished run, whose results are copied; FOLDER is enough for attacks
that run no job. Without them a small run on a surface with known answers is made first (minutes). Exit status 1 when an
attack did not hold; it is named.

An attack is a function with the decorator `attack`: it takes the `Target` and yields what it tries, one by one: None
where the attack held, and otherwise a line that says what happened.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from separatrix.core import digest
from separatrix.core.errors import StoreError
from separatrix.core.files import checksum, read_dataset, read_json
from separatrix.core.journal import read_piece
from separatrix.results import verify

ROOT = Path(__file__).resolve().parent.parent

Attack = Callable[["Target"], Iterator[str | None]]


@dataclass
class Target:
    """What is attacked.

    Attributes
    ----------
    results
        A finished run that may be spoilt.
    config
        Its config; None where only the results are known.
    flips
        Bits to flip.
    random
        Where and when.
    """

    results: Path
    config: Path | None
    flips: int
    random: random.Random

    def kinds(self) -> dict[str, list[Path]]:
        """Files that jobs read, by kind: their name without the numbers in it, and journals apart."""
        found: dict[str, list[Path]] = {}
        for file in sorted(verify.files(self.results)):
            place = "journal of " if file.suffix == ".npz" or file.name == "about.json" else ""
            where = file.relative_to(self.results).parts[-3 if place else -2 :][0] if place else ""
            name = "record" if file.suffix == ".npz" else re.sub(r"_?\d+", "", file.stem)
            found.setdefault(f"{place}{re.sub(r'_?[0-9]+', '', where)} {name}{file.suffix}".strip(), []).append(file)
        return found


ATTACKS: dict[str, tuple[str, Attack]] = {}


def attack(words: str) -> Callable[[Attack], Attack]:
    """Add an attack under its function's name; `words` are those of the table."""

    def add(function: Attack) -> Attack:
        ATTACKS[function.__name__] = (words, function)
        return function

    return add


# --- damaged files --------------------------------------------------------------------------------------------------


def _told(file: Path) -> str | None:
    """Whether whoever reads a damaged file is told so, in the error that the workflow moves it aside for."""
    reader = {".json": read_json, ".nc": read_dataset, ".npz": read_piece}.get(file.suffix)
    try:
        verify.check_inputs([file])
        if reader is not None:
            reader(file)
    except StoreError as error:
        return None if error.damaged == file else f"taken for something else: {error}"
    except Exception as error:
        return f"fatal: {type(error).__name__}: {error}"
    return "accepted"


@attack("a bit flipped in a file of results, journals, tables and figures included")
def flips(target: Target) -> Iterator[str | None]:
    kinds = sorted(target.kinds().items())
    for number in range(target.flips):
        # Every kind as often as any other, be it one file or thousands.
        _, files = kinds[number % len(kinds)]
        file = target.random.choice(files)
        at, bit = target.random.randrange(file.stat().st_size), target.random.randrange(8)
        with file.open("r+b", buffering=0) as stream:
            whole = os.pread(stream.fileno(), 1, at)
            os.pwrite(stream.fileno(), bytes([whole[0] ^ 1 << bit]), at)
            said = _told(file)
            os.pwrite(stream.fileno(), whole, at)
        yield said and f"{file}: byte {at} bit {bit}: {said}"


@attack("a file of results cut short: at every byte of one of each kind (figures, pages, more than 64 kB: at 2,000)")
def truncations(target: Target) -> Iterator[str | None]:
    for _, files in sorted(target.kinds().items()):
        file = min(files, key=lambda f: f.stat().st_size)
        content = file.read_bytes()
        lengths: list[int] = list(range(len(content)))
        if len(lengths) > (1 << 16 if file.suffix in (".json", ".nc", ".npz", ".csv") else 2000):
            middle = lengths[500:-500]
            lengths = [*lengths[:500], *sorted(target.random.sample(middle, min(1000, len(middle)))), *lengths[-500:]]
        for length in reversed(lengths):
            os.truncate(file, length)
            said = _told(file)
            yield said and f"{file}: cut to {length} bytes: {said}"
        file.write_bytes(content)


@attack("a damaged file of each kind: `separatrix verify` names it and moves it aside")
def verified(target: Target) -> Iterator[str | None]:
    victims = [target.random.choice(files) for _, files in sorted(target.kinds().items())]
    kept = {file: file.read_bytes() for file in victims}
    for file in victims:
        at = target.random.randrange(len(kept[file]))
        spoilt = bytearray(kept[file])
        spoilt[at] ^= 1 << target.random.randrange(8)
        file.write_bytes(spoilt)
    found = {damage.path: damage.aside for damage in verify.verify(target.results).damaged}
    for file, content in kept.items():
        aside = found.pop(file, None)
        yield None if aside and aside.is_file() and not file.exists() else f"{file}: not found or not moved"
        file.write_bytes(content)
        if aside is not None:
            aside.unlink(missing_ok=True)
    for file in found:
        yield f"{file}: called damaged, and is whole"


# --- file systems ---------------------------------------------------------------------------------------------------

_WRITE = """
import sys, numpy as np, xarray as xr
from separatrix.core.errors import SeparatrixError
from separatrix.core.files import read_dataset, write_dataset
from separatrix.core.journal import Journal
from separatrix.core.locks import hold
data = xr.Dataset({"a": ("x", np.arange(5.0))})
try:
    write_dataset(data, "t.nc", title="t", source="s")
    assert (read_dataset("t.nc")["a"].values == np.arange(5.0)).all()
    hold("folder")
    with Journal("journal") as journal:
        journal.write(0, {"a": 1})
        assert journal.read() == [{"a": 1}]
except SeparatrixError as error:
    sys.exit(f"separatrix: {error}")
"""


def without_locks(folder: Path, number: int) -> subprocess.CompletedProcess[str]:
    """Write and read a table, a journal and the lock of a results folder where every lock fails with `number`."""
    library = folder / "no_locks.so"
    if not library.exists():
        source = ROOT / "tests/no_locks.c"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    work = folder / f"errno_{number}"
    work.mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "HDF5_USE_FILE_LOCKING"}
    environment |= {"LD_PRELOAD": str(library), "LOCK_ERRNO": str(number), "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", _WRITE], cwd=work, env=environment, capture_output=True, text=True)


NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, 524)
FAILING = (errno.EIO, errno.ESTALE, errno.EACCES)


@attack("a file system that refuses locks, or fails at them: the work is done, or one line says why not")
def locks(target: Target) -> Iterator[str | None]:
    with tempfile.TemporaryDirectory() as folder:
        for number in (*NO_LOCKS, *FAILING):
            run = without_locks(Path(folder), number)
            lines = [line for line in run.stderr.splitlines() if "has no locks" not in line]
            right = (run.returncode == 0) if number in NO_LOCKS else (run.returncode == 1 and len(lines) == 1)
            yield None if right else f"errno {number}: exit status {run.returncode}: {run.stderr[-300:]}"


# --- the same command again -----------------------------------------------------------------------------------------


def _snakemake(target: Target, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nocolor", "--configfile", str(target.config)]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=3600)


@attack("a file of each kind removed: a dry run plans the job that makes it")
def missing(target: Target) -> Iterator[str | None]:
    if target.config is None:
        return
    for kind, files in sorted(target.kinds().items()):
        if kind.startswith("journal"):
            continue  # what a chain goes on from; its tables hold all of it
        file = target.random.choice(files)
        content, stamp = file.read_bytes(), file.stat()
        file.unlink()
        said = _snakemake(target, "-n").stdout
        file.write_bytes(content)
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        yield None if "Nothing to be done" not in said and "job" in said else f"{file}: nothing is planned"


@attack("a bit flipped in one file of each kind, all at once: the same command makes them again, to the same numbers")
def repaired(target: Target) -> Iterator[str | None]:
    if target.config is None:
        return
    before = _content(target.results)
    for kind, files in sorted(target.kinds().items()):
        if kind.startswith("journal"):
            continue
        file = target.random.choice(files)
        spoilt = bytearray(file.read_bytes())
        spoilt[target.random.randrange(len(spoilt))] ^= 1 << target.random.randrange(8)
        file.write_bytes(spoilt)
    run = _snakemake(target)
    if run.returncode:
        run = _snakemake(target)
    after = _content(target.results) if run.returncode == 0 else {}
    for name, content in before.items():
        yield None if after.get(name) == content else f"{name}: is not what it was (exit status {run.returncode})"


def _content(results: Path) -> dict[str, str]:
    """What the tables and results of a run say, by file: costs and times, which differ from run to run, left out."""
    found = {}
    for file in sorted(results.glob("*/**/*.nc")):
        if "export" not in file.parts and file.name != "first_path.nc":
            data = read_dataset(file)
            data.attrs = {}
            found[str(file.relative_to(results))] = checksum(data)
    for pattern in ("*/coordinate.json", "*/committor.json", "*/rounds/*.json", "*/rates/harmonic.json"):
        for file in sorted(results.glob(pattern)):
            found[str(file.relative_to(results))] = digest.json_text(read_json(file))
    return found


# --- the command ----------------------------------------------------------------------------------------------------


def small_run(folder: Path) -> tuple[Path, Path]:
    """A finished run on a surface with known answers: its config and its results."""
    data = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
    data["results_directory"] = str(folder / "results")
    data["sampling"] = {"chains": 2, "shots_per_round": 50, "min_rounds": 2, "max_rounds": 2}
    data["committor"] = {"configurations": 12, "shots_per_configuration": 24, "batches": 2}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(data, sort_keys=False))
    print("a small run is made first", file=sys.stderr)
    run = _snakemake(Target(folder / "results", config, 0, random.Random()))
    if run.returncode:
        sys.exit(f"the run has failed:\n{run.stderr[-3000:]}")
    return config, folder / "results"


def main() -> None:
    """Make the attacks and print their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ATTACKS)}")
    parser.add_argument("--config", type=Path, help="config of a finished run, whose results are copied")
    parser.add_argument("--results", type=Path, help="the same without its config: attacks that run jobs try nothing")
    parser.add_argument("--flips", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in ATTACKS]
    if unknown:
        parser.error(f"no attack {unknown[0]!r} (known: {', '.join(ATTACKS)})")
    failed = False
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.config is not None:
            data, config = yaml.safe_load(options.config.read_text()), folder / "config.yaml"
            results = folder / "results"
            shutil.copytree(data["results_directory"], results, symlinks=True)
            config.write_text(yaml.safe_dump(data | {"results_directory": str(results)}, sort_keys=False))
        elif options.results is None:
            config, results = small_run(folder)
        else:
            config, results = None, folder / "results"
            shutil.copytree(options.results, results, symlinks=True)
        print("| attack | tried | held | how to repeat |\n|---|---|---|---|")
        for name in options.names or ATTACKS:
            words, function = ATTACKS[name]
            said = list(function(Target(results, config, options.flips, random.Random(options.seed))))
            lost = [line for line in said if line is not None]
            print(
                f"| {words} | {len(said):,} | {len(said) - len(lost):,} | `python benchmarks/attacks.py {name}` |",
                flush=True,
            )
            for line in lost[:10]:
                print(f"{name}: {line}", file=sys.stderr)
            failed = failed or bool(lost)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
