"""Taken elsewhere and brought back: the same pixels, the same logits; the lines that are shown load the file."""

import json
import runpy
import sys

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from core import api
from core.cli.main import app
from core.engine import artifacts
from core.errors import ConfigError, DataError, RunError
from core.jobs import exporting, foreign, weights_file
from core.jobs.taken import ONNX_NEEDS
from core.networks import NETWORKS
from core.networks.model import build, capture, restore
from core.settings.run import NetworkChoice
from core.types import CondensedSet, Dataset, Origin, TestSplit, TrainSplit

CLASSES = ("ant", "bee", "cat")


@pytest.fixture
def dataset():
    """Three classes of colour images on the grid of bytes."""
    x = np.random.default_rng(3).integers(0, 256, (30, 3, 8, 8)).astype(np.uint8)
    y = np.arange(30) % 3
    return Dataset(name="mine", train=TrainSplit(x=x, y=y), test=TestSplit(x=x[:9], y=y[:9]), classes=CLASSES)


@pytest.fixture
def folder(dataset, tmp_path):
    """What a run leaves: a set and a network."""
    network = build("mlp", {"width": 8, "depth": 2}, (3, 8, 8), 3, [0.4] * 3, [0.3] * 3, seed=0)
    artifacts.save_model(tmp_path / "run/last.safetensors", capture(network, kept="last", epoch=1))
    made = CondensedSet(x=dataset.train.pixels(slice(0, 6)), y=dataset.train.y[:6], n_classes=3, method="random",
                        origin=Origin.of(dataset))  # fmt: skip
    artifacts.save_condensed(tmp_path / "run/condensed.npz", made)
    return tmp_path / "run"


@pytest.mark.parametrize("form", api.taking.SETS)
def test_a_set_comes_back_with_the_same_pixels(form, folder, dataset, tmp_path):
    from core.datasets.sets.reading import Target, read
    from core.events import drive

    out = tmp_path / f"set{api.taking.SUFFIXES[form]}"
    assert exporting.write(folder, form, out) == ""  # bytes lose nothing as PNG
    target = Target(data="mine", classes=CLASSES, shape=(3, 8, 8), statistics=([0.5] * 3, [0.25] * 3))
    found, kept = (
        drive(read(out, target, number=1, asked="", clip=False)),
        artifacts.load_condensed(folder / "condensed.npz"),
    )
    order = np.argsort(kept.y, kind="stable") if form == "png" else slice(None)
    assert np.allclose(found.pixels.x, kept.x[order], rtol=0, atol=0 if form != "png" else 1e-7)
    assert np.array_equal(found.y, kept.y[order]) and not found.pixels.told.needs_answer


TINY = {
    "mlp": {"width": 8, "depth": 2},
    "convnet": {"width": 4, "depth": 2},
    "small-cnn": {"width": 2, "hidden": 8},
    "lenet": {"width": 2},
    "resnet18": {"width": 4},
    "ntk-mlp": {"width": 8, "depth": 2, "bias_std": 0.1},
}


def onnx_runs():
    """The runtime that the shown lines use, with what writing the format needs."""
    for name in ONNX_NEEDS:
        pytest.importorskip(name, reason=f"{name} is in requirements-dev.txt and not installed")
    return pytest.importorskip("onnxruntime", reason="onnxruntime is in requirements-dev.txt and not installed")


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_gives_the_logits_of_every_network_at_any_batch_size(name, tmp_path, capsys):
    runtime = onnx_runs()
    network = build(name, TINY[name], (3, 10, 12), 4, [0.4, 0.5, 0.6], [0.3, 0.2, 0.25], seed=0)
    artifacts.save_model(tmp_path / "last.safetensors", capture(network, kept="last", epoch=1))
    assert exporting.write(tmp_path, "onnx", tmp_path / "net.onnx") == "" and capsys.readouterr().out == ""
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    for count in (1, 5):
        x = torch.rand(count, 3, 10, 12, generator=torch.Generator().manual_seed(count))
        (logits,) = session.run(None, {"images": x.numpy()})
        assert np.allclose(logits, network.eval()(x).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", api.taking.FORMS)
def test_the_lines_that_are_shown_load_the_file(form, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if form == "onnx":
        onnx_runs()
    name = f"taken{api.taking.SUFFIXES[form]}"
    exporting.write(folder, form, tmp_path / name)
    (tmp_path / "snippet.py").write_text(api.taking.snippet(form, name))
    runpy.run_path(str(tmp_path / "snippet.py"))
    said = capsys.readouterr().out
    wanted = {
        "npz": "(6, 3, 8, 8) float32 True True (6,) ['ant', 'bee', 'cat']",
        "pt": "torch.Size([6, 3, 8, 8])",
        "png": "6 ['ant', 'bee', 'cat']",
        "safetensors": "mlp torch.Size([1, 3])",
        "onnx": "(1, 3)",
    }
    assert wanted[form] in said


def test_png_says_what_it_rounds_and_leaves_out(folder, tmp_path):
    kept = artifacts.load_condensed(folder / "condensed.npz")
    soft = np.full((6, 3), 1 / 3, np.float32)
    made = CondensedSet(x=kept.x * np.float32(0.5), y=kept.y, n_classes=3, method="kip", soft_labels=soft)
    artifacts.save_condensed(folder / "condensed.npz", made)
    said = exporting.write(folder, "png", tmp_path / "set.zip")
    assert "rounded to 8 bits, by up to 0.00" in said and "soft labels are left out" in said


def test_onnx_says_how_to_install_what_it_needs(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="ONNX needs onnx and onnxscript: .* -r requirements-onnx.txt"):
        exporting.write(folder, "onnx", tmp_path / "net.onnx")


def test_the_network_is_the_one_that_the_run_is_judged_by(folder, tmp_path):
    best = build("mlp", {"width": 8, "depth": 2}, (3, 8, 8), 3, [0.4] * 3, [0.3] * 3, seed=1)
    artifacts.save_model(folder / "best.safetensors", capture(best, kept="best", epoch=1))
    exporting.write(folder, "safetensors", tmp_path / "net.safetensors", "best")
    assert (tmp_path / "net.safetensors").read_bytes() == (folder / "best.safetensors").read_bytes()
    assert (folder / "last.safetensors").read_bytes() != (folder / "best.safetensors").read_bytes()


def test_a_run_without_a_set_says_so(tmp_path):
    with pytest.raises(DataError, match="has left no condensed.npz"):
        exporting.write(tmp_path, "npz", tmp_path / "x.npz")


class Theirs(nn.Module):
    """The same MLP under other names, as somebody else would write it; it takes normalised images."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU())
        self.classifier = nn.Linear(8, 3)

    def forward(self, x):
        return self.classifier(self.layers(x.flatten(1)))


def said(**statistics):
    """Weights that say how their images were normalised."""
    usual = {"mean": torch.zeros(1, 3, 1, 1), "std": torch.ones(1, 3, 1, 1)}
    return Theirs().state_dict() | {f"normalise.{name}": value for name, value in (usual | statistics).items()}


def choice(width=8):
    return NetworkChoice.of("mlp", width=width, depth=2)


def taken(path, *how):
    return foreign.weights(weights_file.read(path), *how)


def test_weights_under_other_names_give_the_same_logits(dataset, tmp_path):
    torch.manual_seed(0)
    theirs, mean, std = Theirs(), [0.4, 0.5, 0.6], [0.3, 0.2, 0.25]
    torch.save({"state_dict": {f"module.{k}": v for k, v in theirs.state_dict().items()}}, tmp_path / "w.pt")
    model, notes = taken(tmp_path / "w.pt", choice(), dataset, mean, std)
    x = torch.from_numpy(dataset.test.pixels())
    wanted = theirs((x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1))
    assert torch.allclose(restore(model)(x), wanted, atol=1e-5)
    assert "layers were matched in their order" in notes[0] and model.origin.train_hash == dataset.train.hash


def test_our_own_weights_need_no_statistics(dataset, folder):
    model, notes = taken(folder / "last.safetensors", choice(), dataset, [], [])
    kept = artifacts.load_model(folder / "last.safetensors")
    assert all(np.array_equal(model.state[name], array) for name, array in kept.state.items()) and len(notes) == 1


@pytest.mark.parametrize(
    ("content", "width", "error", "sentence"),
    [
        (Theirs().state_dict(), 9, DataError, "layers.0.weight of w.pt has shape"),
        (nn.Linear(192, 3).state_dict(), 8, DataError, "w.pt has 2 tensors, mlp with these options has 6"),
        ([1, 2], 8, DataError, "holds no dict of weights by name"),
        ({k: v * float("nan") for k, v in Theirs().state_dict().items()}, 8, DataError, "NaN or infinite weights"),
        (said(std=torch.zeros(1, 3, 1, 1)), 8, DataError, "divides images by a deviation of 0"),
        (said(mean=torch.zeros(5)), 8, DataError, r"normalise.mean of w.pt has shape \(5,\)"),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(content, width, error, sentence, dataset, tmp_path):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(error, match=sentence):
        taken(tmp_path / "w.pt", choice(width), dataset, [0.5] * 3, [0.2] * 3)
    told = isinstance(content, dict) and "normalise.std" not in content
    with pytest.raises(ConfigError if told and width == 8 and "NaN" not in sentence else (ConfigError, DataError)):
        taken(tmp_path / "w.pt", choice(width), dataset, [], [])


def test_weights_and_code_are_judged_from_a_shell(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BALLAST_DEVICE", "cpu")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    torch.save(network.state_dict(), tmp_path / "w.pt")
    words = [
        "--data",
        "digits",
        "--limit",
        "20",
        "--eval-images",
        "20",
        "--attack-steps",
        "2",
        "--curve-points",
        "0",
        "--json",
    ]
    shape = ["--network", "mlp", "--width", "8", "--depth", "1", "--mean", "0", "--std", "1"]
    taken = CliRunner().invoke(app, ["import-network", str(tmp_path / "w.pt"), *shape, *words])
    assert taken.exit_code == 0, (taken.output, taken.exception)
    (tmp_path / "mine.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef net():\n"
        "    made = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))\n"
        f"    made.load_state_dict(torch.load({str(tmp_path / 'w.pt')!r}, weights_only=True))\n    return made\n"
    )
    judged = CliRunner().invoke(app, ["evaluate", "--network", f"{tmp_path / 'mine.py'}:net", *words])
    assert judged.exit_code == 0, (judged.output, judged.exception)
    one, other = json.loads(taken.stdout), json.loads(judged.stdout)
    assert one["clean_acc"] == other["clean_acc"] and one["robust_acc"] == other["robust_acc"]
    assert api.of_model(one["run"])["model"].endswith("last.safetensors")
    assert api.audit_settings(one["run"], {})["audit"]["norm"] == "Linf"
    with pytest.raises(RunError, match="only a command runs"):
        api.resume(other["run"])


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("nowhere.py:net", "a file that exists"),
        ("{0}/bad.py:net", "gives no network: ZeroDivisionError"),
        ("{0}/bad.py", "takes FILE.py:function"),
        ("{0}/other.py:net", r"gives \(2, 5\) for two images, expected logits of shape \(2, 3\)"),
        ("{0}/other.py:nothing", "AttributeError"),
    ],
)
def test_code_that_gives_no_network_is_one_sentence(code, sentence, dataset, tmp_path):
    (tmp_path / "bad.py").write_text("def net():\n    return 1 / 0\n")
    (tmp_path / "other.py").write_text(
        "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(192, 5))\n"
    )
    with pytest.raises(ConfigError, match=sentence):
        foreign.network_of(code.format(tmp_path), dataset, "cpu")
    sys.modules.pop("brought_bad", None)
    sys.modules.pop("brought_other", None)


class Twisted(nn.Module):
    """What no exporter can follow: its way depends on the numbers."""

    def forward(self, x):
        return x if x.sum().item() > 3 else x[:, :1]


def test_a_network_that_onnx_cannot_say_is_one_sentence(folder, tmp_path, monkeypatch):
    onnx_runs()
    monkeypatch.setattr(exporting, "restore", lambda model: Twisted().eval())
    with pytest.raises(DataError, match="mlp cannot be written as ONNX: .*take safetensors"):
        exporting.write(folder, "onnx", tmp_path / "net.onnx")
