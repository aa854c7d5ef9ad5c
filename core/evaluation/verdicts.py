"""Judging images: who stays correct without an attack, under PGD, under the strong pair, under AutoAttack.

Each function is a generator that pauses after every gradient with the number of images it has finished, and
returns an Accuracy. Random starts come from a stream of their own for each batch and loss, so no batch depends on
another. Sources: arXiv:1706.06083 (PGD); arXiv:2003.01690 (AutoAttack).
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from core.attacks import Step, autoattack_steps, pgd_steps, searching, untouched
from core.errors import NumericsError
from core.evaluation.options import EvaluationConfig as Config
from core.events import through
from core.types import Accuracy, Attack, Part, stream, usual_step

MARGIN_STEPS, MARGIN_RESTARTS = 50, 3  # the margin attack of "strong"

Logits = Callable[[Tensor], Tensor]

Judging = Generator[int, None, Accuracy]


class Judged(NamedTuple):
    """An accuracy with what is behind it: who is standing, (n,) bool, and what each attack did."""

    accuracy: Accuracy
    standing: Tensor
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Tally:
    """One attack's count while it goes through the batches."""

    name: str
    images: int = 0
    broken: int = 0
    seconds: float = 0.0
    queries: int = 0

    def part(self) -> Part:
        return Part(**vars(self))


def right(model: Logits, x: Tensor, y: Tensor) -> Tensor:
    """(n,) bool: correct without an attack."""
    return torch.cat([_correct(model, x[part], y[part]) for part in _batches(x)])


def clean(model: Logits, x: Tensor, y: Tensor, seed: int) -> Judging:
    began, finished, right = time.perf_counter(), 0, 0
    for part in _batches(x):
        right += int(_correct(model, x[part], y[part]).sum())
        finished += len(part)
        yield finished
    return _accuracy(right, len(y), Attack(name="none"), seed, began)


def pgd(model: Logits, x: Tensor, y: Tensor, config: Config, seed: int) -> Judging:
    """PGD at config.eps; all iterates of all restarts count, broken images leave the batch."""
    return (yield from _run(model, x, y, config, seed, pgd_attack(config), False)).accuracy


def curve_point(
    model: Logits, x: Tensor, y: Tensor, config: Config, seed: int, standing: Tensor
) -> Generator[int, None, Judged]:
    """PGD at config.eps on the images that stood at every smaller eps: what broke there is within reach here, too.

    standing  (n,) bool; the random starts of the images left are those that they have among all
    """
    return (yield from _run(model, x, y, config, seed, pgd_attack(config), False, standing))


def strong(model: Logits, x: Tensor, y: Tensor, config: Config, seed: int) -> Generator[int, None, Judged]:
    """PGD with cross-entropy, then margin-PGD 50 × 3 on the images left; an image must survive both."""
    name = f"PGD-{config.attack_steps} (CE) + PGD-{MARGIN_STEPS} × {MARGIN_RESTARTS} (margin)"
    attack = Attack(name=name, norm=config.norm, eps=config.eps, restarts=config.restarts, loss="worst of both")
    return (yield from _run(model, x, y, config, seed, attack, True))


def _run(
    model: Logits, x: Tensor, y: Tensor, config: Config, seed: int, attack: Attack, margin: bool,
    among: Tensor | None = None,
) -> Generator[int, None, Judged]:  # fmt: skip
    """PGD with cross-entropy and, with `margin`, margin-PGD on what it leaves standing.

    among  (n,) bool: images that are attacked at all, the others count as broken; None is all
    """
    began, finished, standing = time.perf_counter(), 0, torch.zeros(len(y), dtype=torch.bool, device=y.device)
    first, second = (config, config.attack_steps, config.restarts, "ce"), (
        config.replace(step_size=0), MARGIN_STEPS, MARGIN_RESTARTS, "margin"
    )  # fmt: skip
    runs = (first, second) if margin else (first,)
    tallies = [_Tally(f"PGD-{steps} × {restarts} ({loss})") for _, steps, restarts, loss in runs]
    for part in _batches(x):
        left = part
        for (settings, steps, restarts, loss), tally in zip(runs, tallies, strict=True):
            if not len(left):
                break
            survived = yield from survivors(
                model, x[left], y[left], settings, steps, restarts, loss, seed, finished, tally,
                None if among is None else among[left],
            )  # fmt: skip
            left = left[survived]
        standing[left] = True
        finished += len(part)
        yield finished
    if _search(model, x, config) is not None:
        attack = replace(attack, gradients="bfloat16")
    accuracy = _accuracy(int(standing.sum()), len(y), attack, seed, began)
    return Judged(accuracy, standing, tuple(tally.part() for tally in tallies))


def autoattack(
    model: Logits, x: Tensor, y: Tensor, config: Config, n_classes: int, seed: int
) -> Generator[int, None, Judged]:
    began = time.perf_counter()
    search = _search(model, x, config)
    work = autoattack_steps(
        model, x, y, norm=config.norm, eps=config.eps, n_classes=n_classes, seed=seed, search=search
    )
    result = yield from through(work, lambda tick: tick.images - tick.standing)
    searched = any(part.name.startswith("APGD") for part in result.parts)  # not so where there is no gradient
    attack = Attack(
        name="AutoAttack", norm=config.norm, eps=config.eps, loss="standard",
        gradients="bfloat16" if search is not None and searched else "",
    )  # fmt: skip
    accuracy = _accuracy(int(result.robust.sum()), len(y), attack, seed, began)
    return Judged(accuracy, result.robust, result.parts, result.notes)


def headline(
    model: Logits, x: Tensor, y: Tensor, config: Config, *, n_classes: int, seed: int
) -> Generator[int, None, Judged]:
    """The attack behind `robust`, with sentences of its own."""
    if config.attack == "autoattack":
        return (yield from autoattack(model, x, y, config, n_classes, seed))
    if config.attack == "strong":
        return (yield from strong(model, x, y, config, seed))
    return (yield from _run(model, x, y, config, seed, pgd_attack(config), False))


def pgd_attack(config: Config) -> Attack:
    """How PGD with these settings is named beside a number."""
    return Attack(
        name="PGD", norm=config.norm, eps=config.eps, steps=config.attack_steps, restarts=config.restarts, loss="CE",
        step_size=config.step_size or usual_step(config.eps, config.attack_steps),
    )  # fmt: skip


def _search(model: Logits, x: Tensor, config: Config) -> Logits | None:
    """What attacks differentiate, see core.attacks.precision."""
    return searching(model, str(x.device), config.precision)


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
    tally: _Tally,
    among: Tensor | None = None,
) -> Generator[int, None, Tensor]:
    """(n,) bool: among those asked about, correct without attack and at every iterate; pauses after each gradient.

    offset   images finished before this batch: it names the batch's stream of random starts, and each pause says it
    tally    grows by the images that were right, those broken, queries and seconds
    among    (n,) bool, None is all; the others have no budget, and their random numbers are drawn all the same
    """
    generator = torch.Generator().manual_seed(stream(seed, "evaluate", loss, offset))
    began, given = time.perf_counter(), _correct(model, x, y)
    given = given if among is None else given & among
    eps = config.eps if among is None else config.eps * among.to(x)
    work = pgd_steps(
        model, x, y, norm=config.norm, eps=eps, steps=steps, step_size=config.step_size or None,
        restarts=restarts, loss=loss, generator=generator, search=_search(model, x, config),
    )  # fmt: skip

    def count(step: Step) -> int:
        tally.queries += len(step.rows)
        return offset

    survived = _correct(model, (yield from through(work, count)), y) & given
    tally.images += int(given.sum())
    tally.broken += int(given.sum() - survived.sum())
    tally.seconds += time.perf_counter() - began
    return survived


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
