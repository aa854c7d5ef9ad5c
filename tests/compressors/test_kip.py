"""KIP and adv-KIP: limits against each other, gradients against autograd, resuming, held-out images, refusals."""

import numpy as np
import pytest
import torch

from core.attacks import pgd
from core.compressors.kernel import adv_kip, kip, loop, regression, state
from core.compressors.kernel.state import Real
from core.errors import ConfigError, NumericsError, ResourceError
from core.events import Progress, drive, finish
from core.kernels import Kernel, KernelRegressor, centred, solve
from core.types import CondensedSet, TrainSplit

SMALL = {"ipc": 3, "steps": 12, "batch": 20, "held_out": 30}
KERNELS = [Kernel(depth=2), Kernel(family="conv", depth=2, bias_std=0.1), Kernel(family="conv", depth=1, readout="gap")]


@pytest.fixture(autouse=True)
def few_judgements(monkeypatch):
    monkeypatch.setattr(state, "JUDGEMENTS", 3)


def train_split(count: int = 150) -> TrainSplit:
    """Three classes of 1 x 5 x 5 images: a bright row each, under noise."""
    rng = np.random.default_rng(7)
    y = np.arange(count) % 3
    x = rng.uniform(0, 0.7, (count, 1, 5, 5))
    x[np.arange(count), 0, y] += 0.3
    return TrainSplit(x=(255 * x).astype(np.uint8), y=y.astype(np.int64))


def learned(method=adv_kip, on_event=lambda event: None, seed: int = 0, checkpoint=None, start=None, **options):
    config = method.Config(**{**SMALL, **options})
    work = method.condense(
        train_split(), config, n_classes=3, seed=seed, device="cpu", checkpoint=checkpoint, start=start
    )
    return drive(work, on_event)


def batch(dtype: torch.dtype = torch.float64):
    """Support pixels, support targets, real pixels, real targets, mean."""
    x = torch.tensor(train_split().pixels()).to(dtype)
    y = centred(torch.arange(150) % 3, 3, dtype)
    return x[:7].clone(), y[:7].clone(), x[20:31].clone(), y[20:31].clone(), x.mean(0)


@pytest.mark.parametrize("chunk", [regression.CHUNK, 200, 1], ids=["whole", "chunks", "single images"])
@pytest.mark.parametrize("kernel", KERNELS, ids=Kernel.sentence)
def test_gradient_equals_autograd_through_the_obvious_formula(monkeypatch, kernel: Kernel, chunk: int):
    monkeypatch.setattr(regression, "CHUNK", chunk)
    x_s, y_s, x, y, mean = batch()
    solution = finish(regression.fit(kernel, x_s, y_s, mean, 1e-3))
    loss, g_x, g_y = finish(regression.loss_and_gradient(kernel, x_s, solution, x, y, mean))

    x_leaf, y_leaf = x_s.requires_grad_(), y_s.requires_grad_()
    gram = kernel(x_leaf - mean)
    shifted = gram + 1e-3 * gram.trace() / 7 * torch.eye(7, dtype=gram.dtype)
    predicted = kernel(x - mean, x_leaf - mean) @ torch.linalg.solve(shifted, y_leaf)
    expected = (predicted - y).square().sum(1).mean()
    want_x, want_y = torch.autograd.grad(expected, (x_leaf, y_leaf))
    assert torch.allclose(loss, expected, rtol=1e-10)
    assert torch.allclose(g_x, want_x, rtol=1e-7, atol=1e-10)
    assert torch.allclose(g_y, want_y, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
@pytest.mark.parametrize("kernel", [Kernel(depth=2), Kernel(depth=2, bias_std=0.1)], ids=["fast", "general"])
def test_inner_attack_is_pgd_on_the_fitted_regressor(norm: str, kernel: Kernel):
    x_s, y_s, x, y, mean = batch()
    solution = finish(regression.fit(kernel, x_s, y_s, mean, 1e-6))
    regressor = regression.Regressor(kernel, x_s - mean, solution.alpha, mean)
    model = KernelRegressor.fit(kernel, x_s, y_s, mean=mean, ridge=1e-6)
    assert torch.allclose(regressor(x), model(x), atol=1e-8)
    same = {"norm": norm, "eps": {"Linf": 0.1, "L2": 0.5, "L1": 1.0}[norm], "steps": 7}
    found = finish(regression.attack(regressor, x, y, **same, generator=torch.Generator().manual_seed(1)))
    expected = pgd(model, x, y, **same, loss="mse", keep="last", generator=torch.Generator().manual_seed(1))
    assert torch.allclose(found, expected, atol=1e-6)

    def loss(images):
        return (model(images) - y).square().sum()

    assert loss(found) > 1.05 * loss(x)


@pytest.mark.parametrize("options", [{"eps": 0.0}, {"attack_steps": 0}], ids=["eps 0", "no steps"])
def test_without_an_attack_it_is_kip_to_the_byte(options: dict):
    plain = learned(kip)
    assert learned(adv_kip, **options).hash == plain.hash
    assert learned(adv_kip, eps=0.1, warmup=0.0).hash != plain.hash


@pytest.mark.parametrize("options", [{}, {"learn_labels": True, "norm": "L2"}, {"kernel": "conv", "depth": 1}])
def test_same_seed_same_bytes_other_seed_other_bytes(options: dict):
    first = learned(**options)
    assert learned(**options).hash == first.hash
    assert learned(seed=1, **options).hash != first.hash


@pytest.mark.parametrize("options", [{}, {"learn_labels": True}])
def test_resuming_equals_never_having_stopped(monkeypatch, options: dict):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    events: list[Progress] = []
    whole = learned(on_event=events.append, **options)
    states = [event.state for event in events if event.state is not None]
    assert len(states) == SMALL["steps"] - 1 and all(isinstance(a, np.ndarray) for s in states for a in s.values())
    for saved in (states[0], states[5], states[-1]):
        again = learned(checkpoint=saved, **options)
        assert again.hash == whole.hash and again.info == whole.info


def test_a_checkpoint_of_other_settings_is_refused(monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    events: list[Progress] = []
    learned(on_event=events.append)
    state = next(event.state for event in events if event.state is not None)
    with pytest.raises(ConfigError, match="resume with the settings"):
        learned(checkpoint=state, ipc=2)


def test_it_learns_and_reports_what_a_reader_needs(monkeypatch):
    monkeypatch.setattr(loop, "PICTURE_S", 0.0)
    events: list[Progress] = []
    found = learned(on_event=events.append, steps=40, eps=0.1, warmup=0.5)
    judged = [e.values for e in events if "kernel_robust_acc" in e.values]
    losses = [e.values["loss"] for e in events if "loss" in e.values]
    assert len(judged) == state.JUDGEMENTS + 1 and len(losses) == 40
    assert judged[-1]["kernel_robust_acc"] > judged[0]["kernel_robust_acc"] + 0.1
    assert all(v["kernel_robust_acc"] <= v["kernel_clean_acc"] for v in judged)
    assert {"jitter", "alpha_max", "contrast"} <= set(judged[0]) <= set(found.info.to_json())
    assert [e.values["eps"] for e in events if "eps" in e.values][:2] == pytest.approx([0.005, 0.01])
    assert "expected on cpu" in events[0].note and "margin-PGD-10, Linf, ε 0.1, 30 held-out" in found.info.live_attack
    images = [e.x for e in events if e.x is not None]
    assert np.array_equal(images[-1], found.x) and not np.array_equal(images[0], found.x)
    assert found.x.min() >= 0 and found.x.max() <= 1 and found.soft_labels is None


def test_plain_kip_fits_clean_images_better_than_real_ones():
    events: list[Progress] = []
    learned(kip, events.append, steps=60, lr=0.05)
    accuracies = [e.values["kernel_clean_acc"] for e in events if "kernel_clean_acc" in e.values]
    assert accuracies[-1] > accuracies[0] + 0.05


def test_held_out_images_enter_neither_batches_nor_first_images():
    train = train_split()
    real = Real.split(train, 30, 0, "cpu")
    assert len(real.held) == 30 and np.bincount(train.y[real.held]).tolist() == [10, 10, 10]
    assert not set(real.held) & set(real.rows) and len(real.rows) == 120
    held = {image.tobytes() for image in train.pixels(real.held)}
    drawn = [image.numpy().tobytes() for step in range(30) for image in real.batch(20, 0, step)[0]]
    first = learned(steps=0).x
    assert len(set(drawn)) == 120 and not held & set(drawn) and not held & {image.tobytes() for image in first}
    few = Real.split(train_split(12), 500, 0, "cpu")
    assert len(few.held) == 0 and len(few.rows) == 12, "a fifth of 4 images of a class is none"


def test_no_steps_gives_real_images_with_their_accuracies():
    found = learned(kip, steps=0)
    pixels = {image.tobytes() for image in train_split().pixels()}
    assert {image.tobytes() for image in found.x} <= pixels and np.bincount(found.y).tolist() == [3, 3, 3]
    assert 0 < found.info.kernel_clean_acc <= 1


def test_noise_and_stored_sets_as_first_images():
    noise = learned(steps=0, init="noise")
    assert noise.x.min() >= 0 and noise.x.max() <= 1 and noise.x.std() == pytest.approx(12**-0.5, abs=0.03)
    soft = np.full((9, 3), 0.25, np.float32)
    stored = CondensedSet(x=noise.x, y=noise.y, n_classes=3, method="kip", soft_labels=soft)
    again = learned(steps=0, start=stored, learn_labels=True)
    assert np.array_equal(again.x, noise.x) and np.array_equal(again.soft_labels, soft)
    other = CondensedSet(x=np.zeros((3, 1, 4, 4), np.float32), y=np.arange(3), n_classes=3, method="kip")
    with pytest.raises(ConfigError, match="made from the same data"):
        learned(start=other)


def test_learned_labels_move_and_the_box_can_be_left():
    inside, outside = learned(learn_labels=True, lr=0.2), learned(lr=0.2, box=False)
    hard = centred(torch.tensor(inside.y), 3).numpy()
    assert inside.soft_labels.dtype == np.float32 and np.abs(inside.soft_labels - hard).max() > 0.05
    assert outside.x.min() < 0 or outside.x.max() > 1


def test_a_class_with_few_images_gives_all_it_has():
    train = train_split()
    few = train.take(np.flatnonzero((train.y != 2) | (np.arange(150) < 6)))
    config = kip.Config(**{**SMALL, "steps": 1, "ipc": 5})
    found = drive(kip.condense(few, config, n_classes=4, seed=0, device="cpu"))
    assert np.bincount(found.y, minlength=4).tolist() == [5, 5, 2, 0]
    with pytest.raises(ConfigError, match="at least one train image"):
        drive(kip.condense(train.take(np.arange(0)), config, n_classes=3, seed=0, device="cpu"))


def test_divergence_is_said_not_hidden():
    with pytest.raises(NumericsError, match="loss is NaN"):
        learned(start=huge())
    with pytest.raises(NumericsError, match="loss of step 1 is not a finite number"):
        learned(start=huge(), held_out=0, eps=0.0)


def huge() -> CondensedSet:
    """Images so far out that float32 squares overflow."""
    x = np.full((3, 1, 5, 5), 1e19, np.float32) * np.arange(1, 4, dtype=np.float32)[:, None, None, None]
    return CondensedSet(x=x, y=np.arange(3), n_classes=3, method="kip")


def test_what_does_not_fit_is_refused_before_the_first_step():
    with pytest.raises(ResourceError, match="what would fit"):
        learned(steps=1_000_000, hours=0.001)


def test_closing_early_leaves_torch_as_it_was():
    before = torch.get_rng_state()
    work = adv_kip.condense(train_split(), adv_kip.Config(**SMALL), n_classes=3, seed=0, device="cpu")
    for _ in range(5):
        next(work)
    work.close()
    assert torch.equal(torch.get_rng_state(), before) and torch.is_grad_enabled()


def test_the_regressor_of_the_result_scores_what_was_reported():
    found = learned(kip, steps=20)
    train = train_split()
    real = Real.split(train, 30, 0, "cpu")
    targets = centred(torch.tensor(found.y), 3)
    model = KernelRegressor.fit(Kernel(), torch.tensor(found.x), targets, mean=real.mean, ridge=1e-6)
    x, y = real.images(real.held)
    assert float((model(x).argmax(1) == y).float().mean()) == pytest.approx(found.info.kernel_clean_acc)
    gram = Kernel()((torch.tensor(found.x) - real.mean).double())
    assert found.info.alpha_max == pytest.approx(float(solve(gram, targets, 1e-6).alpha.abs().max()))
