"""Playback shows what the attack did: every frame inside the ball, the loss and the surface as the model gives them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from core.attacks import fgsm
from core.errors import ConfigError
from core.evaluation.options import MINIMAL, NORMS
from core.evaluation.playback import Config, Playback, playback
from core.events import Progress, drive
from core.types import TestSplit

C, SIDE, N = 4, 4, 24


@pytest.fixture(scope="module")
def held() -> TestSplit:
    generator = np.random.default_rng(0)
    x = (0.2 + 0.6 * generator.random((N, 1, SIDE, SIDE))).astype(np.float32)
    return TestSplit(x=x, y=np.arange(N) % C, levels=0)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 12), nn.ReLU(), nn.Linear(12, C))
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator)
    return network.train()


def played(model: nn.Module, split: TestSplit, events: list[Progress] | None = None, **config: object) -> Playback:
    work = playback(model, split, Config(**{"grid": 5, **config}), n_classes=C, seed=0, device="cpu")
    return drive(work, (events if events is not None else []).append)


def size(delta: np.ndarray, norm: str) -> np.ndarray:
    flat = delta.reshape(*delta.shape[:-3], -1).astype(np.float64)
    return np.linalg.norm(flat, ord={"Linf": np.inf, "L2": 2, "L1": 1}[norm], axis=-1)


@pytest.mark.parametrize(("attack", "norm"), [(a, n) for a, norms in NORMS.items() for n in norms])
def test_every_frame_lies_in_the_ball_and_the_box(model, held, attack, norm):
    eps = {"Linf": 0.1, "L2": 0.4, "L1": 1.0}[norm]
    found = played(model, held, attack=attack, norm=norm, eps=eps, steps=8, images=8)
    assert found.frames.shape[0] == 8 and found.frames.dtype == np.float32
    assert found.line == (attack != "pgd")
    assert found.frames.min() >= 0 and found.frames.max() <= 1
    if attack not in MINIMAL:
        assert size(found.frames - found.frames[:, :1], norm).max() <= eps * (1 + 1e-5)
    np.testing.assert_allclose(found.length, size(found.attacked - found.frames[:, 0], norm), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.frames[:, 0], held.pixels(found.rows))


def test_losses_are_the_model_s_own_and_the_worst_frame_is_kept(model, held):
    found = played(model, held, eps=0.15, steps=6, images=12)
    assert found.frames.shape[1] == 6 + 2  # clean, random start, six steps
    images, y = torch.from_numpy(found.frames), torch.from_numpy(found.y)
    with torch.no_grad():
        out = model(images.flatten(0, 1)).view(12, 8, C)
    loss = F.cross_entropy(out.flatten(0, 1), y.repeat_interleave(8), reduction="none").view(12, 8)
    np.testing.assert_allclose(found.loss, loss.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.probability, out.softmax(-1).numpy(), atol=1e-5)
    wrong = out.argmax(-1) != y[:, None]
    np.testing.assert_array_equal(found.margin > 0, wrong.numpy())
    for i, best in enumerate(found.best):
        same = [loss[i, t] for t in range(8) if wrong[i, t] == wrong[i].any()]
        assert wrong[i, best] == wrong[i].any() and loss[i, best] == max(same)
        np.testing.assert_array_equal(found.attacked[i], found.frames[i, best])
    assert found.fooled.tolist() == [bool(not wrong[i, 0] and wrong[i].any()) for i in range(12)]


def test_surface_passes_through_the_clean_image_and_one_fgsm_step(model, held):
    found = played(model, held, eps=0.1, steps=2, images=6, grid=7)  # side: -1.5, -1, ..., 1.5
    np.testing.assert_allclose(found.side, np.linspace(-1.5, 1.5, 7), atol=1e-6)
    np.testing.assert_allclose(found.surface[:, 3, 3], found.loss[:, 0], rtol=1e-5, atol=1e-6)
    x, y = torch.from_numpy(found.frames[:, 0]), torch.from_numpy(found.y)
    with torch.no_grad():
        after = F.cross_entropy(model(fgsm(model, x, y, norm="Linf", eps=0.1)), y, reduction="none")
    np.testing.assert_allclose(found.surface[:, 3, 5], after.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.surface_margin[:, 3, 3] > 0, found.margin[:, 0] > 0)


def test_chosen_rows_same_seed_same_arrays_and_the_model_as_it_was(model, held):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    events: list[Progress] = []
    one = played(model, held, events, rows=(5, 2, 9), steps=3, eps=0.1)
    assert one.rows.tolist() == [5, 2, 9] and one.y.tolist() == held.y[[5, 2, 9]].tolist()
    two = Playback.of(played(model, held, rows=(5, 2, 9), steps=3, eps=0.1).arrays())
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, two.arrays()[name])
    assert model.training and all(p.requires_grad and p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert {event.stage for event in events} == {"attack"}


def test_eps_zero_gives_the_clean_images(model, held):
    found = played(model, held, eps=0, images=4)
    np.testing.assert_array_equal(found.attacked, found.frames[:, 0])
    assert not found.length.any() and not found.fooled.any()


def test_what_cannot_be_attacked_is_refused_in_a_sentence(model, held):
    with pytest.raises(ConfigError, match="carlini-wagner is defined for L2, got Linf"):
        Config(attack="carlini-wagner", norm="Linf")
    with pytest.raises(ConfigError, match="at most 24 rows"):
        Config(rows=(-1,))
    with pytest.raises(ConfigError, match="rows 0 to 23, got 24"):
        played(model, held, rows=(24,))
