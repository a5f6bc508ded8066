"""Committor counts from elsewhere: the two formats, and one clear line for what is neither."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from separatrix.coordinate.committor_table import read_shots
from separatrix.core.errors import StoreError
from separatrix.statistics.committor_statistics import analyse

COUNTS = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=30
)


@given(COUNTS)
@settings(max_examples=60)
def test_both_formats_read_back(tmp_path_factory: pytest.TempPathFactory, counts: list[tuple[int, int]]) -> None:
    folder = tmp_path_factory.mktemp("counts")
    texts = {
        "atesa.out": "Committed to forward basin / total committed\n" + "".join(f"{k}/{n}\n" for k, n in counts),
        "plain.out": "".join(f"{k}/{n} \n\n" for k, n in counts),
        "table.csv": "k,n\n" + "".join(f"{k},{n}\n" for k, n in counts),
        "more.csv": "name,n,k\n" + "".join(f"x,{n},{k}.0\n" for k, n in counts),
        "bare.csv": "# made by hand\n" + "".join(f"{k}, {n}\n" for k, n in counts),
        "blanks.txt": "".join(f"{k} {n}\n" for k, n in counts),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        k, n = read_shots(folder / name)[:2]
        np.testing.assert_array_equal(np.stack([k, n], axis=1), counts, err_msg=name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("k,n\n", ["no counts"]),
        ("words\n9/18\nnine of eighteen\n", ["line 3", "9/18"]),
        ("9/18\n20/18\n", ["line 2", "20 of 18"]),
        ("9/18\n-1/18\n", ["line 2", "no count"]),
        ("k,n\n9,18\n3\n", ["line 3", "columns"]),
        ("k,n\n9,18\n3.5,18\n", ["line 3", "3.5", "whole numbers"]),
        ("k,n\n9,nan\n", ["line 2", "nan"]),
        ("successes,trials\n9,18\n", ["line 1", "k and n"]),
        ("k,n\n3,1000000000\n", ["line 2", "1000000000 shots", "at most"]),
        ("k,n\n3," + "9" * 400, ["line 2", "400 digits"]),
        ("3/" + "9" * 5000, ["line 1", "5000 digits"]),
        ("3/18\n" + "0" * 50 + "9" * 20 + "/18", ["line 2", "20 digits"]),
        ("k,n\n" + "1" * 140000 + ",2", ["line 2"]),
        ("k,n\n٣,18\n", ["line 2", "not a count"]),
        ("\x1b[31m,n\n9,18\n", ["line 1", "k and n"]),
    ],
)
def test_bad_file_is_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "counts.txt"
    file.write_text(text)
    with pytest.raises(StoreError) as caught:
        read_shots(file)
    message = str(caught.value)
    assert "\n" not in message and str(file) in message
    for word in words:
        assert word in message


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_no_file_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "counts"
    file.write_bytes(content)
    try:
        k, n = read_shots(file)[:2]
    except StoreError as error:
        assert "\n" not in str(error)
    else:
        assert k.shape == n.shape and (k <= n).all() and (k >= 0).all()


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "separatrix.cli", "committor-test", *arguments], capture_output=True, text=True
    )


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "committor_analysis.out"
    k = [9, 7, 11, 4, 12, 8, 10, 9]
    file.write_text("Fraction of committed moves\n" + "".join(f"{x}/18\n" for x in k))
    run = _run(str(file), "--json")
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    expected = analyse(k, 18).to_dict()
    wanted = [
        "n_configurations",
        "n_shots",
        "mean",
        "intrinsic_sd",
        "intrinsic_sd_interval",
        "beta",
        "p_value_binomial",
    ]
    for key in wanted:
        assert found[key] == pytest.approx(expected[key]), key
    assert found["n_configurations"] == 8 and found["n_shots"] == 144
    assert found["mean"] == pytest.approx(np.mean(k) / 18)
    plain = _run(str(file))
    assert plain.returncode == 0 and "intrinsic sd" in plain.stdout
    missing = _run(str(tmp_path / "none"))
    assert missing.returncode == 1
    assert missing.stderr.strip().splitlines() == [
        f"separatrix: {tmp_path}/none: cannot be read (No such file or directory)"
    ]


def test_uncommitted_shots_bound_the_verdict(tmp_path: Path) -> None:
    """150 shots from one place, as a limit of 80 fs would have them: 72 % reached no basin."""
    file = tmp_path / "counts.csv"
    file.write_text("n,uncommitted,k\n42,108,11\n40,110,12\n")
    assert [a.tolist() for a in read_shots(file)] == [[11, 12], [42, 40], [108, 110]]
    assert [a.tolist() for a in read_shots(file)[:2]] == [[11, 12], [42, 40]]
    run = subprocess.run(
        [sys.executable, "-m", "separatrix.cli", "committor-test", str(file)], capture_output=True, text=True
    )
    assert run.returncode == 0 and "uncommitted shots           218" in run.stdout
    verdict = run.stdout.splitlines()[-1]
    assert verdict.startswith("inconclusive: 218 of 300 shots (73%, 67% to 77%) reached no basin: had all gone to A")
    file.write_text("k,n,uncommitted\n1,2,-3\n")
    with pytest.raises(StoreError, match="line 2"):
        read_shots(file)
