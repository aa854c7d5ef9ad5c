"""Watch an attack: every iterate on a few test images, the loss along the way, and the loss around each image.

For looking, not for judging: a handful of images says nothing about a model's robust accuracy. The surface goes through
the clean image, along the steepest direction of the loss there and along a random one of the same norm (Li et al. 2018,
arXiv:1712.09913, section 3, with the gradient as first direction). Sources of the attacks: core.attacks.
Cost: steps gradients for each image, then 2 * grid^2 forward passes for its surface.
"""

from collections.abc import Callable, Generator

import numpy as np
import torch
from torch import Tensor

from core.attacks import LOSSES, Step, Tick, autoattack_steps, carlini_wagner, deepfool, fgsm, pgd_steps, untouched
from core.attacks.projections import lengths, per_image, steepest
from core.errors import ConfigError
from core.evaluation.indicators_probes import gradients, in_parts
from core.evaluation.options import MINIMAL
from core.evaluation.options import AttackConfig as Config
from core.evaluation.sample import choose_each
from core.events import Progress, Work, through
from core.types import Playback, TestSplit, only_test, stream

Logits = Callable[[Tensor], Tensor]
LINE = 21  # points of the straight line to an attacked image, both ends among them
REACH = 1.5  # how far the surface reaches, in multiples of the attack's radius
BATCH = 256  # images judged at once


def playback(
    model: Logits, test: TestSplit, config: Config, *, n_classes: int, seed: int, device: str
) -> Work[Playback]:
    """Attack a few test images and keep what there is to see.

    model    any function (n, c, h, w) in [0, 1] on `device` -> (n, n_classes) logits; left exactly as it was
    yields   Progress with stage "attack"
    raises   ConfigError for rows that the test split does not have
    """
    only_test(test)
    rows = np.array(config.rows, np.int64) if config.rows else choose_each(test, config.images, seed)
    if rows.max(initial=0) >= len(test):
        raise ConfigError(f"the test split has rows 0 to {len(test) - 1}, got {int(rows.max())}")
    with untouched(model):
        return (yield from _record(model, test, rows, config, n_classes=n_classes, seed=seed, device=device))


def _record(
    model: Logits, test: TestSplit, rows: np.ndarray, config: Config, *, n_classes: int, seed: int, device: str
) -> Work[Playback]:
    """As `playback`, for chosen rows and a model that is held still."""
    x, y = torch.from_numpy(np.array(test.pixels(rows))).to(device), torch.from_numpy(test.y[rows]).to(device)
    watched = config.attack == "pgd" and config.eps > 0
    if config.loss == "dlr" and n_classes < 3:
        raise ConfigError(f"the DLR loss needs at least 3 classes, got {n_classes}: use the margin")
    if watched:
        frames = yield from _iterates(model, x, y, config, seed)
    else:
        found = yield from _end(model, x, y, config, n_classes, seed)
        part = torch.linspace(0, 1, LINE).to(x)[None, :, None, None, None]
        frames = x[:, None] + part * (found - x)[:, None]
    loss, margin, probability = yield from _judged(model, frames, y, config.loss)
    best = _worst(loss, margin) if watched else torch.full_like(y, frames.shape[1] - 1)
    attacked = frames[torch.arange(len(y), device=y.device), best]
    length = lengths(attacked - x, config.norm)
    given = torch.full_like(length, config.eps or 0.1)
    radius = torch.where(length > 0, length, given) if config.attack in MINIMAL else given
    side = torch.linspace(-REACH, REACH, config.grid).to(x)
    surface, surface_margin = yield from _surface(model, x, y, config, side, radius, seed)
    tensors = {
        "rows": rows, "y": y, "frames": frames, "loss": loss, "margin": margin, "probability": probability,
        "attacked": attacked, "length": length, "best": best, "side": side, "radius": radius, "surface": surface,
        "surface_margin": surface_margin,
    }  # fmt: skip
    return Playback(line=not watched, **{name: np.asarray(torch.as_tensor(t).cpu()) for name, t in tensors.items()})


def _iterates(model: Logits, x: Tensor, y: Tensor, config: Config, seed: int) -> Work[Tensor]:
    """Clean image, random start and every PGD iterate, (n, steps + 2, c, h, w)."""
    source = torch.Generator().manual_seed(stream(seed, "playback", "start"))
    seen, total = [x], config.steps
    run = pgd_steps(
        model, x, y, norm=config.norm, eps=config.eps, steps=total, step_size=config.step_size or None,
        loss=config.loss, generator=source, keep="last",
    )  # fmt: skip

    def say(step: Step) -> Progress:
        seen.append(step.images.detach())
        return Progress(stage="attack", done=step.step, total=total, values={"loss": float(step.loss.mean())})

    last = yield from through(run, say)
    return torch.stack([*seen, last], 1)


def _fooled(tick: Tick) -> Progress:
    fallen = tick.images - tick.standing
    return Progress(stage="attack", done=fallen, total=tick.images, unit="images fooled", note=tick.part)


def _end(
    model: Logits, x: Tensor, y: Tensor, config: Config, n_classes: int, seed: int
) -> Generator[Progress, None, Tensor]:
    """What an attack that cannot be watched arrives at, (n, c, h, w)."""
    yield Progress(stage="attack", note=config.attack)
    if not config.eps and config.attack not in MINIMAL:
        return x
    if config.attack == "fgsm":
        return fgsm(model, x, y, norm=config.norm, eps=config.eps, loss=config.loss)
    if config.attack == "autoattack":
        run = autoattack_steps(model, x, y, norm=config.norm, eps=config.eps, n_classes=n_classes, seed=seed)
        return (yield from through(run, _fooled)).adversarial
    found = x.clone()
    for i in range(len(x)):  # one at a time, so that a stop is heard in between
        yield Progress(stage="attack", done=i, total=len(x), unit="images", note=config.attack)
        one, label = x[i : i + 1], y[i : i + 1]
        if config.attack == "deepfool":
            found[i] = deepfool(model, one, label, norm=config.norm, steps=config.steps).adversarial[0]
        else:
            found[i] = carlini_wagner(model, one, label, steps=config.steps).adversarial[0]
    return found


def _judged(model: Logits, frames: Tensor, y: Tensor, loss: str) -> Work[tuple[Tensor, Tensor, Tensor]]:
    """Loss (n, T), margin (n, T) and softmax (n, T, C) of every frame."""
    outs = []
    for i, images in enumerate(frames):
        outs.append(in_parts(model, images, BATCH).float())
        yield Progress(stage="attack", done=i + 1, total=len(frames), unit="images", note="judging every step")
    out = torch.stack(outs)
    return _along(out, y, loss), _along(out, y, "margin"), out.softmax(-1)


def _along(out: Tensor, y: Tensor, loss: str) -> Tensor:
    """A loss of logits (n, ..., C) against labels (n,), shape (n, ...)."""
    flat = out.flatten(0, -2)
    repeated = y.repeat_interleave(len(flat) // len(y))
    return LOSSES[loss](flat, repeated).view(out.shape[:-1])


def _worst(loss: Tensor, margin: Tensor) -> Tensor:
    """The frame that is worst for the model, (n,): misclassified before not, then the larger loss."""
    broken = (margin > 0) * (loss.amax() - loss.amin() + 1)
    return (loss + broken).argmax(1)


def _surface(
    model: Logits, x: Tensor, y: Tensor, config: Config, side: Tensor, radius: Tensor, seed: int
) -> Work[tuple[Tensor, Tensor]]:
    """Loss and margin (n, g, g) on a plane through each image; rows go along the random direction."""
    source = torch.Generator().manual_seed(stream(seed, "playback", "surface"))
    uphill = steepest(gradients(model, x, y, config.loss, BATCH), x, config.norm)
    noise = steepest(torch.randn(x.shape, generator=source).to(x), x, config.norm)
    b, a = torch.meshgrid(side, side, indexing="ij")
    found, margins = [], []
    for i in range(len(x)):
        plane = a.reshape(-1, 1, 1, 1) * uphill[i] + b.reshape(-1, 1, 1, 1) * noise[i]
        images = (x[i] + per_image(radius[i].expand(len(plane)), plane) * plane).clamp(0, 1)
        out = in_parts(model, images, BATCH).float()
        labels = y[i].expand(len(out))
        found.append(LOSSES[config.loss](out, labels).view(a.shape))
        margins.append(LOSSES["margin"](out, labels).view(a.shape))
        yield Progress(stage="attack", done=i + 1, total=len(x), unit="images", note="the loss around each image")
    return torch.stack(found), torch.stack(margins)
