"""Kernel regression on a condensed set from the command line, and networks of growing width beside it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from core import api, datasets
from core.cli.main import app
from core.engine import artifacts
from core.errors import BallastError, ConfigError
from core.evaluation.sample import choose
from core.events import drive
from core.jobs import width_pace
from core.jobs.run import network_seeds
from core.kernels import Kernel, fit_condensed, mean_image
from core.types import DataConfig

DATA = ["--data", "digits", "--limit", "60"]


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A set learned by adv-KIP with a kernel of depth 2, in a home of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BALLAST_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("BALLAST_DEVICE", "cpu")
        out = tmp_path_factory.mktemp("out")
        call("condense", *DATA, "--method", "adv-kip", "--kernel", "fc", "--depth", "2", "--ipc", "2", "--norm",
             "Linf", "--eps", "0.1", "--steps", "5", "--batch", "20", "--out", str(out))  # fmt: skip
        yield out / "condensed.npz"


def call(*arguments: str) -> dict:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=True)
    if isinstance(result.exception, BallastError):
        raise result.exception
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def judged(support: Path, *more: str) -> dict:
    return call("evaluate", "--support", str(support), *DATA, "--model", "kernel", "--norm", "Linf", "--eps", "0.1",
                "--attack", "strong", "--eval-images", "40", "--curve-points", "0", *more)  # fmt: skip


def test_the_kernel_is_the_one_the_set_was_learned_with(support: Path):
    found = judged(support)
    assert (found["kernel"], found["ridge"], found["budget"]) == ("FC-2 NTK", 1e-6, 20)
    assert 0 <= found["robust_acc"] <= found["clean_acc"] <= 1 and found["eval_images"] == 40
    assert "margin" in found["attack"] and found["interval"][0] <= found["robust_acc"] <= found["interval"][1]
    assert judged(support, "--depth", "1", "--ridge", "0.01")["kernel"] == "FC-1 NTK"


def test_clean_accuracy_is_that_of_the_fitted_regressor(support: Path):
    config = DataConfig(name="digits", limit=60)
    data = drive(datasets.load(config, root=support.parent))
    fitted = fit_condensed(
        artifacts.load_condensed(support), Kernel(depth=2), mean_image(data.train), ridge=1e-6, device="cpu"
    )
    rows = choose(data.test, 40, 0)
    right = fitted(torch.tensor(data.test.pixels(rows))).argmax(1).numpy() == data.test.y[rows]
    assert judged(support)["clean_acc"] == np.mean(right)


def test_widths_end_with_the_kernel_and_stronger_attacks_leave_less(support: Path):
    settings = api.parse({"data": "digits", "limit": "60"}).to_json()
    chosen = {"widths": [8, 16], "epochs": 3, "images": 30}
    record = api.here("width", {"settings": settings, "condensed": str(support), "width": chosen})
    assert record.status == "done", record.error
    rows = record.result["rows"]
    assert [row["width"] for row in rows] == [8, 16, None] and rows[-1]["title"] == "kernel FC-2 NTK"
    for row in rows:
        assert row["strong_acc"] <= row["pgd_acc"] <= row["clean_acc"] and row["fgsm_acc"] <= row["clean_acc"]
        assert row["images"] == 30 and 0 <= row["zero_gradient"] <= 1
        assert row["strong_interval"][0] <= row["strong_acc"] <= row["strong_interval"][1]
    spectrum = record.result["spectrum"]
    assert len(spectrum) == 20 and spectrum == sorted(spectrum, reverse=True) and spectrum[0] > 0
    told = [event for event in api.events(record.id) if "strong_acc" in event.values]
    assert [event.values["strong_acc"] for event in told] == [row["strong_acc"] for row in rows]


def test_what_does_not_belong_together_is_refused(support: Path):
    for arguments in (("--model", "kernel"), ("--support", str(support), "--model", "x.safetensors")):
        with pytest.raises(ConfigError, match="belong together"):
            call("evaluate", *arguments)
    with pytest.raises(ConfigError, match="exactly one of"):
        call("evaluate", "--support", str(support))
    with pytest.raises(ConfigError, match="widths must lie between 1 and 8192"):
        api.WidthConfig(widths=(64, 9000))


def test_lazy_training_fits_the_set_and_its_options_have_an_effect(support: Path):
    settings = api.parse({"data": "digits", "limit": "60"}).to_json()
    chosen = {"widths": [64], "epochs": 150, "images": 20, "seeds": 2}
    rows = {}
    for name, change in (("usual", {}), ("ce", {"loss": "ce"}), ("uncentred", {"centred": False}),
                         ("ordinary", {"lazy": False}), ("neither", {"lazy": False, "centred": False})):  # fmt: skip
        config = {"settings": settings, "condensed": str(support), "width": {**chosen, **change}}
        record = api.here("width", config)
        assert record.status == "done", record.error
        assert [row["seed"] for row in record.result["rows"]] == [*network_seeds(0, 2), 0]
        rows[name] = record.result["rows"]
    losses = {name: found[0]["train_loss"] for name, found in rows.items()}
    assert len(set(losses.values())) == 5
    assert losses["usual"] < 1e-3 and rows["usual"][-1]["train_loss"] < 1e-3
    assert rows["usual"][0]["train_loss"] != rows["usual"][1]["train_loss"]
    assert rows["ce"][-1]["train_loss"] is None


def test_a_comparison_says_first_what_it_will_take_and_refuses_what_does_not_fit(
    support: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = api.parse({"data": "digits", "limit": "60"}).to_json()
    chosen = {"widths": [16, 32], "epochs": 2, "images": 10}
    config = {"settings": settings, "condensed": str(support), "width": chosen}
    record = api.here("width", config)
    told = [event for event in api.events(record.id) if "price_s" in event.values]
    assert len(told) == 1 and told[0].note.startswith("about ") and told[0].done == 0
    assert record.result["price_s"] == told[0].values["price_s"] > 0
    monkeypatch.setattr("core.jobs.width_price.available", lambda device: 50_000)
    failed = api.here("width", config)
    assert failed.status == "failed" and "what would fit: widths up to 16" in failed.error


def test_the_price_grows_with_width_epochs_seeds_and_images():
    pace, shape = {"ntk-mlp": 1e-4, "kernel": 1e-5}, (1, 8, 8)

    def price(widths: dict[int, int], **change: object) -> float:
        return width_pace.seconds(api.WidthConfig(**change), pace, widths, shape, 10, 20)

    base = price({512: 2})
    kernel = width_pace.GRADIENTS * 200 * 1e-5
    assert base - kernel == pytest.approx((200 * 20 + width_pace.GRADIENTS * 200) * 1e-4)
    assert price({512: 2}, seeds=3) - kernel == pytest.approx(3 * (base - kernel))
    assert price({512: 2, 1024: 2}) > 3 * base
    assert price({512: 2}, epochs=400) > base < price({512: 2}, images=300)


def test_architectures_are_those_that_were_chosen(support: Path):
    settings = api.parse({"data": "digits", "limit": "60"}).to_json()
    chosen = {"what": "architectures", "networks": ["mlp", "ntk-mlp"], "epochs": 2, "images": 10}
    record = api.here("width", {"settings": settings, "condensed": str(support), "width": chosen})
    assert [row["network"] for row in record.result["rows"]] == ["mlp", "ntk-mlp", "kernel"], record.error
    assert set(record.result["pace"]) == {"mlp", "ntk-mlp", "kernel"}
    told = next(event for event in api.events(record.id) if "price_s" in event.values)
    assert told.values["price_mb"] > 1
    with pytest.raises(ConfigError, match="no network called 'vgg'"):
        api.WidthConfig(networks=("vgg",))


def test_the_kernel_is_audited_like_a_network(support: Path):
    settings = api.parse({"data": "digits", "limit": "60", "eps": "0.1"}).to_json()
    audit = {"norm": "Linf", "eps": 0.1, "images": 20, "steps": 20, "short_steps": 5, "restarts": 2, "queries": 100}
    record = api.here("audit", {"run": "R", "settings": settings, "condensed": str(support), "audit": audit})
    assert record.status == "done", record.error
    assert (record.result["model"], record.result["kernel"]) == ("kernel", "FC-2 NTK")
    assert len(record.result["indicators"]) >= 14 and record.result["robust_acc"] <= record.result["clean_acc"]
    assert api.audit_state("R", "kernel") == record.result["state"] and api.audit_state("R") == "not run"
