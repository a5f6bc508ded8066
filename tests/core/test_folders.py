"""Folders that results are written to: nothing of anybody else's is written over or removed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from separatrix.core import folders
from separatrix.core.errors import ConfigError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home/project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "home/project")


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", " results", "results ", "a/ b", "a\nb", "a\x00b", "a\x1b[31m", "a‮b", "a​"),
        *(
            "~",
            "~/x",
            "~root/x",
            "a/~/b",
            "$SCRATCH/x",
            "x`touch y`",
            "a;b",
            "a|b",
            "it's",
            'a"b',
            "a\\b",
            "<a>",
            "a&b",
        ),
        *(
            "res{x}",
            "{wildcards.method}",
            "res{",
            "a}",
            "a*",
            "a?",
            "a[1]",
            "-x",
            "s3://bucket/x",
            "x" * 256,
            "ü" * 128,
        ),
        "/".join(["x" * 200] * 20),
    ],
)
def test_what_cannot_be_the_name_of_a_folder(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        folders.check_name(name)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400 and str(error.value).isprintable()


@pytest.mark.parametrize(
    "name", ["results", "results/run 1", "run.2", "Läufe/ü", "a" * 255, "./x", "../other", "a=b,c+d@e%f"]
)
def test_what_can(name: str) -> None:
    folders.check_name(name)
    folders.check_results(name)
    assert not Path(name).exists()  # nothing is written by looking


@given(st.text(max_size=40))
def test_any_text_is_right_or_one_line(name: str) -> None:
    try:
        folders.check_results(name)
    except ConfigError as error:
        assert "\n" not in str(error) and len(str(error)) < 500


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is the working folder"),
        ("./", "is the working folder"),
        ("..", "is a folder above the working folder"),
        ("link-home", "is your home folder"),
        ("../..", "is a folder above"),
        ("/", "is a folder above"),
        ("sub/..", "is the working folder"),
        ("link-to-here", "is the working folder"),
        ("nowhere", "which is not there"),
        ("loop", "cannot be used as a folder"),
        ("file", "is a file"),
        ("file/results", "is a file"),
        ("/proc/x", "operating system"),
        ("/etc/separatrix", "operating system"),
        ("mine", "holds what Separatrix has not written (notes.txt)"),
        ("hidden", "has not written (.git and 1 more)"),
        ("link-to-mine", "has not written (notes.txt)"),
        ("half", "has not written (pm6)"),
    ],
)
def test_places_where_others_keep_things(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("sub", "mine", "hidden/.git", "half/pm6", "real-home"):
        Path(folder).mkdir(parents=True)
    for file in ("file", "mine/notes.txt", "hidden/a"):
        Path(file).write_text("")
    Path("half/pm6/check.json").write_text('{"ok": true}')
    for link, target in (("link-to-here", "."), ("nowhere", "gone"), ("loop", "loop"), ("link-to-mine", "mine")):
        Path(link).symlink_to(target)
    monkeypatch.setenv("HOME", str(Path("real-home").resolve()))
    for link, target in (("link-home", "real-home"),):
        Path(link).symlink_to(target)
    before = sorted(str(p) for p in Path().rglob("*"))
    with pytest.raises(ConfigError) as error:
        folders.check_results(name)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert sorted(str(p) for p in Path().rglob("*")) == before


def test_the_clone_itself_is_no_place(root: Path) -> None:
    """From wherever the workflow is run."""
    for folder in (root, root.parent, root / "config", root / "resources"):
        with pytest.raises(ConfigError):
            folders.check_results(str(folder))


def test_a_folder_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked")  # root may write anywhere
    with pytest.raises(ConfigError, match="nothing can be written to"):
        folders.check_results("locked/results")


class TestOurs:
    """Folders that a run may go on in."""

    def test_an_empty_one_and_one_with_our_mark(self) -> None:
        Path("results").mkdir()
        Path("results/.gitkeep").write_text("")
        folders.check_results("results")
        folders.mark("results")
        Path("results/notes.txt").write_text("a user's")
        folders.check_results("results")

    def test_a_mark_is_written_once(self) -> None:
        folders.mark("new/results")
        time = Path("new/results/.separatrix").stat().st_mtime_ns
        folders.mark("new/results")
        assert Path("new/results/.separatrix").stat().st_mtime_ns == time
        assert [p.name for p in Path("new/results").iterdir()] == [".separatrix"]

    def test_results_of_versions_before_the_mark(self) -> None:
        Path("old/pm6/rounds").mkdir(parents=True)
        Path("old/.lock").write_text("snakemake, process 12 on host,\n")
        folders.check_results("old")
        # Copied without hidden files: the check of the engine tells.
        Path("old/.lock").unlink()
        with pytest.raises(ConfigError):
            folders.check_results("old")
        Path("old/pm6/check.json").write_text(json.dumps({"method": "pm6", "usable": True, "nve_drift": 0.1}))
        folders.check_results("old")

    def test_a_link_to_ours(self) -> None:
        folders.mark("scratch/run")
        Path("results").symlink_to("scratch/run")
        folders.check_results("results")


def test_the_way_into_an_export_is_never_a_link(tmp_path: Path) -> None:
    """What a folder's link points to is not written to, and names that lead out of it are refused."""
    out, other = tmp_path / "export", tmp_path / "other"
    out.mkdir()
    other.mkdir()
    (other / "a.txt").write_text("mine")
    (out / "data").symlink_to(other)
    folders._write_record(
        out,
        {name: {folders.digest(other / "a.txt")} for name in ("data/a.txt", "../other/a.txt", str(other / "a.txt"))},
    )
    with folders.staging(out) as staged:
        (staged / "b.txt").write_text("ours")
        (staged / "meta").write_text("{}")
        assert folders.install(staged, out, "meta") == ["data"]
    assert (other / "a.txt").read_text() == "mine" and (out / "b.txt").read_text() == "ours"


def test_an_export_that_was_killed_half_way_is_finished_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "export"
    for text in ("old", "new"):
        with folders.staging(out) as staged:
            for name in ("a", "b", "meta"):
                (staged / name).write_text(f"{text} {name}")
            if text == "old":
                assert folders.install(staged, out, "meta") == []
            else:  # as `install` does before it moves anything, and after it has moved one file
                known = folders.written(out, "meta")
                folders._write_record(out, {name: known[name] | {folders.digest(staged / name)} for name in known})
                (staged / "a").replace(out / "a")
    with folders.staging(out) as staged:
        for name in ("a", "b", "meta"):
            (staged / name).write_text(f"newer {name}")
        foreign = folders.install(staged, out, "meta")
    assert foreign == [] and sorted(p.name for p in out.iterdir()) == ["a", "b", "meta"]
    assert (out / "a").read_text() == "newer a"
