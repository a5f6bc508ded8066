"""A file of results that has been damaged is never taken for a whole one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from separatrix import store
from separatrix.errors import StoreError

DATA = xr.Dataset(
    {
        "positions": (("frame", "atom", "axis"), np.random.default_rng(3).normal(size=(20, 5, 3))),
        "mechanism": (("frame",), np.array(["rotation", "inversion"] * 10)),
    },
    attrs={"start": "saddle"},
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("whole") / "paths.nc"
    store.write_dataset(DATA, file, title="paths", source="a test")
    return file.read_bytes()


def read(content: bytes, folder: Path) -> xr.Dataset:
    file = folder / "paths.nc"
    file.write_bytes(content)
    return store.read_dataset(file)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 1.0, exclude_max=True))
def test_a_part_of_a_file(whole: bytes, tmp_path: Path, share: float) -> None:
    with pytest.raises(StoreError) as error:
        read(whole[: int(share * len(whole))], tmp_path)
    assert error.value.damaged == tmp_path / "paths.nc"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0.0, 1.0, exclude_max=True), length=st.sampled_from([1, 8, 64]), mask=st.integers(1, 255))
def test_flipped_bits_are_told_or_touch_nothing(
    whole: bytes, tmp_path: Path, place: float, length: int, mask: int
) -> None:
    at = int(place * len(whole))
    spoilt = bytes(b ^ mask if at <= k < at + length else b for k, b in enumerate(whole))
    try:
        found = read(spoilt, tmp_path)
    except StoreError as error:
        assert error.damaged == tmp_path / "paths.nc"
    else:
        xr.testing.assert_identical(found[list(DATA)].drop_attrs(), DATA.drop_attrs())
