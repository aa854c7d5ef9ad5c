"""Judging images: who stays correct without an attack, under PGD, under the strong pair, under AutoAttack.

Each function is a generator that pauses after every gradient with the number of images it has finished, and
returns an Accuracy. Random starts come from a stream of their own for each batch and loss, so no batch depends on
another. Sources: METHODS.md, section 6; arXiv:1706.06083 (PGD); arXiv:2003.01690 (AutoAttack).
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import torch
from torch import Tensor

from core.attacks import autoattack_steps, pgd_steps, untouched
from core.errors import NumericsError
from core.evaluation.evaluate import Config
from core.types import Accuracy, Attack, stream

MARGIN_STEPS, MARGIN_RESTARTS = 50, 3  # the margin attack of "strong"

Logits = Callable[[Tensor], Tensor]

Judging = Generator[int, None, Accuracy]


def clean(model: Logits, x: Tensor, y: Tensor, seed: int) -> Judging:
    began, finished, right = time.perf_counter(), 0, 0
    for part in _batches(x):
        right += int(_correct(model, x[part], y[part]).sum())
        finished += len(part)
        yield finished
    return _accuracy(right, len(y), Attack(name="none"), seed, began)


def pgd(model: Logits, x: Tensor, y: Tensor, config: Config, seed: int) -> Judging:
    """PGD at config.eps; all iterates of all restarts count, broken images leave the batch."""
    began, finished, standing = time.perf_counter(), 0, 0
    for part in _batches(x):
        survived = yield from survivors(
            model, x[part], y[part], config, config.attack_steps, config.restarts, "ce", seed, finished
        )
        standing += int(survived.sum())
        finished += len(part)
        yield finished
    return _accuracy(standing, len(y), pgd_attack(config), seed, began)


def strong(model: Logits, x: Tensor, y: Tensor, config: Config, seed: int) -> Judging:
    """PGD with cross-entropy, then margin-PGD 50 × 3 on the images left; an image must survive both."""
    began, finished, standing = time.perf_counter(), 0, 0
    for part in _batches(x):
        a, b = x[part], y[part]
        survived = yield from survivors(model, a, b, config, config.attack_steps, config.restarts, "ce", seed, finished)
        if bool(survived.any()):
            plain, steps, restarts = config.replace(step_size=0), MARGIN_STEPS, MARGIN_RESTARTS
            again = yield from survivors(
                model, a[survived], b[survived], plain, steps, restarts, "margin", seed, finished
            )
            standing += int(again.sum())
        finished += len(part)
        yield finished
    name = f"PGD-{config.attack_steps} (CE) + PGD-{MARGIN_STEPS} × {MARGIN_RESTARTS} (margin)"
    attack = Attack(name=name, norm=config.norm, eps=config.eps, restarts=config.restarts, loss="worst of both")
    return _accuracy(standing, len(y), attack, seed, began)


def autoattack(
    model: Logits, x: Tensor, y: Tensor, config: Config, n_classes: int, seed: int
) -> Generator[int, None, tuple[Accuracy, tuple[str, ...]]]:
    began = time.perf_counter()
    work = autoattack_steps(model, x, y, norm=config.norm, eps=config.eps, n_classes=n_classes, seed=seed)
    with closing(work):
        while True:
            try:
                tick = next(work)
            except StopIteration as stop:
                result = stop.value
                break
            yield tick.images - tick.standing
    attack = Attack(name="AutoAttack", norm=config.norm, eps=config.eps, loss="standard")
    return _accuracy(int(result.robust.sum()), len(y), attack, seed, began), result.notes


def headline(
    model: Logits, x: Tensor, y: Tensor, config: Config, *, n_classes: int, seed: int
) -> Generator[int, None, tuple[Accuracy, tuple[str, ...]]]:
    """The attack behind `robust`, with sentences of its own."""
    if config.attack == "autoattack":
        return (yield from autoattack(model, x, y, config, n_classes, seed))
    if config.attack == "strong":
        return (yield from strong(model, x, y, config, seed)), ()
    return (yield from pgd(model, x, y, config, seed)), ()


def pgd_attack(config: Config) -> Attack:
    """How PGD with these settings is named beside a number."""
    return Attack(
        name="PGD", norm=config.norm, eps=config.eps, steps=config.attack_steps, restarts=config.restarts, loss="CE",
        step_size=config.step_size or 2.5 * config.eps / config.attack_steps,
    )  # fmt: skip


def survivors(
    model: Logits,
    x: Tensor,
    y: Tensor,
    config: Config,
    steps: int,
    restarts: int,
    loss: str,
    seed: int,
    offset: int,
) -> Generator[int, None, Tensor]:
    """(n,) bool: correct without attack and at every iterate; pauses after each gradient.

    offset   images finished before this batch: it names the batch's stream of random starts, and each pause says it
    """
    generator = torch.Generator().manual_seed(stream(seed, "evaluate", loss, offset))
    work = pgd_steps(
        model, x, y, norm=config.norm, eps=config.eps, steps=steps, step_size=config.step_size or None,
        restarts=restarts, loss=loss, generator=generator,
    )  # fmt: skip
    with closing(work):
        while True:
            try:
                next(work)
            except StopIteration as stop:
                return _correct(model, stop.value, y)
            yield offset


def _correct(model: Logits, x: Tensor, y: Tensor) -> Tensor:
    """(n,) bool in eval mode, judged in float32; refuses a model that answers NaN."""
    with untouched(model), torch.no_grad():
        out = model(x).float()
    if not bool(out.isfinite().all()):
        raise NumericsError("the model returns NaN or infinity on test images: its training has diverged")
    return out.argmax(1) == y


def _batches(x: Tensor) -> Iterator[Tensor]:
    """Rows of x in parts that take less than a second per gradient on a CPU, and fill a GPU."""
    return iter(torch.arange(len(x), device=x.device).split(64 if x.device.type == "cpu" else 512))


def _accuracy(correct: int, images: int, attack: Attack, seed: int, began: float) -> Accuracy:
    seconds = time.perf_counter() - began
    return Accuracy(correct=correct, images=images, attack=attack, seed=seed, seconds=seconds)
