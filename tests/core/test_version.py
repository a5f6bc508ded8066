"""Version and commit of the code, read from git's files, and what files say of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from separatrix import __version__
from separatrix.core import version
from separatrix.core.files import checksum, read_dataset, write_dataset
from separatrix.core.version import CodeVersion, code_version, has_changes, head_commit, repository_of


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=N", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with a package `separatrix` at its top; the folder of the package."""
    top = tmp_path / "clone"
    (top / "separatrix").mkdir(parents=True)
    (top / "pyproject.toml").write_text('[project]\nname = "separatrix"\n')
    (top / "separatrix/a.py").write_text("A = 1\n")
    (top / ".gitignore").write_text("__pycache__/\n")
    git(top, "init", "--quiet", "--initial-branch", "main")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "one")
    return top / "separatrix"


def commit_of(package: Path) -> str:
    repository = repository_of(package)
    assert repository is not None
    return head_commit(repository)


def test_commit_is_that_of_git_on_a_branch_packed_detached_and_in_a_work_tree(clone: Path, tmp_path: Path) -> None:
    first = git(clone, "rev-parse", "HEAD")
    assert commit_of(clone) == first
    git(clone, "pack-refs", "--all")
    assert not (clone.parent / ".git/refs/heads/main").exists() and commit_of(clone) == first
    (clone / "a.py").write_text("A = 2\n")
    git(clone, "commit", "--quiet", "--all", "--message", "two")
    second = git(clone, "rev-parse", "HEAD")
    assert second != first and commit_of(clone) == second
    git(clone, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"), first)
    assert commit_of(tmp_path / "tree/separatrix") == first
    git(clone, "checkout", "--quiet", "--detach", first)
    assert commit_of(clone) == first


def test_commit_of_a_repository_of_somebody_else_is_not_ours(clone: Path) -> None:
    (clone.parent / "pyproject.toml").write_text('[project]\nname = "theirs"\n')
    assert repository_of(clone) is None
    (clone.parent / "pyproject.toml").unlink()
    assert repository_of(clone) is None


def test_changes_are_those_of_the_package(clone: Path) -> None:
    """An edited config is no other code; a new module is."""
    assert has_changes(clone) is False
    (clone.parent / "config.yaml").write_text("seed: 2\n")
    (clone / "__pycache__").mkdir()
    (clone / "__pycache__/a.pyc").write_bytes(b"")
    assert has_changes(clone) is False
    (clone / "engine.py").write_text("")
    assert has_changes(clone) is True
    (clone / "engine.py").unlink()
    (clone / "a.py").write_text("A = 3\n")
    assert has_changes(clone) is True


def test_without_git_changes_are_not_denied(clone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert has_changes(clone) is None and len(commit_of(clone)) == 40


def test_words_of_a_version() -> None:
    commit = "3f95a08" + "0" * 33
    assert str(CodeVersion("0.1.0")) == "separatrix 0.1.0"
    assert str(CodeVersion("0.1.0", commit)) == f"separatrix 0.1.0 (commit {commit})"
    assert str(CodeVersion("0.1.0", commit, True)) == f"separatrix 0.1.0 (commit {commit}, with uncommitted changes)"
    assert "not checked" in CodeVersion("0.1.0", commit, None).commit_text


def test_a_process_keeps_the_commit_it_was_started_with(clone: Path) -> None:
    """Another commit is checked out while a job runs; what it writes names the code it was loaded from."""
    source = Path(version.__file__).parent
    (clone / "__init__.py").write_text('__version__ = "0.1.0"\n')
    (clone / "core").mkdir()
    (clone / "core/__init__.py").touch()
    shutil.copy(source / "version.py", clone / "core/version.py")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "package")
    script = (
        "import subprocess, sys; from separatrix.core.version import code_version\n"
        "if sys.argv[1:]: subprocess.run(['git', 'checkout', '--quiet', sys.argv[1]], check=True)\n"
        "print(code_version())"
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", script, *arguments]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(clone.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=clone.parent, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    commit = git(clone, "rev-parse", "HEAD")
    assert run() == f"separatrix 0.1.0 (commit {commit})"
    assert run("HEAD~1") == f"separatrix 0.1.0 (commit {commit}, uncommitted changes not checked)"


def test_installed_package_has_the_commit_that_pip_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "ab" * 20

    class Installed:
        text: str | None = json.dumps({"url": "https://example.org/s.git", "vcs_info": {"commit_id": commit}})

        def read_text(self, name: str) -> str | None:
            return self.text if name == "direct_url.json" else None

    monkeypatch.setattr(version, "_REPOSITORY", None)
    monkeypatch.setattr(version, "distribution", lambda name: Installed())
    code_version.cache_clear()
    try:
        assert code_version() == CodeVersion(__version__, commit)
        for text in (None, json.dumps({"url": "file:///x", "dir_info": {"editable": True}}), "no JSON"):
            monkeypatch.setattr(Installed, "text", text)
            code_version.cache_clear()
            assert code_version() == CodeVersion(__version__)
    finally:
        code_version.cache_clear()


def test_history_of_a_file_names_time_version_and_commit_and_no_checksum_depends_on_it(tmp_path: Path) -> None:
    data = xr.Dataset({"x": ("n", np.arange(3.0))})
    write_dataset(data, tmp_path / "a.nc", title="t", source="s")
    written = read_dataset(tmp_path / "a.nc")
    stamp, _, code = written.attrs["history"].partition(" ")
    assert code == str(code_version()) and code.startswith(f"separatrix {__version__}")
    assert np.datetime64(stamp.removesuffix("Z")) <= np.datetime64("now") and stamp.endswith("Z")
    other = written.assign_attrs(history="2001-01-01T00:00:00Z separatrix 0.0.1")
    assert checksum(other) == checksum(written)
