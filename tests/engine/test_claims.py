"""A condensed set from elsewhere is taken when it makes sense, and refused in one sentence when it does not."""

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.engine import artifacts
from core.errors import DataError

M, N = 4, 10
GOOD: dict[str, Any] = {
    "x": np.full((M, 1, 2, 2), 0.5, np.float32), "y": np.arange(M) % 2, "soft_labels": np.full((M, 2), 0.5, np.float32),
    "indices": np.arange(M), "assignment": np.arange(N) % M, "ball_radius": np.linspace(0, 1, M),
    "weights": np.ones(M, np.int64),
}  # fmt: skip
META = {"n_classes": 2, "method": "mfc", "norm": "L2", "radius": 0.5}


def written(path: Path, meta: Any = META, **changes: Any) -> Path:
    arrays = {name: array for name, array in {**GOOD, **changes}.items() if array is not None}
    np.savez(path, meta=np.array(json.dumps(meta)), **arrays)
    return path


def test_a_whole_set_is_read(tmp_path: Path):
    found = artifacts.load_condensed(written(tmp_path / "a.npz"))
    assert found.norm == "L2" and found.radius == 0.5 and not found.missing()


def changed(name: str, place: Any, value: float) -> np.ndarray:
    array = GOOD[name].astype(np.float64 if value != value or value % 1 else GOOD[name].dtype)
    array[place] = value
    return array


ARRAYS = [
    ("ball_radius", changed("ball_radius", 1, float("nan"))), ("ball_radius", changed("ball_radius", 1, float("inf"))),
    ("ball_radius", changed("ball_radius", 1, -0.1)), ("ball_radius", np.ones(M + 1)), ("ball_radius", np.ones((M, 2))),
    ("weights", changed("weights", 0, -1)), ("weights", np.full(M, 0.5)), ("weights", np.ones(M - 1, int)),
    ("weights", np.array(["a"] * M)), ("indices", changed("indices", 0, -3)), ("indices", np.zeros((M, 1), int)),
    ("assignment", changed("assignment", 3, M)), ("assignment", changed("assignment", 3, -1)),
    ("assignment", np.full(N, 0.5)), ("assignment", np.array(1)), ("assignment", np.array(["x"])),
    ("soft_labels", np.ones((M, 3))), ("soft_labels", np.ones(M)), ("soft_labels", np.full((M, 2), np.nan)),
    ("x", np.full((M, 1, 2, 2), np.nan, np.float32)), ("x", np.zeros((0, 1, 2, 2), np.float32)), ("y", np.array([])),
    ("y", np.array([0, 1, 5, 0])), ("y", np.array([0, 1, -1, 0])), ("y", np.array(["a"] * M)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "array"), ARRAYS)
def test_arrays_that_no_set_can_have(name: str, array: np.ndarray, tmp_path: Path):
    with pytest.raises(DataError, match="a.npz"):
        artifacts.load_condensed(written(tmp_path / "a.npz", **{name: array}))


METAS = [
    {"norm": "L7"}, {"norm": 2}, {"norm": ["L2"]}, {"radius": float("nan")}, {"radius": float("inf")}, {"radius": -1},
    {"radius": "big"}, {"radius": True}, {"radius": [1]}, {"n_classes": 0}, {"n_classes": -2}, {"n_classes": 2.5},
    {"n_classes": "2"}, {"n_classes": None}, {"n_classes": 10**12}, {"n_classes": True}, {"method": 5},
    {"method": "x" * 500}, {"info": 5}, {"info": [1]}, {"unknown": 1},
]  # fmt: skip


@pytest.mark.parametrize("change", METAS, ids=str)
def test_scalars_that_no_set_can_have(change: dict[str, Any], tmp_path: Path):
    with pytest.raises(DataError, match="a.npz"):
        artifacts.load_condensed(written(tmp_path / "a.npz", meta={**META, **change}))


@pytest.mark.parametrize("meta", [[], "text", 5, None], ids=str)
def test_a_meta_of_another_kind(meta: Any, tmp_path: Path):
    with pytest.raises(DataError, match="a.npz"):
        artifacts.load_condensed(written(tmp_path / "a.npz", meta=meta))


def test_a_small_file_that_declares_gigabytes_is_not_read(tmp_path: Path):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": (400_000_000, 1, 1, 1)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", out.getvalue() + bytes(16))
    with pytest.raises(DataError, match="declares 1,600,000,000 bytes"):
        artifacts.load_condensed(tmp_path / "a.npz")


def test_no_damage_gets_through_as_anything_but_a_sentence(tmp_path: Path):
    """Bytes of a good file changed, cut and doubled, six hundred times."""
    whole, chance = written(tmp_path / "a.npz").read_bytes(), random.Random(0)
    for _ in range(600):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 3, 30))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        if chance.random() < 0.2:
            del broken[chance.randrange(len(broken)) :]
        (tmp_path / "a.npz").write_bytes(bytes(broken))
        try:
            artifacts.load_condensed(tmp_path / "a.npz")
        except DataError as error:
            assert "\n" not in str(error) or len(str(error)) < 1000
