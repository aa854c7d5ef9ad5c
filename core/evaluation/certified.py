"""What can be proven of a network: by interval bounds in Linf, or of its smoothed classifier by noise in L2.

Interval bounds are of the network itself, so its attacked accuracy stands above them. The smoothed classifier is
another one, the class that the network says most often under noise: its certificate is never put beside attacks on
the network.
An image that is wrong, or at which the certificate abstains, counts as not robust.
Cost: two forward passes in float64 for each eps, or n0 + n forward passes for each image.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.attacks import certified, untouched
from core.certificates.smoothing import BATCH, Smoothing, certify
from core.errors import ConfigError
from core.evaluation.evaluate import curve_eps
from core.evaluation.options import EvaluationConfig as Config
from core.evaluation.sample import choose
from core.events import Progress, Pulse, Work, pulsing
from core.types import Accuracy, Attack, TestSplit, stream
from core.types.report import CertifiedReport

INTERVALS = "interval bounds"
PART = 100  # images between two signs of life
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def by_intervals(model: nn.Module, test: TestSplit, config: Config, *, seed: int, device: str) -> Work[CertifiedReport]:
    """Prove a network by interval bounds on the test images that it is judged on, at eps and along the eps-curve.

    raises  ConfigError in another norm, or naming the layer that intervals cannot pass
    """
    if config.norm != "Linf":
        raise ConfigError(f"interval bounds are proven in Linf, got {config.norm}: choose certificate smoothing for L2")
    began, done = time.perf_counter(), 0
    rows = choose(test, config.images, seed)
    curve_rows, strengths = choose(test, config.curve_images, seed), curve_eps(config)
    total = len(rows) + len(strengths) * len(curve_rows)

    def proven(rows: np.ndarray, eps: float) -> Work[Accuracy]:
        nonlocal done
        kept = 0
        for first in range(0, len(rows), PART):
            x, y = _tensors(test, rows[first : first + PART], device)
            kept += int(certified(model, x, y, eps=eps).sum())
            done += len(y)
            yield Progress(stage="proof", done=done, total=total, unit="images", note=INTERVALS)
        attack = Attack(name=INTERVALS, norm="Linf", eps=eps)
        return Accuracy(correct=kept, images=len(rows), attack=attack, seed=seed, seconds=time.perf_counter() - began)

    at_eps = yield from proven(rows, config.eps)
    curve = []
    for eps in strengths:
        curve.append((yield from proven(curve_rows, eps)))
    return CertifiedReport(clean=None, certified=at_eps, curve=tuple(curve))


def by_smoothing(
    model: nn.Module, test: TestSplit, config: Config, how: Smoothing, *, seed: int, device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CertifiedReport]:  # fmt: skip
    """Certify the smoothed classifier of a network on test images.

    checkpoint  the `state` of an earlier Progress of the same call; each image has noise of its own, so going on gives
                what never having stopped does
    raises      ConfigError in another norm than L2
    """
    if config.norm != "L2":
        raise ConfigError(f"randomised smoothing proves radii in L2, got {config.norm}: choose L2, or certificate ibp")
    began, rows = time.perf_counter(), choose(test, config.images, seed)
    x, y = _tensors(test, rows, device)
    guess, radius, done = np.full(len(rows), -1, np.int64), np.zeros(len(rows)), 0
    if checkpoint is not None:
        done = int(checkpoint["done"])
        guess[:done], radius[:done] = checkpoint["guess"][:done], checkpoint["radius"][:done]
    beat = Pulse()
    with untouched(model):
        yield _event(done, rows, _price(model, x, how, len(rows) - done))
        while done < len(rows):
            work = certify(model, x[done], how, stream(seed, "smoothing", int(rows[done])) % 2**31)
            guess[done], radius[done] = yield from pulsing(work, _says(_event(done, rows, "noisy copies of an image")))
            done += 1
            if beat.due() or done == len(rows):
                state = {"done": np.array(done), "guess": guess.copy(), "radius": radius.copy()}
                yield _event(done, rows, "", state)
    right = guess == y.cpu().numpy()
    return _smoothed(right, radius, config, how, seed, time.perf_counter() - began)


def _smoothed(
    right: np.ndarray, radius: np.ndarray, config: Config, how: Smoothing, seed: int, seconds: float
) -> CertifiedReport:
    abstained = radius == 0
    kept = np.where(right, radius, 0.0)

    def share(eps: float) -> Accuracy:
        attack = Attack(name=how.sentence(), norm="L2", eps=eps)
        return Accuracy(correct=int((kept > eps).sum()), images=len(kept), attack=attack, seed=seed, seconds=seconds)

    return CertifiedReport(
        clean=share(0.0), certified=share(config.eps), curve=tuple(share(eps) for eps in curve_eps(config)),
        radii={q: float(np.quantile(kept, q)) for q in QUANTILES}, abstained=int(abstained.sum()),
    )  # fmt: skip


def _says(event: Progress) -> Callable[[int], Progress]:
    return lambda _: event


def _price(model: Callable[[Tensor], Tensor], x: Tensor, how: Smoothing, images: int) -> str:
    """What is about to be done and about how long it takes, from one batch of copies."""
    copies = how.n0 + how.n
    if not images:
        return ""
    sample = x[:1].expand(min(BATCH, copies), *x.shape[1:])
    with torch.no_grad():
        model(sample[:1])  # the first call may compile
        began = time.perf_counter()
        model(sample)
    seconds = (time.perf_counter() - began) / len(sample) * copies * images
    span = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
    return f"{images:,} test images × {copies:,} noisy copies, expected on this machine: {span}"


def _event(done: int, rows: np.ndarray, note: str, state: Mapping[str, np.ndarray] | None = None) -> Progress:
    return Progress(stage="proof", done=done, total=len(rows), unit="images", note=note, state=state)


def _tensors(test: TestSplit, rows: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    x = torch.from_numpy(np.array(test.pixels(rows))).to(device)
    return x, torch.from_numpy(test.y[rows]).to(device)
