"""Weights that somebody uploads: what they are of is recognised, what they say of themselves holds, nothing is run."""

import io
import os
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core import api
from core.api import queue, visitors, workplace
from core.engine import artifacts
from core.engine.inline import InlineExecutor
from core.errors import DataError, RunError
from core.jobs import foreign, weights_file
from core.jobs.kinds import KINDS
from core.networks import NETWORKS
from core.networks.model import build, capture
from core.settings.run import NetworkChoice
from core.types import Dataset, Origin, TestSplit, TrainSplit, Visitor

SHAPE, CLASSES = (3, 10, 12), ("ant", "bee", "cat", "dog")
OTHERS = {
    "mlp": ({"width": 8, "depth": 2}, {"width": 7, "depth": 1}),
    "convnet": ({"width": 4, "depth": 2}, {"width": 5, "depth": 1}),
    "small-cnn": ({"width": 2, "hidden": 8}, {"width": 3, "hidden": 9}),
    "lenet": ({"width": 2}, {"width": 3}),
    "resnet18": ({"width": 4, "normalisation": "group"}, {"width": 4, "normalisation": "batch"}),
    "ntk-mlp": ({"width": 8, "depth": 2, "bias_std": 0.0}, {"width": 7, "depth": 1, "bias_std": 0.0}),
}
CASES = [(name, options) for name, both in OTHERS.items() for options in both]


@pytest.fixture
def dataset():
    x = np.random.default_rng(3).integers(0, 256, (32, *SHAPE)).astype(np.uint8)
    y = np.arange(32) % 4
    return Dataset(name="mine", train=TrainSplit(x=x, y=y), test=TestSplit(x=x[:8], y=y[:8]), classes=CLASSES)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    monkeypatch.setattr(queue, "executor", lambda: InlineExecutor(workplace.store(), workplace.home(), KINDS))
    yield tmp_path
    workplace.close()


def network(name, options, shape=SHAPE, n_classes=4):
    return build(name, options, shape, n_classes, [0.5] * shape[0], [0.2] * shape[0], seed=1)


def body(made):
    """Its weights under names of other layers, as somebody else would have them."""
    found = {name: value for name, value in made.state_dict().items() if not name.startswith("normalise.")}
    return {f"{number}.{name.rpartition('.')[2]}": value for number, (name, value) in enumerate(found.items())}


def test_every_network_of_the_table_is_recognised_or_not_listed():
    assert set(OTHERS) == set(NETWORKS)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_network_is_recognised_by_the_shapes_of_its_tensors(name, options, dataset, tmp_path):
    made = network(name, options)
    torch.save(body(made), tmp_path / "w.pt")
    file = weights_file.read(tmp_path / "w.pt")
    assert foreign.recognised(file, dataset) == NetworkChoice.of(name, **options)


def test_of_a_network_that_is_none_of_the_table_nothing_is_said(dataset, tmp_path):
    torch.save(torch.nn.Linear(360, 4).state_dict(), tmp_path / "w.pt")
    assert foreign.recognised(weights_file.read(tmp_path / "w.pt"), dataset) is None
    torch.save(body(network("mlp", {"width": 8, "depth": 2}, n_classes=5)), tmp_path / "w.pt")
    assert foreign.recognised(weights_file.read(tmp_path / "w.pt"), dataset) is None


def described(path, dataset, origin):
    """A file as Ballast writes it."""
    made = network("ntk-mlp", {"width": 8, "depth": 1, "bias_std": 0.5})
    artifacts.save_model(path, replace(capture(made, kept="last", epoch=1), origin=origin))
    return weights_file.read(path)


def test_what_a_file_says_of_itself_holds(dataset, tmp_path):
    file = described(tmp_path / "w.safetensors", dataset, Origin.of(dataset))
    chosen = foreign.recognised(file, dataset)
    assert chosen == NetworkChoice.of("ntk-mlp", width=8, depth=1, bias_std=0.5)
    model, notes = foreign.weights(file, chosen, dataset, [], [])
    assert model.origin == Origin.of(dataset) and "the train split of this data set" in notes[-1]
    for wrong in (
        NetworkChoice.of("ntk-mlp", width=8, depth=1, bias_std=0.1),
        NetworkChoice.of("mlp", width=8, depth=1),
    ):
        with pytest.raises(
            DataError, match="w.safetensors says that it is ntk-mlp with width 8, depth 1, bias_std 0.5"
        ):
            foreign.weights(file, wrong, dataset, [], [])


def test_other_classes_are_refused_and_another_train_split_is_noted(dataset, tmp_path):
    turned = Origin(classes=("bee", "ant", "cat", "dog"), train_hash="0123")
    file = described(tmp_path / "w.safetensors", dataset, turned)
    with pytest.raises(DataError, match="was made for the classes bee, ant, cat, dog in this order, mine has ant, bee"):
        foreign.weights(file, file.choice, dataset, [], [])
    file = described(tmp_path / "w.safetensors", dataset, replace(turned, classes=CLASSES))
    model, notes = foreign.weights(file, file.choice, dataset, [], [])
    assert "train split 0123" in notes[-1] and model.origin.train_hash == "0123"


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("hacked",)


@pytest.mark.parametrize("packed", [False, True])
def test_code_in_a_file_is_never_run(packed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({"state_dict": {"a": Hostile()}}, protocol=2)
    if packed:  # as torch.save packs it
        torch.save({"a": torch.zeros(2)}, "fine.pt")
        with zipfile.ZipFile("fine.pt") as fine, zipfile.ZipFile("w.pt", "w") as out:
            for info in fine.infolist():
                out.writestr(info.filename, content if info.filename.endswith("data.pkl") else fine.read(info))
    else:
        (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(DataError, match="w.pt"):
        weights_file.read(tmp_path / "w.pt")
    assert not (tmp_path / "hacked").exists()
    pickle.loads(content)  # it would have
    assert (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [("{", "says of itself what cannot be read"), ('{"network": "none", "options": {}}', "there is no network called")],
)
def test_a_description_that_is_none_is_one_sentence(told, sentence, tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "w.safetensors", {"model": told})
    with pytest.raises(DataError, match=sentence):
        weights_file.read(tmp_path / "w.safetensors")


def test_a_guest_brings_weights_by_upload_and_by_nothing_else(home, monkeypatch):
    torch.save(body(network("mlp", {"width": 8, "depth": 1}, (1, 8, 8), 10)), home / "theirs.pt")
    monkeypatch.setattr(visitors, "current", lambda: Visitor(role="guest", id="g", free=False))
    monkeypatch.setenv("BALLAST_GUEST_UPLOAD", "1")
    with pytest.raises(DataError, match="reads only the data sets of its list"):
        api.bring_network.look({"name": "digits"}, str(home / "theirs.pt"))
    with pytest.raises(DataError, match="is larger than 1 MB"):
        api.bring_network.upload("big.pt", io.BytesIO(bytes(1_000_001)))
    with pytest.raises(DataError, match="is none of .safetensors, .pt, .pth"):
        api.bring_network.upload("net.py", io.BytesIO(b"print()"))
    path = api.bring_network.upload("theirs.pt", io.BytesIO((home / "theirs.pt").read_bytes()))
    look = api.bring_network.look({"name": "digits", "limit": 20}, path)
    found = api.bring_network.WeightsResult.of(api.get(look))
    assert (found.network, found.options, found.tensors) == ("mlp", {"width": 8, "depth": 1}, 4)
    assert api.bring_network.look({"name": "digits", "limit": 20}, path) == look

    chosen, judged = {"name": found.network, "options": found.options}, {"images": 20, "attack_steps": 2}
    taken = api.bring_network.take(look, chosen, [0.0], [1.0], judged)
    assert api.get(taken).status == "done"
    with pytest.raises(RunError, match="is no finished look"):
        api.bring_network.take(taken, chosen, [0.0], [1.0], judged)
    assert [record.kind for record in api.with_models()] == ["network"]
