"""What is proven of networks: the counts of the proofs, going on after a stop, and refusals in a sentence."""

import numpy as np
import pytest
import torch
from torch import nn

from core.attacks import certified
from core.certificates.smoothing import Smoothing
from core.errors import ConfigError
from core.evaluation.certified import by_intervals, by_smoothing
from core.evaluation.options import EvaluationConfig
from core.evaluation.sample import choose
from core.events import drive
from core.networks.model import build
from core.types import TestSplit

HOW = Smoothing(sigma=0.3, n0=20, n=100, alpha=0.01)


def model() -> nn.Module:
    return build("mlp", {"width": 8, "depth": 1}, (1, 3, 3), 3, (0.5,), (0.3,), seed=1).eval()


def split(n: int = 40) -> TestSplit:
    x = torch.rand(n, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return TestSplit(x=x.numpy(), y=model()(x).argmax(1).numpy(), levels=0)


def config(norm: str, eps: float) -> EvaluationConfig:
    return EvaluationConfig(norm=norm, eps=eps, images=40, curve_images=20, curve_points=3)


def test_intervals_are_counted_at_eps_and_along_the_curve():
    test = split()
    report = drive(by_intervals(model(), test, config("Linf", 0.01), seed=0, device="cpu"))
    rows = choose(test, 40, 0)
    x, y = torch.from_numpy(test.pixels(rows)), torch.from_numpy(test.y[rows])
    assert report.certified.correct == int(certified(model(), x, y, eps=0.01).sum())
    assert [point.attack.eps for point in report.curve] == [0, 0.0075, 0.015]
    assert report.curve[0].correct == 20 and report.clean is None
    assert report.certified.attack.sentence() == "interval bounds, Linf, ε 0.01"


def test_smoothing_goes_on_after_a_stop_to_what_it_would_have_found():
    test, states = split(), []
    whole = drive(by_smoothing(model(), test, config("L2", 0.1), HOW, seed=0, device="cpu"))
    work = by_smoothing(model(), test, config("L2", 0.1), HOW, seed=0, device="cpu")
    assert "40 test images × 120 noisy copies" in next(work).note
    work.close()
    drive(by_smoothing(model(), test, config("L2", 0.1), HOW, seed=0, device="cpu"), lambda e: states.append(e.state))
    half = {name: np.array(array) for name, array in states[-1].items()} | {"done": np.array(7)}
    half["radius"][7:], half["guess"][7:] = 9.0, 0
    again = drive(by_smoothing(model(), test, config("L2", 0.1), HOW, seed=0, device="cpu", checkpoint=half))
    assert [p.correct for p in again.curve] == [p.correct for p in whole.curve] and again.radii == whole.radii
    assert whole.certified.correct <= whole.clean.correct <= 40 - whole.abstained
    assert [p.value for p in whole.curve] == sorted((p.value for p in whole.curve), reverse=True)


def test_wrong_images_and_abstentions_are_not_robust():
    test = split()
    wrong = TestSplit(x=test.x, y=(test.y + 1) % 3, levels=0)
    assert drive(by_smoothing(model(), wrong, config("L2", 0.01), HOW, seed=0, device="cpu")).certified.correct < 12

    def undecided(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot((x.flatten(1).sum(1) * 1e4).long().abs() % 3, 3).float()

    report = drive(by_smoothing(undecided, test, config("L2", 0.01), HOW, seed=0, device="cpu"))
    assert report.abstained == 40 and report.clean.correct == report.certified.correct == 0


@pytest.mark.parametrize(("norm", "work"), [("L2", "intervals"), ("Linf", "smoothing")])
def test_a_norm_that_a_certificate_does_not_know_is_refused(norm, work):
    with pytest.raises(ConfigError, match="Linf" if work == "intervals" else "L2"):
        if work == "intervals":
            drive(by_intervals(model(), split(), config(norm, 0.1), seed=0, device="cpu"))
        else:
            drive(by_smoothing(model(), split(), config(norm, 0.1), HOW, seed=0, device="cpu"))
