"""AutoAttack: the ensemble whose number is quoted when robustness is claimed.

Source: Croce & Hein 2020, arXiv:2003.01690: APGD-CE, targeted APGD-DLR, targeted FAB (arXiv:1907.02044)
and Square (arXiv:1912.00049), each on the images that are still right. The parts are torchattacks' at
the strength of the paper; its own ensemble runs 10 steps and is what the preset "quick" resembles.
In L1, after Croce & Hein 2021, arXiv:2103.01208: APGD of apgd_l1.py with 5 restarts and 5 targets, and FAB.
Every image found is brought back into the ball, judged again in float32 and counted only if it holds.
Cost: about 2,000 gradients and 5,000 queries per robust image for ten classes.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from core.attacks.apgd_l1 import apgd_l1, apgd_l1_targeted
from core.attacks.guard import untouched
from core.attacks.interruptible import Door, interruptible
from core.attacks.losses import LOSSES
from core.attacks.pgd import Logits, check
from core.attacks.projections import lengths, project
from core.errors import ConfigError, NumericsError
from core.events import finish, through
from core.types import Norm, Part, stream

Preset = Literal["standard", "quick", "rand"]
Found = Callable[[Tensor, Tensor], Tensor]  # an attack of the library: images and labels to images
RESTARTS_L1, TARGETS_L1 = 5, 5  # of APGD in L1, as its authors run it
BATCH = 500  # images per call of a part: bounds memory, changes nothing for fewer images
SMALL_SIDE = 16  # pixels; below it Square's windows miss the last row and column or do not fit


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Steps of the gradient parts, random draws per gradient, queries of Square, targets of the targeted parts."""

    steps: int
    queries: int
    average: int = 1
    targets: int = 9


PRESETS: dict[Preset, Strength] = {
    "standard": Strength(steps=100, queries=5000),
    "quick": Strength(steps=10, queries=500),
    "rand": Strength(steps=100, queries=0, average=20),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class AutoAttackResult:
    """What is left standing, and what broke the rest.

    robust       (n,) bool
    adversarial  (n, c, h, w) float32 within eps and [0, 1]; the clean image where robust or wrong anyway
    broken_by    n names: "" where robust, "clean" where wrong without an attack, else the part
    parts        in the order they ran
    notes        what was left out and why
    """

    robust: Tensor
    adversarial: Tensor
    broken_by: tuple[str, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A moment of the ensemble: the part at work, its queries so far, and the images still standing."""

    part: str
    queries: int
    standing: int
    images: int


def autoattack(
    model: Logits, x: Tensor, y: Tensor, *, norm: Norm, eps: float, n_classes: int, seed: int,
    preset: Preset = "standard", search: Logits | None = None,
) -> AutoAttackResult:  # fmt: skip
    """Attack images with the whole ensemble.

    model     any function (n, c, h, w) in [0, 1] -> (n, n_classes); left exactly as it was
    x, y      (n, c, h, w) float32 in [0, 1], (n,) int64
    norm      "Linf", "L2" or "L1"; Square is left out in L1, and a note says so
    preset    "standard"; "quick" for a look; "rand" for models that answer at random
    search    a cheaper version of the model for APGD, see core.attacks.precision. FAB stops at the boundary and Square
              at the first image it takes for wrong, so these look at the model itself, as does every verdict
    raises    ConfigError when the input does not fit
    """
    run = autoattack_steps(
        model, x, y, norm=norm, eps=eps, n_classes=n_classes, seed=seed, preset=preset, search=search
    )
    return finish(run)


def autoattack_steps(
    model: Logits, x: Tensor, y: Tensor, *, norm: Norm, eps: float, n_classes: int, seed: int,
    preset: Preset = "standard", search: Logits | None = None,
) -> Generator[Tick, None, AutoAttackResult]:  # fmt: skip
    """`autoattack` as a generator: yields a Tick about five times a second, can be closed at any."""
    if preset not in PRESETS:
        raise ConfigError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    check(x, norm, torch.full((1,), eps))
    with untouched(model):
        right, differentiable = _probe(model, x, y, n_classes)
        names, notes = _choose(preset, n_classes, differentiable, norm)
        adversarial = x.detach().clone().float()
        broken_by = ["" if ok else "clean" for ok in right.tolist()]
        parts: list[Part] = []
        for name in names if eps > 0 else ():
            seen = search if search is not None and name.startswith("APGD") else model
            began, door, before = time.perf_counter(), Door(seen, x.device), int(right.sum())
            for rows in right.nonzero()[:, 0].split(BATCH):
                attack = _part(name, door, norm, eps, n_classes, PRESETS[preset], seed)
                work = interruptible(_call(attack, door, x[rows], y[rows], square=name == "Square"), door)
                found = yield from _ticking(work, name, door, right)
                found = project(found.detach().float(), x[rows], norm, torch.full((len(rows),), eps).to(x))
                fell = rows[_wrong(model, found, y[rows])]
                adversarial[fell] = found[torch.isin(rows, fell)]
                right[fell] = False
                for row in fell.tolist():
                    broken_by[row] = name
            seconds = time.perf_counter() - began
            broken = before - int(right.sum())
            parts.append(Part(name=name, images=before, broken=broken, seconds=seconds, queries=door.queries))
    return AutoAttackResult(
        robust=right, adversarial=adversarial, broken_by=tuple(broken_by), parts=tuple(parts), notes=notes
    )


def square_steps(
    model: Logits, x: Tensor, y: Tensor, *, norm: Norm, eps: float, queries: int, seed: int
) -> Generator[Tick, None, Tensor]:
    """Square alone, with a number of queries per image; yields like `autoattack_steps`, returns (n, c, h, w)."""
    radius = torch.full((len(x),), eps).to(x)
    check(x, norm, radius)
    if norm == "L1":
        raise ConfigError("Square is defined for Linf and L2, got 'L1': use PGD with restarts")
    found = x.detach().clone()
    door, everything = Door(model, x.device), torch.ones(len(x), dtype=torch.bool)
    with untouched(model):
        for rows in torch.arange(len(x), device=x.device).split(BATCH):
            attack = _part("Square", door, norm, eps, 0, Strength(steps=0, queries=queries), seed)
            work = interruptible(_call(attack, door, x[rows], y[rows], square=True), door)
            moved = yield from _ticking(work, "Square", door, everything)
            found[rows] = project(moved.detach().to(x), x[rows], norm, radius[rows])
    return found


def _ticking(
    work: Generator[None, None, Tensor], name: str, door: Door, right: Tensor
) -> Generator[Tick, None, Tensor]:
    def tick(_: object) -> Tick:
        return Tick(part=name, queries=door.queries, standing=int(right.sum()), images=len(right))

    yield tick(None)
    return (yield from through(work, tick))


def _wrong(model: Logits, x: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        return model(x).float().argmax(1) != y


def _probe(model: Logits, x: Tensor, y: Tensor, n_classes: int) -> tuple[Tensor, bool]:
    """Which images are right, and whether the model can be differentiated; refuses what cannot be judged."""
    right = []
    for rows in torch.arange(len(x), device=x.device).split(BATCH):
        with torch.no_grad():
            out = model(x[rows])
        if out.shape != (len(rows), n_classes):
            raise ConfigError(f"the model must return ({len(rows)}, {n_classes}) logits, got {tuple(out.shape)}")
        if not bool(out.isfinite().all()):
            raise NumericsError("the model returns NaN or infinity on clean images: its training has diverged")
        right.append(out.float().argmax(1) == y[rows])
    with torch.enable_grad():
        differentiable = model(x[:1].detach().requires_grad_()).requires_grad
    return torch.cat(right) if right else torch.zeros(0, dtype=torch.bool, device=x.device), differentiable


def _choose(
    preset: Preset, n_classes: int, differentiable: bool, norm: Norm
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts that can run here, and a sentence for each that cannot."""
    if norm == "L1" and not differentiable:
        raise ConfigError("the model has no gradient, and Square is defined for Linf and L2, got 'L1': choose those")
    names, notes = _suited(preset, n_classes, differentiable)
    if norm == "L1" and "Square" in names:
        return tuple(name for name in names if name != "Square"), (*notes, "Square is not defined in L1: left out")
    return names, notes


def _suited(preset: Preset, n_classes: int, differentiable: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if n_classes < 2:
        raise ConfigError(f"an attack needs at least 2 classes, got {n_classes}")
    if not differentiable:
        if preset == "rand":
            raise ConfigError("the model has no gradient, which every attack of 'rand' needs: use 'standard'")
        return ("Square",), ("the model has no gradient: only Square ran, and the number is too high",)
    if preset == "rand":
        if n_classes < 3:
            return ("APGD-CE",), (f"APGD-DLR needs 3 classes, there are {n_classes}: left out",)
        return ("APGD-CE", "APGD-DLR"), ()
    if n_classes < 4:
        note = f"the targeted DLR loss needs 4 classes, there are {n_classes}: APGD-T left out"
        return ("APGD-CE", "FAB-T", "Square"), (note,)
    return ("APGD-CE", "APGD-T", "FAB-T", "Square"), ()


def _part(name: str, door: Door, norm: Norm, eps: float, n_classes: int, strength: Strength, seed: int) -> Found:
    if norm == "L1" and name.startswith("APGD"):
        return _apgd_l1(name, door, eps, n_classes, strength, seed)
    import torchattacks  # four seconds to import, and only here

    common = {"norm": norm, "eps": eps, "seed": stream(seed, "autoattack", name) % 2**31}
    gradient = {**common, "steps": strength.steps}
    classes = min(n_classes, strength.targets + 1)
    attack: Found
    match name:
        case "APGD-CE":
            attack = torchattacks.APGD(door, **gradient, loss="ce", eot_iter=strength.average)
        case "APGD-DLR":
            attack = torchattacks.APGD(door, **gradient, loss="dlr", eot_iter=strength.average)
        case "APGD-T":
            attack = torchattacks.APGDT(door, **gradient, n_classes=classes)
        case "FAB-T":
            attack = torchattacks.FAB(door, **gradient, multi_targeted=True, n_classes=classes)
            attack = partial(_fab_l1, attack, door) if norm == "L1" else attack
        case _:
            attack = torchattacks.Square(door, **common, n_queries=strength.queries)
    return attack


def _apgd_l1(name: str, door: Door, eps: float, n_classes: int, strength: Strength, seed: int) -> Found:
    generator = torch.Generator().manual_seed(stream(seed, "autoattack", name))
    common: dict[str, Any] = {"eps": eps, "steps": strength.steps, "generator": generator}
    if name == "APGD-T":
        return partial(apgd_l1_targeted, door, **common, targets=min(n_classes - 1, TARGETS_L1))
    loss = LOSSES["dlr" if name == "APGD-DLR" else "ce"]
    return partial(apgd_l1, door, **common, loss=loss, restarts=RESTARTS_L1, average=strength.average)


def _fab_l1(fab: Any, door: Door, x: Tensor, y: Tensor) -> Tensor:
    """FAB towards each target in turn: the library's own loop over them measures no L1 lengths."""
    found, standing = x.clone(), torch.arange(len(x), device=x.device)
    for place in range(2, fab.n_target_classes + 2):
        if not len(standing):
            break
        fab.target_class = place
        moved = fab.attack_single_run_targeted(x[standing], y[standing])
        short = lengths(moved - x[standing], "L1") <= fab.eps
        fell = short & (door(moved).argmax(1) != y[standing])
        found[standing[fell]] = moved[fell]
        standing = standing[~fell]
    return found


def _call(attack: Found, door: Door, x: Tensor, y: Tensor, *, square: bool) -> Callable[[], Tensor]:
    """The attack on these images; for Square small or oblong ones stand in the corner of a square canvas.

    The canvas has no effect on the logits, so what is found there is found in the image.
    """
    height, width = x.shape[-2:]
    if not square or (height == width and height >= SMALL_SIDE):
        door.crop = None
        return lambda: attack(x, y)
    side = max(height, width, SMALL_SIDE // 2) + 1
    door.crop = (height, width)
    padded = F.pad(x, (0, side - width, 0, side - height), value=0.5)
    return lambda: attack(padded, y)[..., :height, :width]
