"""A file of results that has been damaged is never taken for a whole one, and no parser meets its bytes."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import netCDF4
import numpy as np
import pytest
import xarray as xr
from conftest import ROOT
from typer.testing import CliRunner

from separatrix.cli import main as cli
from separatrix.core import digest, files
from separatrix.core.errors import StoreError
from separatrix.core.files import CONVENTIONS, checksum, read_dataset, read_json, set_aside, write_dataset, write_json
from separatrix.core.journal import Journal, read_piece
from separatrix.core.locks import hold
from separatrix.results import status, verify
from separatrix.results.stage_costs import measured
from separatrix.workflow import scripting

sys.path.insert(0, str(ROOT / "benchmarks"))
import attacks

DATA = xr.Dataset(
    {
        "positions": (("frame", "atom", "axis"), np.random.default_rng(3).normal(size=(20, 5, 3))),
        "mechanism": (("frame",), np.array(["rotation", "inversion"] * 10)),
    },
    attrs={"start": "saddle"},
)
RECORD = {"outcome": "accepted", "index": 0, "positions": np.arange(15.0).reshape(5, 3), "reason": None}
CONTENT = {"stop": True, "values": [1.25, 7.088], "nested": {"a": "b"}}


def _record(path: Path) -> None:
    with Journal(path.parent) as journal:
        journal.write(0, RECORD)
    if path.name != "000000.npz":
        (path.parent / "000000.npz").rename(path)


KINDS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], object]]] = {
    "netCDF": ("paths.nc", lambda p: write_dataset(DATA, p, title="paths", source="a test"), read_dataset),
    "JSON": ("coordinate.json", lambda p: write_json(CONTENT, p), read_json),
    "record": ("000000.npz", _record, read_piece),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file of each kind, its reader, and parsers that say so when they are called."""
    name, write, read = KINDS[request.param]
    write(tmp_path / name)
    parsed: list[str] = []

    dataset = netCDF4.Dataset

    class Telling(type):
        """Not a subclass of Dataset: collecting instances of one in the middle of an exception crashes Python."""

        def __call__(cls, *arguments, **options):
            parsed.append("Dataset")
            return dataset(*arguments, **options)

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, dataset)

    class Told(metaclass=Telling):
        pass

    monkeypatch.setattr(netCDF4, "Dataset", Told)
    for module, parser in ((xr, "load_dataset"), (np, "load"), (json, "loads")):
        original = getattr(module, parser)
        monkeypatch.setattr(module, parser, lambda *a, _f=original, _n=parser, **k: (parsed.append(_n), _f(*a, **k))[1])
    return tmp_path / name, read, parsed


def _refused(file: Path, read: Callable[[Path], object], content: bytes) -> bool:
    file.write_bytes(content)
    try:
        read(file)
    except StoreError as error:
        return error.damaged == file and len(str(error).splitlines()) == 1
    return False


def test_whole_file_is_read_by_its_parser(kind) -> None:
    file, read, parsed = kind
    assert read(file) is not None and parsed


def test_every_truncation(kind) -> None:
    file, read, parsed = kind
    whole = file.read_bytes()
    lengths = range(len(whole)) if len(whole) < 8000 else [*range(200), *range(200, len(whole) - 200, 37)]
    lengths = [*lengths, *range(max(0, len(whole) - 200), len(whole))]
    assert all(_refused(file, read, whole[:n]) for n in lengths)
    # Of JSON a part of a digest is met by the parser: it is text, and is not whole.
    assert set(parsed) <= {"loads"} and (file.suffix == ".json" or not parsed)


@pytest.mark.parametrize("length", [1, 8, 64])
def test_flipped_bits_are_told_before_a_parser_sees_them(kind, length: int) -> None:
    file, read, parsed = kind
    whole = file.read_bytes()
    chance = random.Random(length)
    for _ in range(300):
        at, mask = chance.randrange(len(whole)), 1 << chance.randrange(8)
        assert _refused(file, read, bytes(b ^ mask if at <= k < at + length else b for k, b in enumerate(whole))), at
    # A burst as long as the digest may leave nothing of it that could be known.
    assert not parsed or length == 64


def test_every_bit_of_the_digest(kind) -> None:
    file, read, parsed = kind
    whole = file.read_bytes()
    for at in range(len(whole) - 80, len(whole)):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[at] ^= 1 << bit
            assert _refused(file, read, bytes(spoilt)), (at, bit)
    assert not parsed


def test_bytes_behind_the_end(kind) -> None:
    file, read, _ = kind
    whole = file.read_bytes()
    assert _refused(file, read, whole + b"\0") and _refused(file, read, whole + b"x" * 40)
    # Zeros, as a power cut leaves them.
    assert _refused(file, read, bytes(len(whole))) and _refused(file, read, b"")


# --- other programs and other versions --------------------------------------------------------------------------------


def test_other_programs_read_the_files(tmp_path: Path) -> None:
    for name, write, _ in KINDS.values():
        write(tmp_path / name)
    with netCDF4.Dataset(tmp_path / "paths.nc") as data:
        assert data["positions"].shape == (20, 5, 3)
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "paths.nc")[list(DATA)].drop_attrs(), DATA.drop_attrs())
    plain = json.loads((tmp_path / "coordinate.json").read_text())
    assert list(plain) == [*CONTENT, "sha256"] and plain["values"] == [1.25, 7.088]
    with zipfile.ZipFile(tmp_path / "000000.npz") as archive:
        assert archive.testzip() is None
    with np.load(tmp_path / "000000.npz") as record:
        np.testing.assert_array_equal(record["positions"], RECORD["positions"])


def test_the_header_of_netcdf_counts_the_digest(tmp_path: Path) -> None:
    """A file that is cut where HDF5 itself had ended it is not whole to HDF5, either."""
    write_dataset(DATA, tmp_path / "a.nc", title="", source="")
    content = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(content[:-80])
    with pytest.raises(OSError, match=r"HDF error|Unknown file format"):
        netCDF4.Dataset(tmp_path / "cut.nc")
    # The checksum of the header is HDF5's own: a wrong one is refused by it.
    wrong = bytearray(content)
    wrong[44] ^= 1
    (tmp_path / "wrong.nc").write_bytes(wrong)
    with pytest.raises(OSError, match=r"HDF error|Unknown file format"):
        netCDF4.Dataset(tmp_path / "wrong.nc")


def test_files_of_older_versions_are_read(tmp_path: Path) -> None:
    """They have no digest; what netCDF has is a checksum of its content."""
    old = DATA.assign_attrs(title="t", source="s", Conventions=CONVENTIONS)
    old.assign_attrs(checksum=checksum(old)).to_netcdf(tmp_path / "old.nc", engine="netcdf4")
    xr.testing.assert_identical(read_dataset(tmp_path / "old.nc")[list(DATA)].drop_attrs(), DATA.drop_attrs())
    (tmp_path / "old.json").write_text(json.dumps(CONTENT, indent=2) + "\n")
    assert read_json(tmp_path / "old.json") == CONTENT
    archive = io.BytesIO()
    np.savez(archive, x=np.arange(3), json=np.array('{"index": 0}'))
    (tmp_path / "000000.npz").write_bytes(archive.getvalue())
    with Journal(tmp_path) as journal:
        assert journal.piece(0)["index"] == 0
    # Of these, a part is still known for a part, and a compression that zipfile does not know is damage.
    whole = (tmp_path / "old.nc").read_bytes()
    assert all(_refused(tmp_path / "old.nc", read_dataset, whole[:n]) for n in range(0, len(whole), 97))
    spoilt = bytearray(archive.getvalue())
    spoilt[spoilt.rindex(b"PK\x01\x02") + 10] = 99
    assert _refused(tmp_path / "000000.npz", read_piece, bytes(spoilt))


def test_json_that_was_made_from_ours(tmp_path: Path) -> None:
    """Read, changed and written by us, it has one digest, of its new content."""
    write_json({**CONTENT, "sha256": "of something else"}, tmp_path / "a.json")
    assert read_json(tmp_path / "a.json") == CONTENT
    write_json({}, tmp_path / "b.json")
    assert read_json(tmp_path / "b.json") == {}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"a": float("nan")}, tmp_path / "c.json")
    assert not (tmp_path / "c.json").exists()


def test_large_files_are_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "IN_MEMORY", 100)
    write_dataset(DATA, tmp_path / "a.nc", title="", source="")
    assert "positions" in read_dataset(tmp_path / "a.nc")
    whole = (tmp_path / "a.nc").read_bytes()
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2] ^= 1
    assert _refused(tmp_path / "a.nc", read_dataset, bytes(spoilt))


# --- what becomes of a damaged file -----------------------------------------------------------------------------------


def _spoil(file: Path, at: float = 0.5) -> None:
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 4
    file.write_bytes(content)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Some files of a run."""
    folder = tmp_path / "results"
    hold(folder)
    (folder / "comparison").mkdir()
    for name, write, _ in KINDS.values():
        write(folder / "coupled" / ("journal/key" if name.endswith("npz") else "") / name)
    table = folder / "comparison/comparison.csv"
    table.write_text("quantity,value\nbarrier,7.5\n")
    verify.remember([table, folder / "coupled/paths.nc"])
    return folder


def _job(folder: Path, *, inputs: list[Path] = [], outputs: list[Path] = []) -> SimpleNamespace:  # noqa: B006
    log = folder / "job.log"
    return SimpleNamespace(log=[log], input=inputs, output=outputs, rule="figures", wildcards={"method": "coupled"})


def test_damaged_table_is_not_read_by_a_script(results: Path, tmp_path: Path, capsys) -> None:
    table = results / "comparison/comparison.csv"
    _spoil(table)
    with pytest.raises(SystemExit) as end, scripting.logged(_job(tmp_path, inputs=[table])):
        pytest.fail("the script has begun")
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{table}: damaged, and moved to comparison.csv.damaged; the same command makes it again" in said
    assert not table.exists() and table.with_name("comparison.csv.damaged").exists()


def test_a_script_that_finds_a_damaged_file_moves_it_aside(results: Path, tmp_path: Path, capsys) -> None:
    """Also where it is no input of the job but lies in the folder of a method that it reads."""
    fit = results / "coupled/coordinate.json"
    for number in ("", "-2"):
        write_json(CONTENT, fit)
        _spoil(fit)
        with pytest.raises(SystemExit), scripting.logged(_job(tmp_path)):
            read_json(fit)
        assert f"moved to coordinate.json.damaged{number};" in capsys.readouterr().err
    # The first of them is still there, and files of people elsewhere stay where they are.
    assert fit.with_name("coordinate.json.damaged").exists()
    write_json(CONTENT, tmp_path / "mine.json")
    _spoil(tmp_path / "mine.json")
    with pytest.raises(SystemExit), scripting.logged(_job(tmp_path)):
        read_json(tmp_path / "mine.json")
    assert (tmp_path / "mine.json").exists()


def test_a_job_leaves_digests_of_its_outputs(results: Path, tmp_path: Path) -> None:
    table = results / "comparison/comparison.csv"
    with scripting.logged(_job(tmp_path, outputs=[table])):
        assert verify.check(table) is False  # that of the job before is gone
        table.write_text("quantity,value\nbarrier,8.5\n")
    assert verify.check(table) is True


def test_file_that_was_made_again_meanwhile_is_not_moved(results: Path) -> None:
    assert set_aside(results / "coupled/coordinate.json") is None
    assert set_aside(results / "coupled/gone.json") is None
    assert (results / "coupled/coordinate.json").exists()


def test_damaged_record_is_named_and_moved(results: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = results / "coupled/journal/key"
    with Journal(folder) as journal:
        for index in range(4):
            journal.write(index, RECORD | {"index": index})
        _spoil(folder / "000001.npz")
        assert [r["index"] for r in journal.read()] == [0]
    assert "000001.npz: damaged, and moved to 000001.npz.damaged" in caplog.text
    assert {f.name for f in folder.glob("*.npz*")} == {"000000.npz", "000001.npz.damaged"}


def test_status_and_costs_pass_over_what_is_damaged(results: Path) -> None:
    _spoil(results / "coupled/journal/key/000000.npz")
    assert list(status._pieces(results / "coupled/journal/key")) == []
    verdict = results / "coupled/rounds/1.json"
    write_json({"converged": True, "verdict": "converged"}, verdict)
    assert status.of_method(results / "coupled").verdict == "converged"
    _spoil(verdict)
    assert status.of_method(results / "coupled").verdict.startswith(f"{verdict}: damaged, not whole JSON")
    write_json({"ms_per_gradient": 1000.0}, results / "coupled/check.json")
    assert measured(results / "coupled").gradient == pytest.approx(1.0)
    _spoil(results / "coupled/check.json")
    assert measured(results / "coupled").gradient is None


def test_command_names_and_moves_a_damaged_file(results: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = results / "coupled/paths.nc"
    _spoil(paths)
    monkeypatch.setattr(sys, "argv", ["separatrix", "export", str(paths), str(results.parent / "out.dcd")])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert f"{paths}: damaged, and moved to paths.nc.damaged; the next `snakemake` makes it again" in said


# --- separatrix verify ------------------------------------------------------------------------------------------------


def test_verify(results: Path) -> None:
    runner = CliRunner()
    whole = runner.invoke(cli.app, ["verify", str(results)])
    assert whole.exit_code == 0 and "4 files are as they were written" in whole.output
    (results / "coupled/old.json").write_text("{}\n")
    shutil.copy(results / "coupled/paths.nc", results / "coupled/logs.nc")
    victims = [results / name for name in ("coupled/logs.nc", "comparison/comparison.csv", "coupled/old.json")]
    _spoil(victims[0])
    _spoil(victims[1])
    victims[2].write_text('{"a": ')
    looked = runner.invoke(cli.app, ["verify", str(results), "--dry-run"])
    assert looked.exit_code == 1 and all(f"{file}: damaged (" in looked.output for file in victims)
    assert all(file.exists() for file in victims)
    moved = runner.invoke(cli.app, ["verify", str(results)])
    assert moved.exit_code == 1 and "3 damaged" in moved.output and "the same `snakemake` command" in moved.output
    assert all(file.with_name(f"{file.name}.damaged").exists() and not file.exists() for file in victims)
    # What a job has left a digest of is missed now; what is aside is looked at no more.
    after = json.loads(runner.invoke(cli.app, ["verify", str(results), "--json"]).output)
    assert after["damaged"] == [] and after["missing"] == [str(victims[1])] and not after["is_whole"]


def test_verify_outlives_a_parser_that_does_not(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files without a digest are read by a process of their own: HDF5 may crash or hang on them."""
    old = results / "coupled/old.nc"
    DATA.to_netcdf(old, engine="netcdf4")
    monkeypatch.setitem(verify._READERS, ".nc", lambda _: os.kill(os.getpid(), 9))
    assert [d.reason for d in verify.verify(results, move=False).damaged] == ["reading it ends in signal 9"]
    monkeypatch.setitem(verify._READERS, ".nc", lambda _: __import__("time").sleep(60))
    monkeypatch.setattr(verify, "_PATIENCE", 0.2)
    assert "takes more than" in verify.verify(results, move=False).damaged[0].reason


def test_verify_wants_results(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no results of a run"):
        verify.verify(tmp_path)


def test_attacks_on_a_few_files(results: Path) -> None:
    """A sample of what benchmarks/attacks.py does to a whole run."""
    target = attacks.Target(results, None, 400, random.Random(5))
    for name in ("flips", "verified"):
        said = list(attacks.ATTACKS[name][1](target))
        assert said and not [line for line in said if line is not None]


# --- the disk ---------------------------------------------------------------------------------------------------------


def test_file_and_folder_are_on_the_disk_when_a_file_has_its_name(tmp_path: Path, monkeypatch) -> None:
    done: list[str] = []
    real, rename = os.fsync, Path.replace

    def fsync(number: int) -> None:
        done.append(Path(f"/proc/self/fd/{number}").readlink().name)
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", lambda self, other: (done.append("renamed"), rename(self, other))[1])
    write_json(CONTENT, tmp_path / "a.json")
    assert done == [f".a.json.{os.getpid()}.part", "renamed", tmp_path.name]


def test_disk_that_fails_late_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems say only at fsync that there is no space."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"a.json: cannot be written \(No space left on device\); once that is put"):
        write_json(CONTENT, tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here, the file that is always full")
def test_log_on_a_full_disk_costs_no_job(tmp_path: Path, capsys) -> None:
    job = _job(tmp_path)
    job.log = ["/dev/full"]
    with scripting.logged(job):
        scripting.logging.getLogger("separatrix").warning("words that find no place")
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit), scripting.logged(job):
        raise OSError(28, "No space left on device", "scratch")
    said = capsys.readouterr().err
    assert said.startswith("separatrix: figures method=coupled: scratch: No space left on device; once that is put")
    assert said.count("\n") == 1


def test_interrupted_script_is_one_line(tmp_path: Path, capsys) -> None:
    before = scripting.signal.getsignal(scripting.signal.SIGINT)
    try:
        with pytest.raises(SystemExit), scripting.logged(_job(tmp_path)):
            raise KeyboardInterrupt
    finally:
        scripting.signal.signal(scripting.signal.SIGINT, before)
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler (gcc) to build the library that refuses locks")
@pytest.mark.parametrize("number", [*attacks.NO_LOCKS, *attacks.FAILING])
def test_file_system_that_refuses_locks(tmp_path: Path, number: int) -> None:
    run: subprocess.CompletedProcess[str] = attacks.without_locks(tmp_path, number)
    if number in attacks.NO_LOCKS:
        assert run.returncode == 0, run.stderr
        assert "the file system has no locks; never run two copies at once" in run.stderr
    else:
        assert run.returncode == 1
        assert "cannot be locked" in run.stderr and len(run.stderr.splitlines()) == 1


def test_digest_is_of_all_bytes() -> None:
    text = digest.json_text({"a": 1}).encode()
    assert digest.check_bytes(text, ".json") is True
    assert digest.check_bytes(b'{"a": 1}', ".json") is False
