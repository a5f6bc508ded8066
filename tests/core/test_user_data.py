"""A config is data: whatever stands in it, `load` gives a Config or one line; no traceback, no hang."""

from __future__ import annotations

import copy
import datetime
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, snakemake, write_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from separatrix.config.sections.config_keys import ConfigSection
from separatrix.config.sections.system_keys import SystemSection
from separatrix.config.system import build_system
from separatrix.core import text, user_data
from separatrix.core.errors import ConfigError
from separatrix.core.section import check
from separatrix.core.section_documents import json_schema
from separatrix.core.yaml_file import read_yaml
from separatrix.report.inputs import load_with_files

MODEL = yaml.safe_load((ROOT / "config/examples/double_well.yaml").read_text())
SYSTEM = yaml.safe_load((ROOT / "config/systems/double_well.yaml").read_text())


def one_line(error: ConfigError) -> str:
    message = str(error)
    assert "\n" not in message and message.isprintable() and len(message) < 1500, message
    return message


def refused(content: str, folder: Path) -> str:
    """The message for a config file, read as `separatrix check` reads it; in a second or so."""
    file = folder / "mine.yaml"
    file.write_text(content)
    begun = time.process_time()
    with pytest.raises(ConfigError) as error:
        load_with_files(read_yaml(file), [file])
    assert time.process_time() - begun < 5.0
    return one_line(error.value)


BOMB = "a: &a0 [l, l, l, l, l, l, l, l, l]\n" + "".join(
    f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
MERGED = "a: &a0 {x: 1}\n" + "".join(f"b{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 12))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB, "more than 200000 values"),
        (MERGED, "more than 200000 values"),
        ("a: &a [*a]", "*a is part of itself"),
        ("a: " + "[" * 3000 + "]" * 3000, "more than 40 deep"),
        ("a: " + "{b: " * 3000 + "1" + "}" * 3000, "more than 40 deep"),
        ("a: " + "[" * 100_000, "more than 40 deep"),
        ("? [a, b]\n: 2", "line 1: not valid YAML: a key must be text"),
        ("? {a: b}\n: 2", "a key must be text"),
        ("a: 1\nb: 2\na: 3", "line 3"),
        ("1: 2", "the key 1 is not text; write it in quotes"),
        ("yes: 2", "the key True is not text; YAML reads yes, no, on, off"),
        ("~: 2", "the key None is not text"),
        ("2026-01-01: 2", "is not text; write it in quotes"),
        ("seed: " + "9" * 5000, "cannot be read"),
        ("seed: 0x" + "f" * 5000, "a number of about"),
        ("seed: 2026-13-45", "cannot be read"),
        ("seed: 010", "line 1: not valid YAML: '010' is a number of base 8"),
        ("temperature_K: 1:30", "'1:30' is a number of base 60"),
        ("a: b: c", "line 1"),
        ("a:\n\t- b", "line 2"),
        ("a: 'b", "not valid YAML"),
        ("a: !!python/object/apply:os.system [true]", "not valid YAML"),
        ("a: !!binary aGVsbG8=", "is neither text nor a number"),
        ("a: !!set {b}", "is neither text nor a number"),
        ("a: \x1b[31m", "not valid YAML"),
        ("- a\n- b", "holds no mapping"),
        ("", "holds no mapping"),
        ("__use_yte__: true", "makes Snakemake run the Python in this file"),
    ],
)
def test_what_yaml_can_hide(tmp_path: Path, content: str, words: str) -> None:
    assert words in refused(content, tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    for content in (b"name: M\xfcller", b"\xff\xfea\0", b"\0"):
        (tmp_path / "mine.yaml").write_bytes(content)
        with pytest.raises(ConfigError) as error:
            read_yaml(tmp_path / "mine.yaml")
        assert "mine.yaml" in one_line(error.value)


def numbers(rules: dict[str, Any], path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str]]:
    """Keys of a schema that take a number, and its type."""
    found = []
    for key, sub in rules.get("properties", {}).items():
        kind = sub.get("type")
        if kind in ("number", "integer"):
            found.append(((*path, key), kind))
        found += numbers(sub, (*path, key))
    extra = rules.get("additionalProperties")
    if isinstance(extra, dict) and path[:1] == ("methods",):
        found += numbers(extra, (*path, "coupled"))
    return found


def put(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(data)
    here = data
    for key in path[:-1]:
        here = here.setdefault(key, {})
    here[path[-1]] = value
    return data


KEYS = numbers(json_schema(ConfigSection))


@pytest.mark.parametrize(("path", "kind"), KEYS, ids=lambda v: ".".join(v) if isinstance(v, tuple) else v)
def test_no_number_is_nan_or_without_end(path: tuple[str, ...], kind: str) -> None:
    """Of every key; but a bound of convergence may be infinite, which turns it off."""
    for value in (float("nan"), float("inf"), float("-inf"), 1e300, 10**400, 2**70):
        data = put(MODEL, path, value)
        if value == float("inf") and path[-1] in ("information_error", "r_hat"):
            load_with_files(data)
            continue
        if path[-1] in ("information_error", "r_hat") and value in (1e300, 2**70) and value == 1e300:
            continue
        with pytest.raises(ConfigError) as error:
            load_with_files(data)
        assert ".".join(path) in one_line(error.value) or path[-1] in str(error.value)


@pytest.mark.parametrize(("path", "kind"), [k for k in KEYS if k[1] == "integer"], ids=lambda v: str(v[-1]))
def test_every_count_has_a_maximum(path: tuple[str, ...], kind: str) -> None:
    rules = json_schema(ConfigSection)
    for key in path:
        rules = rules["additionalProperties"] if key == "coupled" else rules["properties"][key]
    assert rules["maximum"] <= 2**63 - 1


@pytest.mark.parametrize("key", ["range_A", "target_A", "strength_kcal_mol_A2", "charge", "atoms"])
def test_numbers_of_a_system(tmp_path: Path, key: str) -> None:
    for value in (float("nan"), float("inf")):
        system = copy.deepcopy(SYSTEM)
        match key:
            case "range_A":
                system["basins"]["B"]["within"][0]["range_A"] = [0.7, value]
            case "charge":
                system["charge"] = value
            case "atoms":
                system["atoms"]["X"] = value
            case _:
                system["saddle_guesses"][0]["pull"][0][key] = value
        data = MODEL | {"system": str(write_yaml(system, tmp_path / "system.yaml"))}
        if key == "range_A" and value == float("inf"):  # as far apart as you like
            load_with_files(data)
            continue
        with pytest.raises(ConfigError) as error:
            load_with_files(data)
        assert "system.yaml" in one_line(error.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("temperature_K",), "1e3", "'1e3' is not a number; give the temperature of the velocities"),
        (("temperature_K",), "1e3", "such as 1.0e+3"),
        (("seed",), "7", "without quotes"),
        (("system",), False, "write the word in quotes"),
        (("report", "language"), False, "write the word in quotes"),
        (("rates", "temperatures_K"), [float("inf")], "inf is not a finite number"),
        (("rates", "temperatures_K"), [9000], "9000 must be at most 5000 (temperature in kelvin)"),
        (("seed",), 2**63, "is too large; at most"),
        (("seed",), datetime.date(2026, 1, 1), "is neither text nor a number"),
        (("sampling",), {"chains": 10_000, "max_rounds": 10}, "up to "),
        (("sampling", "max_rounds"), 10_000, None),
        (("committor", "batches"), 10_000, None),
        (("methods", "coupled", "label"), "", "at least 1"),
        (("methods", "coupled", "label"), "x" * 101, "101 characters; at most 100"),
        (("methods", "coupled", "label"), "x" * 100_000, "at most 10000"),
        *(
            (("methods", "coupled", "label"), f"a{c}b", "cannot be seen")
            for c in "\n\0\x1b\x7f\u202e\u200b\u2066\ud800"
        ),
        *((("methods", "coupled", "label"), f"{c}1", "begins with") for c in "=+-@ "),
        (("methods", "coupled", "label"), "\t1", "cannot be seen"),
        (("methods", "coupled", "label"), "a</script>", "end a script in Snakemake's report"),
        (("methods", "coupled", "label"), "a<!--", "end a script in Snakemake's report"),
        (("methods", "coupled", "options", "surface"), float("nan"), "nan is not a number"),
        (("methods", "coupled", "options", "barrier_kJ_mol"), float("inf"), "inf is not a finite number"),
        (("sampling", "convergence"), {"effective_samples": float("inf")}, "inf is not a finite number"),
    ],
)
def test_values(path: tuple[str, ...], value: Any, words: str | None) -> None:
    data = put(MODEL, path, value)
    if words is None and path[-1] == "batches":
        data["committor"]["configurations"] = 10_000
    if words is None:
        load_with_files(data)
        data = put(data, ("methods",), {f"m{i}": MODEL["methods"]["coupled"] for i in range(20)})
        words = "jobs"
    with pytest.raises(ConfigError) as error:
        load_with_files(data)
    assert words in one_line(error.value)


@pytest.mark.parametrize("name", ["a\n", "a b", "../a", "a/b", "", "comparison", "1a", "ä", "a" * 101, "{x}", "a*"])
def test_names_that_become_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_with_files(MODEL | {"methods": {name: MODEL["methods"]["coupled"]}})
    one_line(error.value)
    system = copy.deepcopy(SYSTEM)
    system["basins"] = {"A": SYSTEM["basins"]["A"], name: SYSTEM["basins"]["B"]}
    system["reaction"]["to"] = name
    if name != "comparison":
        with pytest.raises(ConfigError) as error:
            load_with_files(MODEL | {"system": str(write_yaml(system, tmp_path / "system.yaml"))})
        one_line(error.value)
    for scan in (name, "fine"):
        spec = {
            "methods": ["coupled"],
            "setting": f"dynamics.friction_per_ps{name if scan == 'fine' else ''}",
            "values": [1],
        }
        if (scan, name) not in (("fine", ""), ("comparison", "comparison")):
            with pytest.raises(ConfigError) as error:
                load_with_files(MODEL | {"scans": {scan: spec}})
            one_line(error.value)


def test_a_file_with_braces_in_its_path(tmp_path: Path) -> None:
    """Snakemake would fill them in."""
    system = copy.deepcopy(SYSTEM)
    (tmp_path / "{A}.xyz").write_text((ROOT / SYSTEM["basins"]["A"]["geometry"]).read_text())
    system["basins"]["A"]["geometry"] = str(tmp_path / "{A}.xyz")
    for file in ("system.yaml", "sys{x}tem.yaml"):
        with pytest.raises(ConfigError, match=r"Snakemake takes .*braces"):
            load_with_files(MODEL | {"system": str(write_yaml(system, tmp_path / file))})


@pytest.mark.parametrize("path", ["x" * 300, "x/" * 3000, "loop", "config", "x\u200b"])
def test_paths_that_no_file_can_have(tmp_path: Path, path: str) -> None:
    """In every key that takes one."""
    (tmp_path / "loop").symlink_to("loop")
    path = str(tmp_path / "loop") if path == "loop" else path
    system = copy.deepcopy(SYSTEM)
    system["basins"]["A"]["geometry"] = path
    extra = {"name": "r", "kind": "rmsd", "reference": path, "atoms": ["X", "Y"]}
    forcefield = MODEL["methods"]["coupled"] | {"potential": "forcefield", "options": {"file": path}}
    for data in (
        MODEL | {"system": path},
        MODEL | {"theory": [path]},
        MODEL | {"export": {"references": [path]}},
        put(MODEL, ("methods", "coupled"), forcefield),
        MODEL | {"system": str(write_yaml(system, tmp_path / "1.yaml"))},
        MODEL | {"system": str(write_yaml(SYSTEM | {"literature": path}, tmp_path / "2.yaml"))},
        MODEL | {"system": str(write_yaml(put(SYSTEM, ("variables", "extra"), [extra]), tmp_path / "3.yaml"))},
    ):
        with pytest.raises(ConfigError) as error:
            load_with_files(data)
        one_line(error.value)


def test_a_long_list_of_names_is_cut() -> None:
    data = put(MODEL, ("rates", "umbrella", "methods"), ["x" * 9000])
    data["methods"] = {f"m{i}": MODEL["methods"]["coupled"] | {"label": str(i)} for i in range(300)}
    with pytest.raises(ConfigError) as error:
        load_with_files(data)
    assert len(one_line(error.value)) < 700


WORDS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["system", "methods", "coupled", "sampling", "chains", "x", "A", "kind", "seed", "options", "label"]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.integers(-(10**80), 10**80),
    WORDS,
    st.dates(),
    st.datetimes(),
    st.binary(max_size=4),
    st.sampled_from(["config/systems/double_well.yaml", "1e3", "{x}", "[/x]", "=1", "../x", "a\n"]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(WORDS, SCALARS), inner, max_size=4),
    ),
    max_leaves=20,
)


def paths_of(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a tree."""
    found = [path] if path else []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        found += paths_of(value, (*path, key))
    return found


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(data)
    here = data
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return data


@given(TREES)
def test_any_tree_is_a_config_or_one_line(tree: Any) -> None:
    try:
        check(tree if isinstance(tree, dict) else {"a": tree}, ConfigSection, "f")
    except ConfigError as error:
        one_line(error)


@given(st.data())
@settings(max_examples=150)
def test_a_config_with_one_thing_changed(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths_of(MODEL)))
    try:
        load_with_files(replaced(MODEL, path, data.draw(TREES)))
    except ConfigError as error:
        one_line(error)


@given(st.data())
@settings(max_examples=150)
def test_a_system_with_one_thing_changed(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths_of(SYSTEM)))
    changed = replaced(SYSTEM, path, data.draw(TREES))
    try:
        build_system(check(changed, SystemSection, "s"), "s")
    except ConfigError as error:
        one_line(error)


@given(st.text(":-[]{}&*!|>'\"%@`,? \n#abc01.~<", max_size=40))
@settings(max_examples=300)
def test_any_text_is_yaml_or_one_line(content: str) -> None:
    try:
        user_data.check(user_data.parse(content), "f: ")
    except ConfigError as error:
        one_line(error)
    except yaml.YAMLError:
        pass


@given(st.one_of(st.text(), st.recursive(SCALARS, lambda i: st.lists(i))))
def test_what_is_shown_is_short_and_on_one_line(value: Any) -> None:
    assert text.shown(value).isprintable() and len(text.shown(value)) < 700


@pytest.mark.slow
def test_snakemake_says_the_same(tmp_path: Path) -> None:
    """One line, and nothing is written, for what Snakemake itself can read."""
    for changed, words in (
        (MODEL | {"results_directory": "res{x}"}, "braces"),
        (MODEL | {"results_directory": "config"}, "has not written"),
        (put(MODEL, ("methods", "coupled", "label"), "=1"), "begins with"),
        (put(MODEL, ("sampling",), {"chains": 10_000, "max_rounds": 10}), "jobs"),
        (put(MODEL, ("temperature_K",), float("nan")), "nan is not a number"),
        (MODEL | {1: 2}, "the key 1 is not text"),
    ):
        file = write_yaml(changed, tmp_path / "mine.yaml")
        run = snakemake("--configfile", str(file), "--dry-run")
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        assert run.returncode != 0 and "Traceback" not in run.stderr and len(lines) <= 3, run.stderr
        assert any("mine.yaml" in line and words in line for line in lines), run.stderr
