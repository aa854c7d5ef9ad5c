"""Files: written whole or not at all, read back equal, and refused when they are rubbish."""

import io
import json
import pickle

import numpy as np
import pytest

from core.engine import artifacts, writing
from core.errors import DataError
from core.types import CondensedSet, Told, TrainedModel


def cover(**changes):
    rng = np.random.default_rng(0)
    fields = {
        "x": rng.random((4, 1, 3, 3), np.float32), "y": np.array([0, 0, 1, 2]), "n_classes": 5, "method": "mfc",
        "indices": np.array([5, 1, 0, 2]), "assignment": np.array([2, 1, 3, 0, 0, 0]),
        "ball_radius": np.array([0.5, 0, 0, 0]), "weights": np.array([3, 1, 1, 1]), "norm": "L2", "radius": 0.5,
        "info": Told(gap=0.25, proven_per_class=(True, None), of_my_own=[1, "two"]),
    }  # fmt: skip
    return CondensedSet(**{**fields, **changes})


def test_a_condensed_set_is_read_back_equal(tmp_path):
    path = tmp_path / "a" / "condensed.npz"
    artifacts.save_condensed(path, cover())
    found = artifacts.load_condensed(path)
    assert found.hash == cover().hash and found.info == cover().info
    assert (found.norm, found.radius, found.method, found.n_classes) == ("L2", 0.5, "mfc", 5)
    before = path.read_bytes()
    artifacts.save_condensed(path, cover())
    assert path.read_bytes() == before


def test_images_and_labels_alone_are_a_condensed_set(tmp_path):
    np.savez(tmp_path / "own.npz", x=np.zeros((3, 1, 2, 2)), y=np.array([0, 2, 2], np.uint8))
    found = artifacts.load_condensed(tmp_path / "own.npz")
    assert (found.n_classes, found.method, found.x.dtype, found.y.dtype) == (3, "file", np.float32, np.int64)


X, Y = np.zeros((3, 1, 2, 2), np.float32), np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, "must hold x and y, it holds: x"),
        ({"x": X, "y": Y[:2]}, "3 images and 2 labels"),
        ({"x": X[0], "y": Y}, "must be .n, c, h, w. floats"),
        ({"x": X + 1.5, "y": Y}, "must lie in .0, 1., got 1.5 to 1.5"),
        ({"x": np.where(X == 0, np.nan, X), "y": Y}, "got NaN"),
        ({"x": X, "y": Y - 1}, "integer labels from 0"),
        ({"x": X, "y": Y + 0.5}, "integer labels from 0"),
        ({"x": X, "y": Y, "colour": Y}, "unknown arrays colour"),
        ({"x": X, "y": Y, "weights": Y[:2]}, "weights of .* does not belong to its 3 images"),
        ({"x": X, "y": Y, "assignment": np.array([0, 3])}, "assignment of .* does not belong"),
        ({"x": X, "y": Y, "meta": np.array("{")}, "meta of .* is not ours"),
        ({"x": X, "y": Y, "meta": np.array('{"x": 1}')}, "meta of .* is not ours"),
        ({"x": X, "y": Y, "meta": np.array('{"n_classes": 1}')}, "label 1, expected labels below its 1 classes"),
    ],
)
def test_arrays_that_are_no_condensed_set_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=message):
        artifacts.load_condensed(tmp_path / "bad.npz")


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("something was unpickled",))


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "trap.npz"
    np.savez(path, x=np.array([Trap()], object), y=Y)
    (tmp_path / "raw.npz").write_bytes(pickle.dumps(Trap()))
    for bad in (path, tmp_path / "raw.npz"):
        with pytest.raises(DataError, match="no readable .npz"):
            artifacts.load_condensed(bad)


def test_damaged_and_missing_files_are_refused(tmp_path):
    path = tmp_path / "condensed.npz"
    artifacts.save_condensed(path, cover())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="no readable"):
        artifacts.load_condensed(path)
    with pytest.raises(DataError, match="does not exist"):
        artifacts.load_condensed(tmp_path / "nothing.npz")
    np.save(tmp_path / "single.npz.npy", Y)
    with pytest.raises(DataError, match="a single array"):
        artifacts.load_arrays(tmp_path / "single.npz.npy")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.bin"
    writing.save_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), writing.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"] and path.read_bytes() == b"old"


def test_what_a_killed_process_was_writing_is_swept(tmp_path):
    (tmp_path / ".condensed.npz.123.tmp").write_bytes(b"half")
    writing.save_bytes(tmp_path / "whole", b"x")
    writing.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["whole"]


def model():
    state = {"head.weight": np.arange(6, dtype=np.float32).reshape(2, 3).T, "count": np.array(3)}
    return TrainedModel(
        network="mlp", options={"width": 8}, shape=(1, 2, 2), n_classes=2, state=state, kept="best", epoch=4,
        selection="clean accuracy on 9 images",
    )  # fmt: skip


def test_a_model_is_read_back_equal(tmp_path):
    path = tmp_path / "best.safetensors"
    artifacts.save_model(path, model())
    found = artifacts.load_model(path)
    for name in ("network", "options", "shape", "n_classes", "kept", "epoch", "selection"):
        assert getattr(found, name) == getattr(model(), name)
    for name, array in model().state.items():
        assert found.state[name].shape == array.shape and np.array_equal(found.state[name], array)


def test_weights_of_unknown_origin_are_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "plain.safetensors")
    with pytest.raises(DataError, match="does not say which network"):
        artifacts.load_model(tmp_path / "plain.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"\x00" * 100)
    for bad in ("bad", "nothing"):
        with pytest.raises(DataError, match="no readable safetensors"):
            artifacts.load_model(tmp_path / f"{bad}.safetensors")


def test_json_refuses_what_json_has_not(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        writing.save_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(DataError, match=r"b\.json cannot be read"):
        artifacts.load_json(tmp_path / "b.json")
    writing.save_json(tmp_path / "c.json", {"x": 1})
    assert json.load(io.StringIO((tmp_path / "c.json").read_text())) == {"x": 1}


@pytest.mark.parametrize("wrong", [{"gap_per_class": "none"}, {"proven": [True, None]}, {"kernel_depth": "deep"}])
def test_claims_of_another_kind_are_refused_when_a_set_is_read(tmp_path, wrong):
    path = tmp_path / "condensed.npz"
    meta = {"n_classes": 5, "method": "mfc", "norm": None, "radius": None, "info": wrong}
    artifacts.save_arrays(path, {"x": cover().x, "y": cover().y, "meta": np.array(json.dumps(meta))})
    with pytest.raises(DataError, match="meta of condensed.npz is not ours"):
        artifacts.load_condensed(path)
