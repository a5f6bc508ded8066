"""Files of observations: what is read, and that whatever is wrong with one is a clear line."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from separatrix.cli import main as cli
from separatrix.coordinate.observations import ObservationError, Observations, read
from separatrix.coordinate.shot_observations import committor_observations
from separatrix.core.files import write_dataset


def written(folder: Path, text: str | bytes, name: str = "observations.txt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- ATESA ------------------------------------------------------------------------------------------------------


def test_atesa_lines_are_read_with_and_without_rates(tmp_path: Path) -> None:
    # ATESA ends its lines with a space; files edited by hand have none, or carriage returns, or a blank line.
    path = written(tmp_path, "A <- 1.0 -2.5 1e-3 4 \nB <- 2.0 3.5 5 -6\r\n\nB <- 0 0.5 7 8")
    plain = read(path)
    assert plain.kind == "ATESA" and plain.names == ("CV1", "CV2", "CV3", "CV4")
    assert (plain.reactant, plain.product, plain.chain, plain.rates) == ("A", "B", None, None)
    assert plain.outcome.tolist() == [False, True, True]
    np.testing.assert_array_equal(plain.values, [[1.0, -2.5, 1e-3, 4.0], [2.0, 3.5, 5.0, -6.0], [0.0, 0.5, 7.0, 8.0]])
    inertial = read(path, rates=True)
    assert inertial.names == ("CV1", "CV2")
    np.testing.assert_array_equal(inertial.values, plain.values[:, :2])
    np.testing.assert_array_equal(inertial.rates, plain.values[:, 2:])
    ignored = read(path, ignore_rates=True)
    assert ignored.names == ("CV1", "CV2") and ignored.rates is None
    fewer = read(path, rates=True, skip=["CV1"])
    assert fewer.names == ("CV2",)
    np.testing.assert_array_equal(fewer.rates, [[4.0], [-6.0], [8.0]])


@pytest.mark.parametrize(
    ("text", "options", "line", "words"),
    [
        ("A <- 1 2\nB <- 1\n", {}, 2, "1 values where line 1 has 2; every line needs the same number"),
        ("A <- 1 2\n\nB <- 1 x\n", {}, 3, "value 2 is 'x', not a number; give a number like 1.23"),
        ("A <- 1 2\nB <- 1 nan\n", {}, 2, "value 2 is 'nan', not a number up to"),
        ("A <- 1 2\nB <- 1e300 1\n", {}, 2, "value 1 is '1e300', not a number up to"),
        ("A <- 1 2\nB <- 1_0 1\n", {}, 2, "value 1 is '1_0', not a number"),
        ("A <- 1 2\nC <- 1 2\n", {}, 2, "does not start with 'A <- ' or 'B <- '"),
        ("A <- 1 2\n1 2\n", {}, 2, "does not start with 'A <- ' or 'B <- '"),
        ("A <- 1 2\nA <- 1 2 <- 3\n", {}, 2, "not a number|values where line"),
        ("A <- \n", {}, 1, "no value after the arrow; write 'A <- 1.23 4.56'"),
        ("A <- 1 2 3\n", {"rates": True}, 1, "3 values cannot be as many variables as rates; give a rate for every"),
        ("A <- 1 2 3\n", {"ignore_rates": True}, 1, "3 values cannot be as many variables as rates"),
    ],
)
def test_atesa_errors_name_line_and_remedy(tmp_path: Path, text: str, options: dict, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ObservationError, match=words) as caught:
        read(path, **options)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert "\n" not in str(caught.value)


# --- CSV --------------------------------------------------------------------------------------------------------


CSV = """chain,"d(C1,N2)",angle,d(C1)_rate,outcome,angle_rate
a,1.5,100,7,A,0.5

b, 1.25 ,-90,8,B,-1e1
"""


def test_csv_columns_are_told_apart_by_name(tmp_path: Path) -> None:
    found = read(written(tmp_path, CSV))
    # d(C1)_rate is the rate of nothing, so it is a variable
    assert found.kind == "CSV" and found.names == ("d(C1,N2)", "angle", "d(C1)_rate")
    np.testing.assert_array_equal(found.values, [[1.5, 100.0, 7.0], [1.25, -90.0, 8.0]])
    assert found.chain == ("a", "b") and found.outcome.tolist() == [False, True] and found.rates is None
    speed = read(written(tmp_path, CSV), rates=True, skip=["d(C1,N2)", "d(C1)_rate"])
    assert speed.names == ("angle",)
    np.testing.assert_array_equal(speed.rates, [[0.5], [-10.0]])
    with pytest.raises(ObservationError, match=r"no column d\(C1,N2\)_rate, d\(C1\)_rate_rate; an inertial fit needs"):
        read(written(tmp_path, CSV), rates=True)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("words", [("0.0", "1.0"), ("0", "1."), ("FALSE", "TRUE"), ("False", "true"), ("A", "B")])
def test_what_pandas_and_spreadsheets_write(tmp_path: Path, delimiter: str, words: tuple[str, str]) -> None:
    """Separators, outcomes and remarks that `committor-test` takes, too."""
    rows = [['"d(C1,N2)"', "outcome"], ["1.5", words[0]], ["-2", words[1]]]
    text = (
        "# by hand\n" + "\n".join(delimiter.join(row) for row in rows[:2]) + "\n  # a pause\n" + delimiter.join(rows[2])
    )
    found = read(written(tmp_path, text, "observations.csv"))
    assert found.names == ("d(C1,N2)",) and found.values[:, 0].tolist() == [1.5, -2.0]
    assert found.outcome.tolist() == [False, True]
    with pytest.raises(ObservationError, match="line 5"):
        read(written(tmp_path, text.replace("-2", "two"), "observations.csv"))


def test_remarks_in_a_file_of_atesa(tmp_path: Path) -> None:
    found = read(written(tmp_path, "# as_raw.out\nA <- 1 2\n\n#\nB <- 3 4\n"))
    assert found.kind == "ATESA" and found.outcome.tolist() == [False, True]


@pytest.mark.parametrize(
    ("said", "options", "went", "left_out"),
    [
        ("A B B", {}, [0, 1, 1], 0),
        ("0 1 1", {}, [0, 1, 1], 0),
        ("False True True", {}, [0, 1, 1], 0),
        ("Z E E", {"product": "E"}, [0, 1, 1], 0),
        ("Z E E", {"product": "Z"}, [1, 0, 0], 0),
        ("A B B", {"product": "A"}, [1, 0, 0], 0),
        ("Z E lost", {"product": "E", "reactant": "Z"}, [0, 1], 1),
    ],
)
def test_csv_outcomes(tmp_path: Path, said: str, options: dict, went: list[int], left_out: int) -> None:
    rows = "".join(f"{name},{k}.5,{k}\n" for k, name in enumerate(said.split()))
    found = read(written(tmp_path, "outcome,x,chain\n" + rows), **options)
    assert found.outcome.tolist() == [bool(w) for w in went] and found.left_out == left_out
    assert len(found.values) == len(found.chain or ()) == len(went)
    other = read(written(tmp_path, "where,x,chain\n" + rows), outcome="where", **options)
    assert other.outcome.tolist() == found.outcome.tolist() and other.names == ("x",)


@pytest.mark.parametrize(
    ("text", "options", "line", "words"),
    [
        ("x,y\n1,2\n", {}, 1, "no column 'outcome' among 'x', 'y'; name the column of outcomes 'outcome', or say"),
        ("x|outcome\n1|A\n", {}, 1, "not a header of columns parted by commas"),
        ("x,outcome\n1,A\n2\n", {}, 3, r"1 cells where the header \(line 1\) has 2; every line"),
        ("x,outcome\n1,A\n2,C\n", {}, 3, "outcome 'C'; outcomes are A and B, or 0 and 1"),
        ("x,outcome\n1,Z\n2,E\n", {}, 2, "outcome 'Z'; .* say with --product"),
        ("x,outcome\n1,0\n2,B\n", {}, 3, "outcome 'B'"),
        ("x,outcome\n1,A\n,B\n", {}, 3, "column 'x' is empty; give a number"),
        ("x,outcome\n1,A\nfar,B\n", {}, 3, "column 'x' is 'far', not a number; give a number"),
        ("x,x,outcome\n1,1,A\n", {}, 1, "two columns are named 'x'; rename one"),
        ("x,,outcome\n1,1,A\n", {}, 1, "column 2 has no name; name every column"),
        ("outcome,chain\nA,1\n", {}, 1, "no column with a variable beside 'outcome'; add one"),
        ('x,outcome\n"1,A\n', {}, 2, "not comma-separated text"),
        ("x,outcome\n1,A\n", {"rates": True}, 1, "no column x_rate; an inertial fit needs the rate of every variable"),
    ],
)
def test_csv_errors_name_line_and_remedy(tmp_path: Path, text: str, options: dict, line: int, words: str) -> None:
    path = written(tmp_path, text, "observations.csv")
    with pytest.raises(ObservationError, match=words) as caught:
        read(path, **options)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("x,outcome\n", {}, "a header but no observation"),
        ("", {}, "empty; observations are read from"),
        ("  \n\n", {}, "empty; observations are read from"),
        (b"A <- 1\nB <- \xff\n", {}, "line 2: not text"),
        (b"x,outcome\n1,A\n\0,B\n", {}, "line 3: not text"),
        ("x,outcome\n1,A\n2,B\n", {"product": "Q"}, "no outcome is 'Q', the product; there are 'A', 'B'"),
        ("x,outcome\n1,A\n2,B\n3,C\n", {"product": "B"}, "3 outcomes, 'A', 'B', 'C'; say with --reactant"),
        ("x,outcome\n1,A\n2,B\n", {"product": "B", "reactant": "B"}, "no outcome is 'B', the reactant"),
        ("x,outcome\n1,A\n2,B\n", {"reactant": "A"}, "--reactant alone leaves the product open; give --product"),
        ("x,outcome\n1,A\n2,B\n", {"skip": ["y"]}, "no variable 'y' to skip; there are x"),
        ("x,outcome\n1,A\n2,B\n", {"skip": ["x"]}, "every variable is skipped; keep one"),
        ("x,outcome\n1,A\n2,B\n", {"ignore_rates": True}, "only an ATESA file has rates that can be ignored"),
        ("A <- 1\n", {"product": "A"}, "can only be named for a CSV file"),
        ("A <- 1 2\n", {"rates": True, "ignore_rates": True}, "cannot be both used"),
    ],
)
def test_other_errors(tmp_path: Path, content: str | bytes, options: dict, words: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ObservationError, match=words) as caught:
        read(path, **options)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_skipped_column_may_hold_anything(tmp_path: Path) -> None:
    path = written(tmp_path, "x,remark,outcome\n1,fine,A\n2,odd,B\n")
    with pytest.raises(ObservationError, match="line 2: column 'remark' is 'fine', not a number"):
        read(path)
    assert read(path, skip=["remark"]).names == ("x",)


def test_missing_files_and_folders_are_said_so(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ObservationError, match="cannot be read"):
            read(path)


def test_normalisation_is_that_of_atesa(tmp_path: Path) -> None:
    found = read(written(tmp_path, "A <- 1 5 2 0\nB <- 3 5 4 1\nB <- 2 5 6 -1\n"), rates=True).normalised()
    np.testing.assert_array_equal(found.values, [[0.0, 0.0], [1.0, 0.0], [0.5, 0.0]])
    np.testing.assert_array_equal(found.rates, [[0.0, 0.5], [0.5, 1.0], [1.0, 0.0]])


# --- netCDF -----------------------------------------------------------------------------------------------------


def table(shots: int = 40) -> xr.Dataset:
    """A variables.nc as the workflow makes it."""
    rng = np.random.default_rng(5)
    ends = np.array(["Z", "E", "other"], dtype=object)
    names = np.array(["d(C1,N2)", "angle", "torsion"], dtype=object)
    return xr.Dataset(
        {
            "variable": ("variable", names),
            "unit": ("variable", np.array(["angstrom", "degree", "degree"], dtype=object)),
            "value": (("shot", "variable"), rng.normal(size=(shots, 3))),
            "rate": (("shot", "variable"), rng.normal(size=(shots, 3))),
            "chain": ("shot", np.arange(shots) // 20 + 1),
            "round": ("shot", np.ones(shots, dtype=int)),
            "move": ("shot", np.arange(shots)),
            "forward": ("shot", rng.choice(ends, shots, p=[0.45, 0.45, 0.1])),
            "backward": ("shot", rng.choice(ends, shots, p=[0.45, 0.45, 0.1])),
            "outcome": ("shot", np.full(shots, "accepted", dtype=object)),
        },
        attrs={"reactant": "Z", "product": "E", "source": "test"},
    )


def stored(data: xr.Dataset, path: Path) -> Path:
    write_dataset(data, path, title="variables at shooting points", source="test")
    return path


@pytest.mark.parametrize("halves", ["both halves", "forward half"])
def test_variables_of_a_run_are_read_as_the_workflow_does(tmp_path: Path, halves: str) -> None:
    data = table()
    found = read(stored(data, tmp_path / "variables.nc"), halves=halves, rates=True)
    row, outcome, left_out = committor_observations(data, halves)
    np.testing.assert_array_equal(found.values, data.value.values[row])
    np.testing.assert_array_equal(found.outcome, outcome)
    assert found.left_out == left_out > 0
    assert found.chain == tuple(str(label) for label in data.chain.values[row])
    assert found.names == ("d(C1,N2)", "angle", "torsion") and found.units == ("angstrom", "degree", "degree")
    assert (found.reactant, found.product, found.kind) == ("Z", "E", "netCDF")
    # the backward half of a shot starts with the velocities reversed
    assert found.rates is not None
    for k, shot in enumerate(row):
        both = halves == "both halves" and k > 0 and row[k - 1] == shot
        backward = both or (halves == "both halves" and data.forward.values[shot] == "other")
        np.testing.assert_array_equal(found.rates[k], data.rate.values[shot] * (-1.0 if backward else 1.0))


def test_netcdf_errors_say_what_to_give(tmp_path: Path) -> None:
    data = table()
    shots = data.drop_vars(["value", "variable"]).assign(positions=("shot", np.zeros(40)))
    broken = data.copy(deep=True)
    broken["value"].values[3, 1] = math.nan
    silent = data.copy(deep=True)
    silent["forward"].values[:] = silent["backward"].values[:] = "other"
    for content, words in (
        (shots, "positions, but no variables; give the variables.nc of the same method"),
        (data.drop_vars("backward"), "no backward in it; give the variables.nc of a run of this version"),
        (data.drop_attrs(), "no reactant, product in it"),
        (broken, "the value of angle is not a number everywhere; skip that variable"),
        (silent, "no half-trajectory reached Z or E; run more shots"),
    ):
        path = stored(content, tmp_path / "file.nc")
        with pytest.raises(ObservationError, match=words) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert read(stored(broken, tmp_path / "file.nc"), skip=["angle"]).names == ("d(C1,N2)", "torsion")
    path = stored(data, tmp_path / "whole.nc")
    written(tmp_path, path.read_bytes()[:3000], "half.nc")
    with pytest.raises(ObservationError, match="damaged, not whole netCDF"):
        read(tmp_path / "half.nc")


# --- anything at all --------------------------------------------------------------------------------------------


def run(path: Path, capsys: pytest.CaptureFixture, *options: str) -> tuple[int, str, str]:
    """Exit status and output of the command, in this process."""
    old, sys.argv = sys.argv, ["separatrix", "fit", str(path), "--bootstrap", "2", "--json", *options]
    try:
        cli.main()
        status = 0
    except SystemExit as stop:
        status = int(stop.code or 0)
    finally:
        sys.argv = old
    output = capsys.readouterr()
    return status, output.out, output.err


def acceptable(status: int, out: str, err: str, path: Path) -> None:
    """Success with JSON, or one line that names the file and exit status 1."""
    if status == 0:
        assert out.startswith("{") and '"log_likelihood"' in out and err == ""
    else:
        assert status == 1 and out == ""
        assert err.startswith(f"separatrix: {path}") and err.count("\n") == 1, err
        assert "Traceback" not in err


CELLS = st.one_of(
    st.sampled_from(
        ["A", "B", "0", "1", "", " ", "nan", "-inf", "1e400", "1e-320", "9e99", "-9e99", '"', "A <- 1", "#"]
    ),
    st.floats(allow_nan=False, width=32).map(str),
    st.text(max_size=5),
)
FUZZ = settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(
    content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
)
@FUZZ
def test_any_bytes_end_in_a_fit_or_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture, content: bytes) -> None:
    path = written(tmp_path, content)
    acceptable(*run(path, capsys), path)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["A <- ", "B <- ", "A<-", " B <-  "]), st.integers(0, 2**31)), min_size=1, max_size=12
    ),
    width=st.integers(1, 5),
    spoiled=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 5), CELLS), max_size=2),
    inertial=st.booleans(),
)
@FUZZ
def test_spoiled_atesa_files(
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    rows: list[tuple[str, int]],
    width: int,
    spoiled: list[tuple[int, int, str]],
    inertial: bool,
) -> None:
    tokens = [[arrow, *(f"{x:.3f}" for x in np.random.default_rng(s).normal(size=width))] for arrow, s in rows]
    for row, place, cell in spoiled:
        tokens[row % len(tokens)][place % (width + 1)] = cell
    path = written(tmp_path, "".join(" ".join(line) + " \n" for line in tokens).encode("utf-8", "replace"))
    acceptable(*run(path, capsys, *(["--inertial"] if inertial else [])), path)


@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(0, 12),
    width=st.integers(1, 4),
    spoiled=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5), CELLS), max_size=3),
    options=st.sampled_from(
        [[], ["--inertial"], ["--model", "erf"], ["--blocks", "3"], ["--product", "1"], ["--size", "2"]]
    ),
)
@FUZZ
def test_spoiled_csv_files(
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    seed: int,
    rows: int,
    width: int,
    spoiled: list[tuple[int, int, str]],
    options: list[str],
) -> None:
    rng = np.random.default_rng(seed)
    names = ["a", "b", "a_rate", "b_rate"][:width]
    cells = [["outcome", "chain", *names]]
    cells += [[str(rng.integers(2)), str(rng.integers(3)), *map(str, rng.normal(size=width))] for _ in range(rows)]
    for row, place, cell in spoiled:
        cells[row % len(cells)][place % (width + 2)] = cell
    path = written(tmp_path, "\n".join(",".join(line) for line in cells).encode("utf-8", "replace"), "some.csv")
    acceptable(*run(path, capsys, *options), path)


def test_outcomes_that_are_all_the_same_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = written(tmp_path, "A <- 1 2\nA <- 2 3\n")
    status, out, err = run(path, capsys)
    acceptable(status, out, err, path)
    assert status == 1 and "all 2 outcomes are the same (not B)" in err


def test_observations_are_plain_data(tmp_path: Path) -> None:
    found = read(written(tmp_path, "A <- 1 2\nB <- 2 3\n"))
    assert isinstance(found, Observations) and found.values.dtype == float and found.outcome.dtype == bool
