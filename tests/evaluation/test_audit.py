"""The audit on models whose robustness is known to be honest, and on models that only hide their gradients."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from core.attacks import autoattack, pgd
from core.errors import Cancelled, ConfigError
from core.evaluation.audit import Config, audit, late_share
from core.evaluation.indicators import RULES, AuditReport, indicator
from core.evaluation.sample import choose
from core.events import drive
from core.types import TestSplit

EPS = 0.1


class Rounded(nn.Module):
    """A network whose hidden activations are rounded to a grid: the same accuracy, no gradient."""

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.network[:3](x)
        return self.network[3:](torch.round(hidden * 8) / 8)


class Scaled(nn.Module):
    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * self.network(x)


def digits() -> tuple[torch.Tensor, torch.Tensor, TestSplit]:
    """1,497 images to train on and 300 that are audited."""
    raw = load_digits()
    x, y = raw.images[:, None].astype(np.uint8), raw.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[300:], order[:300]
    pixels = torch.from_numpy(x[train]).float() / 16
    return pixels, torch.from_numpy(y[train]), TestSplit(x=x[test], y=y[test], levels=16)


def train(kind: str, epochs: int = 25) -> nn.Sequential:
    """A small MLP: standard, adversarial, or pushed to margins of thousands."""
    x, y, _ = digits()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    adam = torch.optim.Adam(network.parameters(), lr=0.1 if kind == "margin" else 0.003)
    source = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=source).split(100):
            images = x[rows]
            if kind == "adversarial":
                images = pgd(network, images, y[rows], norm="Linf", eps=EPS, steps=7, generator=source, keep="last")
            out = network(images)
            loss = nn.functional.multi_margin_loss(out, y[rows], margin=5000.0) if kind == "margin" else None
            adam.zero_grad()
            (nn.functional.cross_entropy(out, y[rows]) if loss is None else loss).backward()
            adam.step()
    return network


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Sequential]:
    return {kind: train(kind) for kind in ("standard", "adversarial", "margin")}


def run(model, *, images: int = 150, standard=None, **options) -> AuditReport:
    *_, test = digits()
    config = Config(**({"eps": EPS, "images": images} | options))
    return drive(audit(model, test, config, n_classes=10, seed=0, device="cpu", standard=standard))


def of_autoattack(model, images: int = 100) -> float:
    *_, test = digits()
    rows = choose(test, images, 0)
    x, y = torch.from_numpy(test.pixels(rows)), torch.from_numpy(test.y[rows])
    found = autoattack(model, x, y, norm="Linf", eps=EPS, n_classes=10, seed=1)
    return float(found.robust.float().mean())


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
@pytest.mark.parametrize("kind", ["standard", "adversarial"])
def test_honest_models_fire_nothing(networks, kind, norm):
    eps = {"Linf": EPS, "L2": 0.5, "L1": 1.5}[norm]
    report = run(networks[kind], norm=norm, eps=eps, images=200, standard=networks["standard"])
    assert report.fired == () and report.state == "trusted"
    left_out = {"black_box"} if norm == "L1" else set()
    assert {i.name for i in report.indicators} == set(RULES) - left_out
    assert len(report.notes) == len(left_out)
    assert report.robust.value < report.clean.value


HIDING = {
    "logits x 1000": (lambda n: Scaled(n["standard"], 1000), {"saturated", "zero_gradient", "scale"}),
    "rounded": (lambda n: Rounded(n["standard"]), {"zero_gradient", "uphill", "silent", "black_box"}),
    "huge margin": (lambda n: n["margin"], {"saturated", "zero_gradient", "loss_agreement"}),
}


@pytest.mark.parametrize("name", HIDING)
def test_hidden_gradients_fire_at_least_three_and_the_number_is_near_autoattack(networks, name):
    build, expected = HIDING[name]
    model = build(networks)
    report = run(model, images=100)
    assert expected <= set(report.fired) and report.state == "doubtful"
    assert abs(report.robust.value - of_autoattack(model)) <= 0.03


def test_probabilities_and_noise_are_recognised(networks):
    softmax = nn.Sequential(networks["standard"], nn.Softmax(1))
    assert "logits" in run(softmax, images=60).fired
    noisy = run(lambda x: networks["standard"](x + 0.1 * torch.randn(x.shape)), images=60)
    assert "deterministic" in noisy.fired and noisy.state == "doubtful"


def test_attacks_from_a_standard_model_show_masking(networks):
    report = run(Rounded(networks["standard"]), standard=networks["standard"], images=100, queries=100)
    assert "transfer" in report.fired


def test_the_same_seed_gives_the_same_indicators(networks):
    first, second = (run(networks["standard"], images=30, queries=100) for _ in range(2))
    assert first.indicators == second.indicators and first.robust.correct == second.robust.correct


def test_a_report_survives_json(networks):
    report = run(networks["standard"], images=30, queries=100)
    stored = json.loads(json.dumps(report.to_json()))
    assert AuditReport.from_json(stored) == report
    assert stored["state"] == "trusted"


def test_progress_counts_indicators_and_cancel_leaves_nothing(networks):
    *_, test = digits()
    network, events = networks["standard"], []
    network.train()
    work = audit(network, test, Config(eps=EPS, images=30), n_classes=10, seed=0, device="cpu")
    with pytest.raises(Cancelled):
        drive(work, events.append, lambda: len(events) >= 1)
    assert network.training and all(p.requires_grad for p in network.parameters())
    assert all(0 <= e.done <= e.total == len(RULES) and e.stage == "audit" for e in events)


def test_models_that_cannot_be_audited_are_refused(networks):
    with pytest.raises(ConfigError, match="gradient"):
        run(lambda x: networks["standard"](x).detach())
    with pytest.raises(ConfigError, match="logits"):
        run(nn.Sequential(networks["standard"], nn.Linear(10, 3)))


@pytest.mark.parametrize("name", RULES)
def test_every_rule_passes_at_its_limit_and_not_beyond(name):
    rule = RULES[name]
    beyond = -1e-6 if rule.at_least else 1e-6
    assert indicator(name, rule.limit).verdict == "pass"
    assert indicator(name, rule.limit + beyond).verdict == ("fail" if rule.warn is None else "warn")
    assert indicator(name, rule.limit, holds=False).verdict == "fail"
    assert rule.limit == 0 or f"{rule.limit:g}" in rule.rule
    assert indicator(name, rule.limit).meaning != indicator(name, rule.limit, holds=False).meaning


def test_black_box_warns_up_to_three_percent():
    assert [indicator("black_box", v).verdict for v in (0, 0.5, 3.0, 3.1)] == ["pass", "warn", "warn", "fail"]


def test_the_share_of_the_last_quarter():
    assert late_share((0.0, 1.0, 2.0, 3.0, 4.0)) == 25
    assert late_share((0.0, 4.0, 4.0, 4.0, 4.0)) == 0
    assert late_share(()) == 0 and late_share((0.0, 0.0)) == 0


def test_reports_are_light_to_import():
    code = "import sys, core.evaluation.options, core.evaluation.indicators; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_worst_case_is_of_attacks_within_the_radius_only():
    """An image 1.2 radii from the boundary falls to the attacks at 1.25 and 1.5 radii, and is robust all the same."""
    weights = torch.zeros(1, 4, 4)
    weights[0, 0, 0] = 1.0

    def pixel(x):
        score = (x * weights).flatten(1).sum(1) - 0.5
        return torch.stack([score, -score], 1)

    x = torch.full((20, 1, 4, 4), 0.5)
    x[:, 0, 0, 0] += 1.2 * EPS
    test = TestSplit(x=x.numpy(), y=np.zeros(20, np.int64), levels=0)
    config = Config(eps=EPS, images=20, steps=20, short_steps=5, queries=100)
    report = drive(audit(pixel, test, config, n_classes=2, seed=0, device="cpu"))
    monotone = next(one for one in report.indicators if one.name == "monotone")
    assert report.robust.correct == 20
    assert [value for _, value in monotone.series] == [100.0] * 4 + [0.0] * 2
