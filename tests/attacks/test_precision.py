"""Searching in bfloat16: verdicts stay with the model, whatever the search believes, and hardly an image is missed."""

import pytest
import torch
from torch import nn

from core.attacks import autoattack, pgd, pgd_steps, searching
from core.attacks.projections import lengths
from core.evaluation.evaluate import Config, evaluate
from core.events import drive
from core.kernels import Kernel, KernelRegressor
from core.kernels.lazy import FromZero
from core.networks.model import build
from core.types import TestSplit


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trained(n: int = 300, n_classes: int = 4) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A small convolutional network and noisy stripes that it has learned, 12 × 12."""
    source = generator()
    y = torch.arange(n) % n_classes
    patterns = torch.rand(n_classes, 1, 12, 12, generator=source)
    x = (0.35 * patterns[y] + 0.65 * torch.rand(n, 1, 12, 12, generator=source)).clamp(0, 1)
    model = build("convnet", {"width": 8, "depth": 2}, (1, 12, 12), n_classes, [0.5], [0.3], seed=0)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(30):
        adam.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        adam.step()
    return model.eval(), x, y


def standing(model, images, y) -> torch.Tensor:
    with torch.no_grad():
        return model(images).argmax(1) == y


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
def test_a_search_in_bfloat16_misses_hardly_an_image_and_stays_in_the_ball(norm):
    model, x, y = trained()
    eps = {"Linf": 0.03, "L2": 0.3, "L1": 2.0}[norm]
    options = {"norm": norm, "eps": eps, "steps": 20, "restarts": 2}
    exact = pgd(model, x, y, generator=generator(), **options)
    cheap = pgd(model, x, y, generator=generator(), search=searching(model, "cpu", "bfloat16"), **options)
    assert (lengths(cheap - x, norm) <= eps * (1 + 1e-5)).all()
    assert cheap.min() >= 0 and cheap.max() <= 1 and cheap.dtype == torch.float32
    robust = standing(model, exact, y)
    assert 30 < robust.sum() < 270  # else agreement would mean nothing
    found = standing(model, cheap, y)
    assert abs(int(robust.sum()) - int(found.sum())) <= 3
    if norm != "L1":  # which 1 % of the pixels an L1 step moves turns on the last bit, as it does on the random start
        assert (robust != found).sum() <= 3


def test_a_search_that_takes_everything_for_broken_breaks_nothing_by_that():
    """Only the model's own verdict takes an image out of the batch."""
    model, x, y = trained(40)
    y = model(x).argmax(1)

    def wrong(images):
        return model(images) - 100 * nn.functional.one_hot(y, 4)[: len(images)]

    steps = list(pgd_steps(model, x, y, norm="Linf", eps=1e-6, steps=3, search=wrong, generator=generator()))
    assert [len(step.rows) for step in steps] == [40] * 4
    assert standing(
        model, pgd(model, x, y, norm="Linf", eps=1e-6, steps=3, search=wrong, generator=generator()), y
    ).all()


def test_a_search_that_takes_nothing_for_broken_is_corrected_by_the_last_look():
    model, x, y = trained(60)

    def sure(images):
        return model(images) * 1e-3 + 10 * nn.functional.one_hot(y, 4)[: len(images)]

    found = pgd(model, x, y, norm="Linf", eps=0.1, steps=10, search=sure, generator=generator())
    assert standing(model, x, y).sum() > 50 and standing(model, found, y).sum() < 10


def test_gradients_are_taken_of_the_search_only():
    """The model is asked for verdicts: without gradients, and only for images that the search takes for broken."""
    model, x, y = trained(30)
    asked = []

    def judge(images):
        asked.append((len(images), images.requires_grad))
        return model(images)

    pgd(judge, x, y, norm="Linf", eps=1e-6, steps=4, random_start=False, search=model)
    right = int(standing(model, x, y).sum())
    assert asked == [(30, False), (right, False)]  # once at the start, once at the end, and no gradient


def test_kernels_and_what_is_no_network_are_never_searched_in_bfloat16():
    model, x, y = trained(4)
    regressor = KernelRegressor.fit(Kernel(), x, torch.eye(4)[y] - 0.25, mean=x.mean(0))
    assert searching(regressor, "cpu", "bfloat16") is None
    assert searching(FromZero(model, x.mean(0)), "cpu", "bfloat16") is None
    assert searching(lambda x: model(x), "cpu", "bfloat16") is None
    assert searching(model, "cpu", "auto") is None and searching(model, "cpu", "float32") is None
    assert searching(model, "cpu", "bfloat16") is not None


def test_auto_takes_bfloat16_where_cuda_has_matrix_units_for_it(monkeypatch):
    model, _, _ = trained(4)
    for capability, used in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, found=capability: found)
        assert (searching(model, "cuda:0", "auto") is not None) == used


def test_autoattack_with_a_cheap_search_agrees_and_every_image_holds():
    model, x, y = trained()
    x, y = x[:40], y[:40]
    options = {"norm": "Linf", "eps": 0.03, "n_classes": 4, "seed": 0, "preset": "quick"}
    exact = autoattack(model, x, y, **options)
    cheap = autoattack(model, x, y, search=searching(model, "cpu", "bfloat16"), **options)
    assert 5 < exact.robust.sum() < 35
    assert (exact.robust != cheap.robust).sum() <= 1
    fell = torch.tensor([name not in ("", "clean") for name in cheap.broken_by])
    assert not standing(model, cheap.adversarial[fell], y[fell]).any()


def test_the_report_says_what_gradients_were_computed_in():
    model, x, y = trained(80)
    test = TestSplit(x=x.numpy(), y=y.numpy(), levels=0)
    config = Config(eps=0.03, images=60, attack="strong", curve_points=2, precision="bfloat16")
    report = drive(evaluate(model, test, config, n_classes=4, seed=0, device="cpu"))
    exact = drive(evaluate(model, test, config.replace(precision="float32"), n_classes=4, seed=0, device="cpu"))
    assert report.robust.attack.sentence().endswith("gradients in bfloat16")
    assert "bfloat16" in report.curve[1].attack.sentence() and "bfloat16" not in report.clean.attack.sentence()
    assert "bfloat16" not in exact.robust.attack.sentence()
    assert abs(report.robust.correct - exact.robust.correct) <= 1


def test_autoattack_without_a_gradient_names_none():
    model, x, y = trained()
    blind = nn.Sequential(Steps(), model)
    test = TestSplit(x=x[:30].numpy(), y=y[:30].numpy(), levels=0)
    config = Config(eps=0.03, images=12, attack="autoattack", curve_points=0, precision="bfloat16")
    found = [
        drive(evaluate(m, test, config, n_classes=4, seed=0, device="cpu")).robust.attack.sentence()
        for m in (model, blind)
    ]
    assert "gradients in bfloat16" in found[0] and "gradients" not in found[1]


class Steps(nn.Module):
    """Grey steps of 1/32, with no gradient at all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.detach() * 32).round() / 32
