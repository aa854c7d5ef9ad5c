"""One model under attacks of growing strength on the same test images: none, FGSM, PGD-20, the strong pair.

A model that withstands the weak ones and falls to the strong is not robust, it hides its gradients (Athalye et al.
2018, arXiv:1802.00420). The share of images with a zero gradient says how blind the weak ones were.
Cost: about 170 gradients for each image that stays correct.
"""

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import torch
from torch import Tensor

from core.attacks import fgsm
from core.evaluation import verdicts
from core.evaluation.indicators_probes import gradients, zero_share
from core.evaluation.options import EvaluationConfig
from core.evaluation.sample import choose
from core.events import Progress, Pulse, Work, pulsing
from core.types import Norm, TestSplit, usual_step, wilson

T = TypeVar("T")
STEPS, BATCH = 20, 64


def climb(
    model: Callable[[Tensor], Tensor], test: TestSplit, *, norm: Norm, eps: float, images: int, seed: int,
    device: str, done: int = 0, total: int = 1,
) -> Work[dict[str, Any]]:  # fmt: skip
    """Judge a model.

    done, total  what the events say: this is stop `done` of `total`
    returns      clean_acc, fgsm_acc, pgd_acc, strong_acc with NAME_interval (95 %), zero_gradient (share of images
                 whose cross-entropy gradient is shorter than 1e-12), images
    """
    rows = choose(test, images, seed)
    x, y = torch.tensor(test.pixels(rows), device=device), torch.tensor(test.y[rows], device=device)
    config = EvaluationConfig(norm=norm, eps=eps, attack="strong", attack_steps=STEPS, images=images)
    clean = yield from _told(verdicts.clean(model, x, y, seed), "no attack", done, total)
    standing, zero = yield from _told(_fgsm(model, x, y, norm, eps), "FGSM", done, total)
    judged = yield from _told(verdicts.strong(model, x, y, config, seed), "PGD-20 and margin-PGD", done, total)
    first = judged.parts[0]
    counts = {"clean": clean.correct, "fgsm": standing, "pgd": first.images - first.broken,
              "strong": judged.accuracy.correct}  # fmt: skip
    found: dict[str, Any] = {"images": len(rows), "zero_gradient": zero / len(rows)}
    for name, correct in counts.items():
        found |= {f"{name}_acc": correct / len(rows), f"{name}_interval": list(wilson(correct, len(rows)))}
    return found


def sentences(norm: Norm, eps: float) -> dict[str, str]:
    """How each accuracy of `climb` was attacked, as it stands beside the number."""
    step = usual_step(eps, STEPS)
    return {
        "clean": "no attack",
        "fgsm": f"FGSM, {norm}, ε {eps:.4g}",
        "pgd": f"PGD-{STEPS}, {norm}, ε {eps:.4g}, step {step:.3g}, 1 restart, CE",
        "strong": f"PGD-{STEPS} (CE) + margin-PGD-50 × 3, {norm}, ε {eps:.4g}",
    }


def _fgsm(
    model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, norm: Norm, eps: float
) -> Generator[int, None, tuple[int, int]]:
    """Images right clean and under FGSM, and images without a gradient; pauses after each batch."""
    standing = zero = 0
    for start in range(0, len(y), BATCH):
        part, label = x[start : start + BATCH], y[start : start + BATCH]
        right = verdicts.right(model, part, label)
        moved = fgsm(model, part, label, norm=norm, eps=eps)
        standing += int((right & verdicts.right(model, moved, label)).sum())
        zero += round(zero_share(gradients(model, part, label, "ce", BATCH)) * len(label) / 100)
        yield start + len(label)
    return standing, zero


def _told(work: Generator[int, None, T], what: str, done: int, total: int) -> Work[T]:
    """Run judging, and say about twice a second what is being judged."""

    def say(finished: int) -> Progress:
        return Progress(stage="width", done=done, total=total, unit="stops", note=f"{what}: {finished} images done")

    return (yield from pulsing(work, say, Pulse(first=True)))
