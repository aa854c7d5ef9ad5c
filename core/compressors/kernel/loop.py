"""The loop of KIP and adv-KIP: solve, attack a batch, move the support, report.

Sources: arXiv:2011.00050 (KIP) and arXiv:2207.11727, algorithm 1 (adv-KIP). Nothing depends on a clock but which
moments are shown and saved, so a run resumed from a checkpoint ends in the bytes of one that never stopped. Progress
comes at least once a second as long as one image against the support takes less (`regression.CHUNK`); global average
pooling on 28x28 images with many supports does not keep that.
"""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from math import ceil, cos, isfinite, pi

import numpy as np

from core.compressors.kernel import regression
from core.compressors.kernel.options import SupportOptions
from core.compressors.kernel.state import Real, Support, Threat, judged, source
from core.errors import ConfigError, NumericsError
from core.events import Progress, Work, pulsing
from core.kernels import Kernel, Solution, centred, condensing, measure, refuse, refuse_supports
from core.types import CondensedSet, Told, TrainSplit

CHECKPOINT_S = 20.0  # seconds between checkpoints
PICTURE_S = 0.5  # seconds between images
WATCH_STEPS = 10  # of the attack on the live accuracy


def run(
    train: TrainSplit,
    config: SupportOptions,
    threat: Threat,
    *,
    method: str,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
    start: CondensedSet | None = None,
) -> Work[CondensedSet]:
    """Learn a support set.

    yields   Progress in steps; values loss, eps, jitter, alpha_max, contrast, and now and then kernel_clean_acc and
             kernel_robust_acc on the held-out train images; x at most twice a second; state every 20 seconds
    returns  CondensedSet, with soft_labels when they were learned
    raises   ResourceError before the first step when it would not fit, NumericsError when the loss is not finite
    """
    if not len(train):
        raise ConfigError(f"{method} needs at least one train image, got none")
    real = Real.split(train, config.held_out, seed, device)
    support = Support.begin(real, config, n_classes, seed, start)
    kernel = Kernel(family=config.kernel, depth=config.depth, bias_std=config.bias_std, readout=config.readout)
    refuse_supports(len(support.x))
    if checkpoint is not None:
        support.unpack(checkpoint)
    else:
        yield _report(support, config, {}, note=_price(kernel, train, config, threat, len(support.x), device, method))
    loop = _Loop(real, support, kernel, config, threat, n_classes, seed)
    values, saved, shown = {}, time.monotonic(), time.monotonic()
    if support.step in (0, config.steps):
        values = yield from _pulsing(loop.judge(), support, config)
        yield _report(support, config, values, picture=True)
    while support.step < config.steps:
        values = yield from _pulsing(loop.advance(), support, config)
        now, last = time.monotonic(), support.step == config.steps
        picture, keep = now - shown >= PICTURE_S or last, now - saved >= CHECKPOINT_S and not last
        shown, saved = now if picture else shown, now if keep else saved
        yield _report(support, config, values, picture=picture, state=support.pack() if keep else None)
    return _result(support, kernel, config, threat, values, method, n_classes, len(real.held))


@dataclass(eq=False)
class _Loop:
    """One step after another; holds nothing that a checkpoint would need."""

    real: Real
    support: Support
    kernel: Kernel
    config: SupportOptions
    threat: Threat
    n_classes: int
    seed: int

    def advance(self) -> Generator[None, None, dict[str, float]]:
        """One step, with the live accuracies when they are due; returns the values to report."""
        values = yield from self._step()
        if self.support.step in judged(self.config.steps):
            values |= yield from self.judge()
        return values

    def judge(self) -> Generator[None, None, dict[str, float]]:
        """Clean and robust accuracy of the kernel on the held-out train images."""
        solution = yield from self._fit()
        values = self._health(solution)
        if len(self.real.held):
            x, y = self.real.images(self.real.held)
            clean, robust = yield from regression.correct(
                self._regressor(solution), x, y, norm=self.threat.norm, eps=self.threat.watch_eps, steps=WATCH_STEPS,
                generator=source(self.seed, "judge", self.support.step),
            )  # fmt: skip
            values |= {"kernel_clean_acc": clean / len(y), "kernel_robust_acc": robust / len(y)}
        return values

    def _fit(self) -> Generator[None, None, Solution]:
        support = self.support
        return (yield from regression.fit(self.kernel, support.x, support.targets, self.real.mean, self.config.ridge))

    def _regressor(self, solution: Solution) -> regression.Regressor:
        x = self.support.x
        return regression.Regressor(self.kernel, x - self.real.mean, solution.alpha.to(x), self.real.mean)

    def _step(self) -> Generator[None, None, dict[str, float]]:
        support, step, steps = self.support, self.support.step, self.config.steps
        x, labels = self.real.batch(self.config.batch, self.seed, step)
        y = centred(labels, self.n_classes, x.dtype)
        solution, eps = (yield from self._fit()), self.threat.at(step, steps)
        x = yield from regression.attack(
            self._regressor(solution), x, y, norm=self.threat.norm, eps=eps, steps=self.threat.steps,
            generator=source(self.seed, "attack", step),
        )  # fmt: skip
        loss, g_x, g_y = yield from regression.loss_and_gradient(self.kernel, support.x, solution, x, y, self.real.mean)
        if not isfinite(float(loss)):
            raise NumericsError(f"the loss of step {step + 1} is not a finite number: lower lr, now {self.config.lr:g}")
        wave = 0.5 * (1 + cos(pi * step / steps)) if self.config.schedule == "cosine" else 1.0
        support.move(g_x, g_y, self.config.lr * wave, self.config.box)
        return {"loss": float(loss), "eps": eps, **self._health(solution)}

    def _health(self, solution: Solution) -> dict[str, float]:
        contrast = (self.support.x - self.real.mean).square().flatten(1).sum(1).mean()
        return {
            "jitter": solution.jitter,
            "alpha_max": float(solution.alpha.abs().max()),
            "contrast": float(contrast),
        }


def _pulsing(work: Generator[None, None, dict[str, float]], support: Support, config: SupportOptions) -> Work:
    """Run work that pauses with None, with a sign of life now and then."""
    return (yield from pulsing(work, lambda _: _report(support, config, {})))


def _report(
    support: Support, config: SupportOptions, values: Mapping[str, float], *, note: str = "", picture: bool = False,
    state: Mapping[str, np.ndarray] | None = None,
) -> Progress:  # fmt: skip
    return Progress(
        stage="condense", done=support.step, total=config.steps, unit="steps", values=values, note=note, state=state,
        x=support.x.cpu().numpy().copy() if picture else None, y=support.labels.copy() if picture else None,
    )  # fmt: skip


def _price(
    kernel: Kernel, train: TrainSplit, config: SupportOptions, threat: Threat, supports: int, device: str, method: str
) -> str:
    """A sentence with the estimated cost; refuses what does not fit."""
    pace, inner = measure(kernel, train.shape, device), threat.steps if threat.eps else 0
    looks = (len(judged(config.steps)) + 1) * min(config.held_out, len(train) // 5) * (WATCH_STEPS + 2)

    def cost(ipc: int, steps: int):
        return condensing(
            pace, kernel, train.shape, supports=ceil(supports * ipc / config.ipc), batch=config.batch, steps=steps,
            attack_steps=inner, judged=looks,
        )  # fmt: skip

    what = f"{method} with {kernel.sentence()}, {supports} images and {config.steps} steps"
    refuse(cost, ipc=config.ipc, steps=config.steps, hours=config.hours, device=device, what=what)
    return f"{kernel.sentence()}: {cost(config.ipc, config.steps).sentence()} expected on {device}"


def _result(
    support: Support, kernel: Kernel, config: SupportOptions, threat: Threat, values: Mapping[str, float],
    method: str, n_classes: int, held: int,
) -> CondensedSet:  # fmt: skip
    info: dict[str, object] = {
        "kernel": kernel.sentence(),
        "kernel_family": kernel.family,
        "kernel_depth": kernel.depth,
        "kernel_bias_std": kernel.bias_std,
        "kernel_readout": kernel.readout,
        "ridge": config.ridge,
        "live_attack": f"margin-PGD-{WATCH_STEPS}, {threat.norm}, ε {threat.watch_eps:g}, {held} held-out train images",
        **values,
    }
    return CondensedSet(
        x=support.x.cpu().numpy().copy(),
        y=support.labels.copy(),
        n_classes=n_classes,
        method=method,
        soft_labels=support.targets.cpu().numpy().copy() if config.learn_labels else None,
        info=Told.read(info),
    )
