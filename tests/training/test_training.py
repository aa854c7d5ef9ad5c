"""Trainers: contract of all of them, limits, resuming, selection, and the global state left alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import ConfigError, NumericsError
from core.events import drive
from core.networks.model import build, restore
from core.training import TRAINERS, checkpoint, loop
from core.training.fgsm_rs import collapse_note
from core.training.options import PROTOCOLS, AttackOptions
from core.types import CondensedSet, TrainSplit

SHAPE = (1, 8, 8)


def blobs(n, seed=0):
    """Three classes of bright squares in noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n, dtype=np.int64) % 3
    x = rng.uniform(0, 0.4, (n, *SHAPE))
    for row, label in enumerate(y):
        x[row, 0, 2 * label : 2 * label + 3, 2 * label : 2 * label + 3] += 0.5
    return x.astype(np.float32), y


def condensed(n=21):
    x, y = blobs(n)
    return CondensedSet(
        x=x, y=y, n_classes=3, method="mfc", weights=np.arange(1, n + 1), ball_radius=np.linspace(0, 0.1, n),
        norm="Linf", radius=0.1,
    )  # fmt: skip


def validation():
    x, y = blobs(60, seed=1)
    return TrainSplit(x=x, y=y, levels=0)


def network(name="small-cnn", seed=0, **options):
    options = options or {"width": 4, "hidden": 16}
    return build(name, options, SHAPE, 3, [0.3], [0.3], seed=seed)


def config(name, **changes):
    Config = TRAINERS[name].Config
    changes = {"epochs": 4, "batch": 8, "lr": 0.01, **changes}
    if issubclass(Config, AttackOptions):
        changes = {"eps": 0.1, **changes}
    return Config(**changes)


def train(name, net=None, *, events=None, state=None, seed=0, **changes):
    work = TRAINERS[name].train(
        condensed(), net or network(), config(name, **changes), validation=validation(), seed=seed, device="cpu",
        checkpoint=state,
    )  # fmt: skip
    return drive(work, (events if events is not None else []).append)


def same(a, b):
    return all(np.array_equal(a.state[name], b.state[name]) for name in a.state)


@pytest.mark.parametrize("name", TRAINERS)
def test_every_trainer_keeps_the_contract(name):
    events, before = [], torch.get_rng_state()
    net = network()
    models = train(name, net, events=events, keep="best", weighted=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert set(models) == {"last", "best"}
    epochs = [e for e in events if e.values]
    assert [e.done for e in epochs] == [1, 2, 3, 4]
    attacked = issubclass(TRAINERS[name].Config, AttackOptions)
    for event in epochs:
        assert (event.stage, event.total, event.unit) == ("train", 4, "epochs")
        assert {"loss", "lr", "train_robust_acc" if attacked else "train_acc"} <= set(event.values)
        assert all(np.isfinite(v) for v in event.values.values())
        assert event.model is net
    assert ("PGD-10" if attacked else "clean") in models["best"].selection
    assert models["last"].epoch == 4
    x = torch.tensor(validation().x)
    assert torch.equal(restore(models["last"])(x), net.eval()(x))


@pytest.mark.parametrize("name", TRAINERS)
def test_same_seed_same_bytes_and_another_seed_differs(name):
    first, again, other = train(name), train(name), train(name, seed=1)
    assert same(first["last"], again["last"])
    assert not same(first["last"], other["last"])


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("extra", [{}, {"average": 0.9, "optimizer": "sgd", "schedule": "step"}], ids=["adam", "sgd"])
def test_resuming_equals_never_having_stopped(name, extra, monkeypatch):
    whole = train(name, keep="best", epochs=5, **extra)
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    events = []
    train(name, events=events, keep="best", epochs=5, **extra)
    state = next(e.state for e in events if e.done == 2 and e.state)
    assert all(isinstance(a, np.ndarray) for a in state.values())
    resumed = train(name, network(seed=9), state=state, keep="best", epochs=5, **extra)
    assert same(whole["last"], resumed["last"])
    assert same(whole["best"], resumed["best"])
    assert whole["best"].epoch == resumed["best"].epoch


@pytest.mark.parametrize("name", ["adversarial", "warm-start", "fgsm-rs"])
def test_eps_zero_is_standard_training_to_the_bit(name):
    assert same(train(name, eps=0.0)["last"], train("standard")["last"])


def test_trades_without_beta_is_standard_training_to_the_bit():
    assert same(train("trades", beta=0.0)["last"], train("standard")["last"])


@pytest.mark.parametrize("name", ["adversarial", "warm-start", "trades", "fgsm-rs"])
def test_an_eps_changes_training(name):
    assert not same(train(name, eps=0.1)["last"], train("standard")["last"])


@pytest.mark.parametrize("name", TRAINERS)
def test_training_learns_what_can_be_learned(name):
    net = network()
    train(name, net, epochs=40, lr=0.01)
    held = validation()
    assert float((net.eval()(torch.tensor(held.x)).argmax(1).numpy() == held.y).mean()) > 0.9


def test_radii_of_a_cover_change_training_and_radius_zero_does_not():
    plain = train("adversarial")
    assert not same(train("adversarial", radius_policy="eps + radius")["last"], plain["last"])
    assert same(train("adversarial", radius_policy="eps + fraction * radius", fraction=0)["last"], plain["last"])


def test_warm_up_grows_the_radius_to_its_full_size_and_scales_the_step(monkeypatch):
    from core.training import attacking

    seen, real = [], attacking.pgd_steps

    def spy(*args, **kwargs):
        seen.append((kwargs["eps"].tolist(), kwargs["step_size"].tolist()))
        return real(*args, **kwargs)

    monkeypatch.setattr(attacking, "pgd_steps", spy)
    train("adversarial", epochs=6, batch=32, warmup=0.5, eps=0.3, step_size=0.06)
    largest = [max(eps) for eps, _ in seen]
    assert largest == pytest.approx([0.1, 0.2, 0.3, 0.3, 0.3, 0.3])
    for eps, step_size in seen:
        assert np.allclose(step_size, np.array(eps) / 5)


def test_warm_start_remembers_perturbations_within_the_radius(monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    events = []
    train("warm-start", events=events, epochs=5, warmup=0, restart_share=0)
    states = [e.state["memory/delta"] for e in events if e.state]
    for state in states:
        assert np.abs(state).max() <= 1 + 1e-5
    assert np.abs(states[-1]).max() > 0.9
    assert not np.array_equal(states[0], states[-1])


def test_the_best_epoch_is_the_best_judged_and_counts_only_held_out_images():
    events = []
    models = train("standard", events=events, keep="best", epochs=12, lr=0.003)
    judged = {e.done: e.values["val_acc"] for e in events if "val_acc" in e.values}
    assert models["best"].epoch == min(epoch for epoch, v in judged.items() if v == max(judged.values()))
    best, held = restore(models["best"]), validation()
    right = float((best(torch.tensor(held.x)).argmax(1).numpy() == held.y).mean())
    assert right == pytest.approx(max(judged.values()))
    assert "60 held-out train images" in models["best"].selection


def test_keep_last_judges_nothing_and_keep_best_needs_images():
    events = []
    models = train("standard", events=events)
    assert models["best"] is models["last"]
    assert not any("val_acc" in e.values for e in events)
    with pytest.raises(ConfigError, match="needs held-out train images"):
        drive(
            TRAINERS["standard"].train(
                condensed(), network(), config("standard", keep="best"), validation=None, seed=0, device="cpu"
            )
        )


def test_patience_ends_training_when_nothing_is_gained():
    changes = {"keep": "best", "epochs": 50, "lr": 1e-9}  # so small a rate gains nothing: judged at 5, 10, 15, ...
    models = train("standard", patience=2, **changes)
    assert (models["best"].epoch, models["last"].epoch) == (5, 15)
    assert train("standard", patience=0, **changes)["last"].epoch == 50


def test_weight_averaging_returns_the_average():
    events, net = [], network()
    models = train("standard", net, events=events, average=0.99)
    assert events[-1].model is not net
    assert not np.array_equal(models["last"].state["head.weight"], net.head.weight.detach().numpy())


def test_a_loss_that_is_not_finite_stops_the_run():
    net = network()
    with torch.no_grad():
        net.head.bias.fill_(float("nan"))
    with pytest.raises(NumericsError, match="lower the learning rate"):
        train("standard", net)


def test_schedules_begin_at_the_rate_and_fall():
    for schedule, expected in (
        ("constant", [1, 1, 1, 1]),
        ("step", [1, 1, 0.1, 0.01]),
        ("cosine", [1, 0.853553, 0.5, 0.146447]),
    ):
        c = config("standard", schedule=schedule, epochs=4, lr=1.0)
        assert [loop.learning_rate(c, e) for e in range(4)] == pytest.approx(expected, rel=1e-5)


def test_half_falls_once_and_step_twice():
    half, step = (config("standard", epochs=100, schedule=name, lr=1.0) for name in ("half", "step"))
    rates = [[round(loop.learning_rate(one, epoch), 6) for epoch in (0, 49, 50, 74, 75, 99)] for one in (half, step)]
    assert rates == [[1, 1, 0.1, 0.1, 0.1, 0.1], [1, 1, 0.1, 0.1, 0.01, 0.01]]


@pytest.mark.parametrize("name", TRAINERS)
def test_augmentation_changes_training_repeats_and_resumes(name, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    events = []
    whole = train(name, augment="auto", events=events)["last"]
    states = [event.state for event in events if event.state is not None]
    assert not same(whole, train(name)["last"])
    assert same(whole, train(name, augment="auto")["last"])
    assert same(whole, train(name, augment="auto", state=states[1])["last"])


def test_images_are_augmented_before_the_attack(monkeypatch):
    from core.training import attacking

    seen, real = [], attacking.pgd_steps

    def black(x, change):
        assert len(change.numbers) == len(x) and change.kind in ("shift", "scale", "rotate", "cutout")
        return torch.zeros_like(x)

    def spy(model, x, *args, **kwargs):
        seen.append(float(x.max()))
        return (yield from real(model, x, *args, **kwargs))

    monkeypatch.setattr(loop, "augment", black)
    monkeypatch.setattr(attacking, "pgd_steps", spy)
    train("adversarial", augment="auto", warmup=0.0)
    assert seen and max(seen) == 0


def test_points_cannot_be_augmented():
    points = CondensedSet(x=np.full((4, 1, 1, 2), 0.5, np.float32), y=np.arange(4) % 2, n_classes=2, method="x")
    net = build("mlp", {"width": 4}, (1, 1, 2), 2, [0.3], [0.3], seed=0)
    work = TRAINERS["standard"].train(
        points, net, config("standard", augment="auto"), validation=None, seed=0, device="cpu"
    )
    with pytest.raises(ConfigError, match="augmentation needs images of at least 4×4"):
        drive(work)


@pytest.mark.parametrize("name", TRAINERS)
def test_protocols_are_settings_of_every_trainer(name):
    field, augmented = (TRAINERS[name].Config(**PROTOCOLS[p]) for p in ("field", "field-augmented"))
    assert (field.optimizer, field.lr, field.momentum, field.weight_decay) == ("sgd", 0.01, 0.9, 5e-4)
    assert (field.epochs, field.augment, augmented.epochs, augmented.augment) == (300, "off", 1000, "auto")
    assert {field.batch, augmented.batch} == {256} and {field.schedule, augmented.schedule} == {"half"}


def test_resuming_restores_every_kind_of_state():
    net = network("resnet18", width=8, norm="batch")
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.rand(4, *SHAPE)).sum().backward()
    optimizer.step()
    memory = {"delta": torch.rand(3)}
    state = checkpoint.pack(3, {"network": net}, optimizer, memory, None, -1.0)
    other = network("resnet18", seed=5, width=8, norm="batch")
    fresh, blank = torch.optim.Adam(other.parameters()), {"delta": torch.zeros(3)}
    assert checkpoint.unpack(state, {"network": other}, fresh, blank, "") == (3, None, -1.0)
    again = checkpoint.pack(3, {"network": other}, fresh, blank, None, -1.0)
    assert set(again) == set(state)
    for name, array in state.items():
        np.testing.assert_array_equal(again[name], array)


def test_the_collapse_of_single_step_training_is_told():
    assert collapse_note(0.65, 0.6, 100) == ""
    assert collapse_note(0.65, 0.03, 100).startswith("catastrophic overfitting: on 100 training images")


def test_tables_are_light():
    root = Path(__file__).resolve().parents[2]
    code = (
        "import sys, core.networks, core.networks.statistics, core.training, core.training.options, "
        "core.evaluation.options, core.evaluation.sample; "
        "print([m for m in ('torch', 'torchvision', 'sklearn', 'numba', 'scipy', 'umap') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
