"""What the engines say of themselves: the table in the documentation, and what a package's engine is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from separatrix import potentials
from separatrix.potentials.engine import Engine


def test_table_of_the_documentation_is_what_the_engines_say(root: Path) -> None:
    text = (root / "docs/engines.md").read_text()
    table = re.findall(
        r"^\| `(\w+)` \| (.*?) \| (.*?) ?\| (.*?) ?\| `envs/(\w+)\.yaml` \| ([\d.]+), (\d+) \|$", text, re.M
    )
    rows = []
    for name in potentials.ENGINES.own():
        engine = potentials.ENGINES[name]
        program = f"[{engine.code}]({engine.url})" if engine.code else ""
        cost = (f"{engine.seconds_per_gradient:g}", str(engine.memory_MB))
        rows.append((name, engine.summary, program, engine.licence, engine.environment, *cost))
    assert table == rows


@pytest.mark.parametrize(
    ("options", "cards"),
    [
        ({}, 0),
        ({"platform": "CPU"}, 0),
        ({"platform": "CUDA"}, 1),
        ({"arguments": {"model": "x", "settings": [{"device": "cuda:0"}]}}, 1),
        ({"arguments": {"device": "cpu"}}, 0),
    ],
)
def test_graphics_cards_are_asked_for_where_an_option_names_one(options: dict, cards: int) -> None:
    assert Engine(name="x", build=lambda molecule, options: None).graphics_cards(options) == cards


def test_an_engine_says_what_it_leaves_out() -> None:
    assert Engine(name="x", build=max).missing() == ["papers", "code", "url", "licence"]
    assert potentials.ENGINES["mopac"].missing() == []
